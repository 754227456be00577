#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "address.h"
#include "calls.h"
#include "descriptors.h"
#include "environment.h"
#include "errno.h"

namespace wormhole {
namespace {

#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

// Room for all descriptors of a message, and for what the kernel adds if another process that shares the socket has
// set options on it: credentials, a security label, a pidfd, a time stamp.
constexpr size_t kControlBytes = CMSG_SPACE(kMaxDescriptors * sizeof(int)) + 1024;

// Takes every descriptor out of the control messages; returns how many.
int Collect(Environment* env, msghdr* message, int32_t* out) {
  int count = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(message); part != nullptr; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_len < CMSG_LEN(0)) continue;
    if (part->cmsg_type != SCM_RIGHTS && part->cmsg_type != SCM_PIDFD) continue;
    const size_t held = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < held; index++) {
      int fd;
      std::memcpy(&fd, CMSG_DATA(part) + index * sizeof fd, sizeof fd);
      if (fd < 0) continue;
      if (part->cmsg_type == SCM_RIGHTS && count < kMaxDescriptors) {
        OwnFresh(env, fd);
        out[count++] = fd;
      } else {
        close(fd);
      }
    }
  }
  return count;
}

}  // namespace

// sendmsg(fd, offset, length, descriptors[, addressOffset, addressLength]): bytes sent, or -errno. That many descriptors
// are in the control array. Never waits, never raises SIGPIPE.
Napi::Value Sendmsg(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  int32_t fd, count;
  size_t offset, length;
  if (!ReadInt(info, 0, &fd) || !ReadSpan(info, 1, env, &offset, &length) || !ReadInt(info, 3, &count) ||
      count < 0) {
    return BadArguments(info, "sendmsg");
  }
  Address to;
  const bool addressed = info.Length() > 4;
  if (addressed && !ReadAddress(info, 4, env, &to)) return BadArguments(info, "sendmsg");
  // What the kernel itself returns past SCM_MAX_FD; here the control array ends.
  if (count > kMaxDescriptors) return Result(info, -EINVAL);

  iovec bytes{env.base() + offset, length};
  msghdr message{};
  if (addressed) {
    message.msg_name = &to.name;
    message.msg_namelen = to.size;
  }
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kMaxDescriptors * sizeof(int))];
  if (count > 0) {
    const size_t size = static_cast<size_t>(count) * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    std::memset(control, 0, message.msg_controllen);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(rights), env.control() + kControlFirst, size);
  }
  return Result(info, Retry([&] { return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL); }));
}

// recvmsg(fd, offset, length, waits): bytes received, or -errno. msg_flags and the received descriptors, which
// this environment now owns, are in the control array. Blocks the thread only if `waits` is true and O_NONBLOCK
// is not set.
Napi::Value Recvmsg(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  int32_t fd;
  size_t offset, length;
  if (!ReadInt(info, 0, &fd) || !ReadSpan(info, 1, env, &offset, &length) || info.Length() < 4 ||
      !info[3].IsBoolean()) {
    return BadArguments(info, "recvmsg");
  }
  const int flags = MSG_CMSG_CLOEXEC | (info[3].As<Napi::Boolean>().Value() ? 0 : MSG_DONTWAIT);
  iovec bytes{env.base() + offset, length};
  msghdr message{};
  alignas(cmsghdr) char control[kControlBytes];
  const long result = Retry([&] {
    message.msg_iov = &bytes;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    return recvmsg(fd, &message, flags);
  });
  env.poller.Received(result);
  const bool received = result >= 0;
  env.control()[kControlFlags] = received ? message.msg_flags : 0;
  env.control()[kControlBytesCame] = received ? static_cast<int32_t>(message.msg_controllen) : 0;
  env.control()[kControlCount] = received ? Collect(&env, &message, env.control() + kControlFirst) : 0;
  return Result(info, result);
}

}  // namespace wormhole
