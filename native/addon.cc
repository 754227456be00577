#include <napi.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "descriptors.h"
#include "environment.h"

namespace wormhole {
namespace {

// Ends an environment: first all that it owns, then the poller, whose handle needs one more loop iteration.
void OnCleanup(napi_async_cleanup_hook_handle hook, void* data) {
  struct Going {
    Environment* env;
    napi_async_cleanup_hook_handle hook;
  };
  Environment* env = static_cast<Environment*>(data);
  CloseAll(env);
  env->memory.LetGo(env->env);
  env->control_array.LetGo(env->env);
  env->poller.Stop(
      [](void* going_data) {
        Going* going = static_cast<Going*>(going_data);
        napi_remove_async_cleanup_hook(going->hook);
        delete going->env;
        delete going;
      },
      new Going{env, hook});
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Environment* state = new Environment(env);
  napi_add_async_cleanup_hook(env, OnCleanup, state, nullptr);

  const auto add = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, call, name, state));
  };
  add("attach", Attach);
  add("discard", Discard);
  add("sendmsg", Sendmsg);
  add("recvmsg", Recvmsg);
  add("socketpair", Socketpair);
  add("adopt", AdoptDescriptor);
  add("release", Release);
  add("close", Close);
  add("dup", Dup);
  add("getsockopt", Getsockopt);
  add("setsockopt", Setsockopt);
  add("peercred", Peercred);
  add("unread", Unread);
  add("wait", Wait);
  add("socket", OpenSocket);
  add("bind", Bind);
  add("listen", Listen);
  add("accept", Accept);
  add("connect", Connect);
  add("sockname", Sockname);
  add("lock", Lock);
  add("setNonblocking", SetNonblocking);
  add("memfdCreate", MemfdCreate);
  add("addSeals", AddSeals);
  add("getSeals", GetSeals);
  add("map", Map);
  add("onReady", OnReady);
  add("watch", Watch);
  add("watchExclusively", WatchExclusively);
  add("unwatch", Unwatch);
  add("keepAlive", KeepAlive);
  add("loopCount", LoopCount);
  add("clock", Clock);
  Napi::Object constants = SocketConstants(env);
  AddMemfdConstants(constants);
  exports.Set("constants", constants);
  // glibc has gettid() only since 2.30.
  exports.Set("isMainThread", Napi::Boolean::New(env, syscall(SYS_gettid) == getpid()));
  return exports;
}

NODE_API_MODULE(wormhole, Init)

}  // namespace
}  // namespace wormhole
