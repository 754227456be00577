#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "address.h"
#include "calls.h"
#include "descriptors.h"
#include "environment.h"
#include "errno.h"
#include "interrupter.h"

namespace wormhole {

// socket(type): a Unix socket, close-on-exec and owned here, or -errno.
Napi::Value OpenSocket(const Napi::CallbackInfo& info) {
  int32_t type;
  if (!ReadInt(info, 0, &type)) return BadArguments(info, "socket");
  const long fd = Retry([&] { return socket(AF_UNIX, type | SOCK_CLOEXEC, 0); });
  if (fd >= 0) OwnFresh(&Environment::Of(info), static_cast<int>(fd));
  return Result(info, fd);
}

// bind(fd, offset, length): 0 or -errno. The span holds the address, as for connect and sendmsg.
Napi::Value Bind(const Napi::CallbackInfo& info) {
  int32_t fd;
  Address address;
  if (!ReadInt(info, 0, &fd) || !ReadAddress(info, 1, Environment::Of(info), &address)) {
    return BadArguments(info, "bind");
  }
  return Result(info, Retry([&] { return bind(fd, reinterpret_cast<sockaddr*>(&address.name), address.size); }));
}

// listen(fd, backlog): 0 or -errno.
Napi::Value Listen(const Napi::CallbackInfo& info) {
  int32_t fd, backlog;
  if (!ReadInt(info, 0, &fd) || !ReadInt(info, 1, &backlog)) return BadArguments(info, "listen");
  return Result(info, Retry([&] { return listen(fd, backlog); }));
}

// accept(fd): the next connection, close-on-exec and owned here, or -errno. Unless O_NONBLOCK is set, it waits for a tenth
// of a millisecond and answers -EINTR, also if a signal comes.
Napi::Value Accept(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "accept");
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0) return Result(info, -errno);
  int connection;
  {
    std::optional<Interrupter> interrupter;
    if ((flags & O_NONBLOCK) == 0) interrupter.emplace();
    if (interrupter && interrupter->error() != 0) return Result(info, interrupter->error());
    connection = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) connection = -errno;
  }
  if (connection >= 0) OwnFresh(&Environment::Of(info), connection);
  return Result(info, connection);
}

// connect(fd, offset, length): 0 or -errno. Waits only if O_NONBLOCK is not set.
Napi::Value Connect(const Napi::CallbackInfo& info) {
  int32_t fd;
  Address address;
  if (!ReadInt(info, 0, &fd) || !ReadAddress(info, 1, Environment::Of(info), &address)) {
    return BadArguments(info, "connect");
  }
  return Result(info, Retry([&] { return connect(fd, reinterpret_cast<sockaddr*>(&address.name), address.size); }));
}

// sockname(fd, offset, length): how many bytes of the socket's own address are in the span, or -errno.
Napi::Value Sockname(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  int32_t fd;
  size_t offset, length;
  if (!ReadInt(info, 0, &fd) || !ReadSpan(info, 1, env, &offset, &length)) return BadArguments(info, "sockname");
  sockaddr_un name{};
  socklen_t size = sizeof name;
  const long result = Retry([&] { return getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size); });
  if (result < 0) return Result(info, result);
  const size_t whole = std::min<size_t>(size, sizeof name);
  const size_t begin = offsetof(sockaddr_un, sun_path);
  const size_t bytes = std::min(whole > begin ? whole - begin : 0, length);
  std::memcpy(env.base() + offset, name.sun_path, bytes);
  return Result(info, static_cast<long>(bytes));
}

// lock(fd): takes the advisory lock of an open file (flock(2)), which ends with it: 0, -EWOULDBLOCK if another has it, or
// another -errno. Never waits.
Napi::Value Lock(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "lock");
  return Result(info, Retry([&] { return flock(fd, LOCK_EX | LOCK_NB); }));
}

// setNonblocking(fd, on): sets or clears O_NONBLOCK (FIONBIO, ioctl_tty(2)): 0 or -errno.
Napi::Value SetNonblocking(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd) || info.Length() < 2 || !info[1].IsBoolean()) return BadArguments(info, "setNonblocking");
  int on = info[1].As<Napi::Boolean>().Value() ? 1 : 0;
  return Result(info, Retry([&] { return ioctl(fd, FIONBIO, &on); }));
}

}  // namespace wormhole
