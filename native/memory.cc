#include "calls.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "environment.h"
#include "errno.h"

namespace wormhole {

// attach(memory: Uint8Array, control: Int32Array, both over shared memory): the first word of the memory, read
// through the address. The caller compares it with what it wrote there, as Node-API promises nothing about the
// address of a SharedArrayBuffer before Node 24.
Napi::Value Attach(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  // The control array first: if the memory is held, so is the array.
  if (!env.control_array.Hold(info, 1, napi_int32_array, kControlWords) ||
      !env.memory.Hold(info, 0, napi_uint8_array, sizeof(int32_t))) {
    return BadArguments(info, "attach");
  }
  int32_t word;
  std::memcpy(&word, env.base(), sizeof word);
  return Result(info, word);
}

// discard(offset, length): gives the whole pages inside back to the system, 0 or -errno; they then read as zeros.
Napi::Value Discard(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  size_t offset, length;
  if (!ReadSpan(info, 0, env, &offset, &length)) return BadArguments(info, "discard");
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(env.base()) + offset + page - 1) / page * page;
  const uintptr_t last = (reinterpret_cast<uintptr_t>(env.base()) + offset + length) / page * page;
  if (last <= first) return Result(info, 0);
  return Result(info, Retry([&] { return madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED); }));
}

}  // namespace wormhole
