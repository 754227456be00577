#pragma once

#include <napi.h>

#include <cstddef>

namespace wormhole {

// A typed array over a SharedArrayBuffer, whose bytes the addon uses between calls. Such a buffer can neither
// be detached nor shrink, and a reference keeps it from garbage collection: the address stays valid.
class SharedView {
 public:
  // Holds argument `index`; false, with nothing changed, unless it is such an array of at least `least` elements.
  bool Hold(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type wanted, size_t least) {
    if (index >= info.Length() || !info[index].IsTypedArray()) return false;
    napi_typedarray_type type;
    size_t length;
    void* data;
    napi_value buffer;
    if (napi_get_typedarray_info(info.Env(), info[index], &type, &length, &data, &buffer, nullptr) != napi_ok) {
      return false;
    }
    // In Node-API a SharedArrayBuffer is the buffer that is not an ArrayBuffer.
    if (type != wanted || length < least || data == nullptr || Napi::Value(info.Env(), buffer).IsArrayBuffer()) {
      return false;
    }
    napi_ref reference;
    if (napi_create_reference(info.Env(), info[index], 1, &reference) != napi_ok) return false;
    LetGo(info.Env());
    reference_ = reference;
    data_ = data;
    length_ = length;
    return true;
  }

  void LetGo(napi_env env) {
    if (reference_ != nullptr) napi_delete_reference(env, reference_);
    reference_ = nullptr;
    data_ = nullptr;
    length_ = 0;
  }

  template <typename Element>
  Element* As() const {
    return static_cast<Element*>(data_);
  }
  // The length in elements; 0 while nothing is held.
  size_t length() const { return length_; }

 private:
  void* data_ = nullptr;
  size_t length_ = 0;
  napi_ref reference_ = nullptr;
};

}  // namespace wormhole
