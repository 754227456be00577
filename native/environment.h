#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

#include "view.h"
#include "poller.h"

namespace wormhole {

// The kernel's SCM_MAX_FD: how many descriptors one message may carry (unix(7)).
constexpr int kMaxDescriptors = 253;

// Words of the control array that JavaScript shares with the addon:
// [0] msg_flags, [1] the number of descriptors, [2] the bytes of control messages received, [3...] the descriptors.
constexpr size_t kControlFlags = 0;
constexpr size_t kControlCount = 1;
constexpr size_t kControlBytesCame = 2;
constexpr size_t kControlFirst = 3;
constexpr size_t kControlWords = kControlFirst + kMaxDescriptors;

// The state of one Node environment (the main thread or one worker).
struct Environment {
  explicit Environment(napi_env node) : env(node), poller(node) {}

  const napi_env env;
  SharedView memory;        // the shared WebAssembly memory, which never moves; its length is that at `attach`
  SharedView control_array;  // held whenever `memory` is
  Poller poller;

  uint8_t* base() const { return memory.As<uint8_t>(); }
  int32_t* control() const { return control_array.As<int32_t>(); }

  static Environment& Of(const Napi::CallbackInfo& info) {
    return *static_cast<Environment*>(info.Data());
  }
};

// Reads argument `index` as a 32-bit integer; false if it is none.
inline bool ReadInt(const Napi::CallbackInfo& info, size_t index, int32_t* out) {
  if (index >= info.Length() || !info[index].IsNumber()) return false;
  double value;
  if (napi_get_value_double(info.Env(), info[index], &value) != napi_ok) return false;
  if (!(value >= INT32_MIN && value <= INT32_MAX)) return false;
  *out = static_cast<int32_t>(value);
  return *out == value;
}

// Reads arguments `index` and `index + 1` as an offset into the attached memory and a length, checked.
inline bool ReadSpan(const Napi::CallbackInfo& info, size_t index, const Environment& env,
                     size_t* offset, size_t* length) {
  double start, size;
  if (env.base() == nullptr || index + 1 >= info.Length()) return false;
  if (napi_get_value_double(info.Env(), info[index], &start) != napi_ok) return false;
  if (napi_get_value_double(info.Env(), info[index + 1], &size) != napi_ok) return false;
  const double end = static_cast<double>(env.memory.length());
  if (!(start >= 0 && size >= 0 && start <= end && size <= end - start)) return false;
  *offset = static_cast<size_t>(start);
  *length = static_cast<size_t>(size);
  return *offset == start && *length == size;
}

inline Napi::Value BadArguments(const Napi::CallbackInfo& info, const char* call) {
  Napi::TypeError::New(info.Env(), std::string("wormhole addon: bad arguments for ") + call)
      .ThrowAsJavaScriptException();
  return info.Env().Undefined();
}

// Every call returns a number: the result of the system call, or a negative errno.
inline Napi::Value Result(const Napi::CallbackInfo& info, long value) {
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}

}  // namespace wormhole
