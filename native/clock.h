#pragma once

#include <time.h>

#include <cstdint>

namespace wormhole {

// On a clock that nobody sets: CLOCK_MONOTONIC of clock_gettime(2), which Node's own clocks are.
inline int64_t Microseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * int64_t{1000000} + now.tv_nsec / 1000;
}

}  // namespace wormhole
