#pragma once

#include <cerrno>

namespace wormhole {

// Makes a system call, again while a signal handler interrupts it; -errno if it fails.
template <typename Call>
inline long Retry(Call call) {
  for (;;) {
    const long result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -static_cast<long>(errno);
  }
}

}  // namespace wormhole
