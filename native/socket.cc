#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calls.h"
#include "descriptors.h"
#include "environment.h"
#include "errno.h"

namespace wormhole {

// socketpair(type): 0 or -errno; the two descriptors, close-on-exec and owned here, are in the control array.
Napi::Value Socketpair(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  int32_t type;
  if (env.control() == nullptr || !ReadInt(info, 0, &type)) return BadArguments(info, "socketpair");
  int pair[2];
  const long result = Retry([&] { return socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair); });
  if (result == 0) {
    for (int end = 0; end < 2; end++) {
      OwnFresh(&env, pair[end]);
      env.control()[kControlFirst + end] = pair[end];
    }
    env.control()[kControlCount] = 2;
  }
  return Result(info, result);
}

// adopt(fd): makes this environment its owner: 0, -EBADF (not open), -EEXIST (owned already) or another -errno.
Napi::Value AdoptDescriptor(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "adopt");
  return Result(info, Adopt(&Environment::Of(info), fd));
}

// release(fd): gives up the ownership: 0 or -EBADF; the descriptor stays open.
Napi::Value Release(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "release");
  return Result(info, Disown(&Environment::Of(info), fd));
}

// close(fd): closes a descriptor that this environment owns; -EBADF for any other, which is left alone.
Napi::Value Close(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "close");
  return Result(info, CloseOwned(&Environment::Of(info), fd));
}

// dup(fd): a duplicate of any descriptor, close-on-exec and owned here, or -errno.
Napi::Value Dup(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "dup");
  const long copy = Retry([&] { return fcntl(fd, F_DUPFD_CLOEXEC, 3); });
  if (copy >= 0) OwnFresh(&Environment::Of(info), static_cast<int>(copy));
  return Result(info, copy);
}

// getsockopt(fd, option): an integer option of level SOL_SOCKET, or -errno.
Napi::Value Getsockopt(const Napi::CallbackInfo& info) {
  int32_t fd, option;
  if (!ReadInt(info, 0, &fd) || !ReadInt(info, 1, &option)) return BadArguments(info, "getsockopt");
  int value = 0;
  const long result = Retry([&] {
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size);
  });
  return Result(info, result < 0 ? result : value);
}

// setsockopt(fd, option, value): 0 or -errno.
Napi::Value Setsockopt(const Napi::CallbackInfo& info) {
  int32_t fd, option, value;
  if (!ReadInt(info, 0, &fd) || !ReadInt(info, 1, &option) || !ReadInt(info, 2, &value)) {
    return BadArguments(info, "setsockopt");
  }
  return Result(info, Retry([&] { return setsockopt(fd, SOL_SOCKET, option, &value, sizeof value); }));
}

// peercred(fd): 0 or -errno; the peer's process, user and group ids (SO_PEERCRED, unix(7)) are in the control array.
Napi::Value Peercred(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  int32_t fd;
  if (env.control() == nullptr || !ReadInt(info, 0, &fd)) return BadArguments(info, "peercred");
  ucred peer{};
  const long result = Retry([&] {
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  });
  if (result == 0) {
    env.control()[kControlFirst] = peer.pid;
    env.control()[kControlFirst + 1] = static_cast<int32_t>(peer.uid);
    env.control()[kControlFirst + 2] = static_cast<int32_t>(peer.gid);
  }
  return Result(info, result);
}

// unread(fd): how many bytes wait in the receive queue (FIONREAD, unix(7)), or -errno.
Napi::Value Unread(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "unread");
  int bytes = 0;
  const long result = Retry([&] { return ioctl(fd, FIONREAD, &bytes); });
  return Result(info, result < 0 ? result : bytes);
}

// wait(events, milliseconds, count): blocks this thread in poll(2) until one of `events` holds for one of the
// `count` descriptors in the control array: the events of the first, or -errno; 0 if another was ready, the time
// is over or a signal came.
Napi::Value Wait(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  int32_t events, milliseconds, count;
  if (env.control() == nullptr || !ReadInt(info, 0, &events) || !ReadInt(info, 1, &milliseconds) ||
      !ReadInt(info, 2, &count) || count < 1 || count > kMaxDescriptors) {
    return BadArguments(info, "wait");
  }
  pollfd entries[kMaxDescriptors];
  for (int index = 0; index < count; index++) {
    entries[index] = {env.control()[kControlFirst + index], static_cast<short>(events), 0};
  }
  if (poll(entries, static_cast<nfds_t>(count), milliseconds) < 0) return Result(info, errno == EINTR ? 0 : -errno);
  return Result(info, entries[0].revents);
}

Napi::Object SocketConstants(Napi::Env env) {
  Napi::Object constants = Napi::Object::New(env);
#define CONSTANT(name) constants.Set(#name, Napi::Number::New(env, name))
  CONSTANT(AF_UNIX);
  CONSTANT(SOCK_STREAM);
  CONSTANT(SOCK_DGRAM);
  CONSTANT(SOCK_SEQPACKET);
  CONSTANT(SOCK_NONBLOCK);
  CONSTANT(SO_TYPE);
  CONSTANT(SO_DOMAIN);
  CONSTANT(SO_SNDBUF);
  CONSTANT(SO_SNDBUFFORCE);
  CONSTANT(SO_PASSCRED);
  CONSTANT(SO_ACCEPTCONN);
  CONSTANT(MSG_TRUNC);
  CONSTANT(MSG_CTRUNC);
  CONSTANT(POLLIN);
  CONSTANT(POLLOUT);
  CONSTANT(POLLHUP);
  CONSTANT(POLLRDHUP);
#undef CONSTANT
  constants.Set("SCM_MAX_FD", Napi::Number::New(env, kMaxDescriptors));
  return constants;
}

}  // namespace wormhole
