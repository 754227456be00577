#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

#include "environment.h"

namespace wormhole {

// The address of a Unix socket (unix(7)): the bytes of sun_path as JavaScript gives them, an abstract name's NUL included.
struct Address {
  sockaddr_un name;
  socklen_t size;
};

// Reads arguments `index` and `index + 1`, the offset and length of those bytes; false if they do not fit.
inline bool ReadAddress(const Napi::CallbackInfo& info, size_t index, const Environment& env, Address* out) {
  size_t offset, length;
  if (!ReadSpan(info, index, env, &offset, &length) || length > sizeof out->name.sun_path) return false;
  std::memset(&out->name, 0, sizeof out->name);
  out->name.sun_family = AF_UNIX;
  std::memcpy(out->name.sun_path, env.base() + offset, length);
  out->size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  return true;
}

}  // namespace wormhole
