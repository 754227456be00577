#include <napi.h>
#include <uv.h>

#include <cerrno>

#include "calls.h"
#include "clock.h"
#include "environment.h"
#include "poller.h"

namespace wormhole {

// onReady(callback, ready: Int32Array over shared memory): `callback(count)` is called with `count` pairs in `ready`.
// While it and what it sets off run, `ready` alone says whether the loop stays alive, not keepAlive().
Napi::Value OnReady(const Napi::CallbackInfo& info) {
  Poller& poller = Environment::Of(info).poller;
  if (info.Length() < 2 || !info[0].IsFunction() || !poller.ready_.Hold(info, 1, napi_int32_array, kReadyFirst + 2)) {
    return BadArguments(info, "onReady");
  }
  poller.TellExclusive();
  return Result(info, poller.Start(info[0].As<Napi::Function>()));
}

// watch(fd, events): 0 or -errno.
Napi::Value Watch(const Napi::CallbackInfo& info) {
  int32_t fd, events;
  if (!ReadInt(info, 0, &fd) || !ReadInt(info, 1, &events)) return BadArguments(info, "watch");
  return Result(info, Environment::Of(info).poller.Watch(fd, static_cast<uint32_t>(events)));
}

// watchExclusively(fd, milliseconds): of the processes that wait for `fd` in this way the kernel wakes one, until nothing has
// come for some milliseconds; with 0 no longer. 0 or -errno: what is not watched for EPOLLIN alone is refused.
Napi::Value WatchExclusively(const Napi::CallbackInfo& info) {
  int32_t fd, milliseconds;
  if (!ReadInt(info, 0, &fd) || !ReadInt(info, 1, &milliseconds) || milliseconds < 0) {
    return BadArguments(info, "watchExclusively");
  }
  return Result(info, Environment::Of(info).poller.Exclude(fd, static_cast<unsigned>(milliseconds)));
}

// unwatch(fd): 0; nothing happens for a descriptor that is not watched.
Napi::Value Unwatch(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "unwatch");
  Environment::Of(info).poller.Forget(fd);
  return Result(info, 0);
}

// keepAlive(alive): keeps the event loop alive, or no longer.
Napi::Value KeepAlive(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsBoolean()) return BadArguments(info, "keepAlive");
  Environment::Of(info).poller.KeepAlive(info[0].As<Napi::Boolean>().Value());
  return Result(info, 0);
}

// loopCount(): how many iterations the event loop has begun, or -errno.
Napi::Value LoopCount(const Napi::CallbackInfo& info) {
  uv_loop_t* loop;
  uv_metrics_t metrics;
  if (napi_get_uv_event_loop(info.Env(), &loop) != napi_ok) return Result(info, -EINVAL);
  const int result = uv_metrics_info(loop, &metrics);
  return Result(info, result < 0 ? result : static_cast<long>(metrics.loop_count));
}

// clock(): milliseconds on a clock that nobody sets, to the microsecond.
Napi::Value Clock(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(Microseconds()) / 1000);
}

}  // namespace wormhole
