#include "calls.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "environment.h"
#include "errno.h"

namespace wormhole {
namespace {

bool ReadView(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type wanted, void** data,
              size_t* length) {
  if (index >= info.Length()) return false;
  napi_typedarray_type type;
  bool is_typed_array = false;
  napi_is_typedarray(info.Env(), info[index], &is_typed_array);
  if (!is_typed_array) return false;
  if (napi_get_typedarray_info(info.Env(), info[index], &type, length, data, nullptr, nullptr) != napi_ok) {
    return false;
  }
  return type == wanted && *data != nullptr;
}

void Keep(napi_env env, napi_ref* slot, napi_value value) {
  if (*slot != nullptr) napi_delete_reference(env, *slot);
  napi_create_reference(env, value, 1, slot);
}

}  // namespace

// attach(memory: Uint8Array over the shared memory, control: Int32Array): the word that stands at the
// memory's start, read through the address. The caller checks it against what it wrote there, as
// Node-API promises nothing about the address of a SharedArrayBuffer before Node 24.
Napi::Value Attach(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  void* memory;
  void* control;
  size_t memory_length, control_length;
  if (!ReadView(info, 0, napi_uint8_array, &memory, &memory_length) ||
      !ReadView(info, 1, napi_int32_array, &control, &control_length) || memory_length < sizeof(int32_t) ||
      control_length < kControlWords) {
    return BadArguments(info, "attach");
  }
  env.base = static_cast<uint8_t*>(memory);
  env.length = memory_length;
  env.control = static_cast<int32_t*>(control);
  Keep(info.Env(), &env.memory_ref, info[0]);
  Keep(info.Env(), &env.control_ref, info[1]);
  int32_t word;
  std::memcpy(&word, env.base, sizeof word);
  return Result(info, word);
}

// discard(offset, length): gives the whole pages inside back to the system; they read as zeros.
Napi::Value Discard(const Napi::CallbackInfo& info) {
  Environment& env = Environment::Of(info);
  size_t offset, length;
  if (!ReadSpan(info, 0, env, &offset, &length)) return BadArguments(info, "discard");
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(env.base) + offset + page - 1) / page * page;
  const uintptr_t last = (reinterpret_cast<uintptr_t>(env.base) + offset + length) / page * page;
  if (last <= first) return Result(info, 0);
  return Result(info, Retry([&] { return madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED); }));
}

}  // namespace wormhole
