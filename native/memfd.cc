#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "calls.h"
#include "descriptors.h"
#include "environment.h"
#include "errno.h"

namespace wormhole {
namespace {

// Of Linux 6.3, and in newer headers only.
#ifndef MFD_NOEXEC_SEAL
constexpr unsigned MFD_NOEXEC_SEAL = 0x0008U;
#endif

// Of Linux 5.1: glibc 2.28 lacks it.
#ifndef F_SEAL_FUTURE_WRITE
constexpr int F_SEAL_FUTURE_WRITE = 0x0010;
#endif

// The largest number up to which JavaScript's integers are exact.
constexpr double kMaxSafeInteger = 9007199254740991.0;

// Ends a mapping once no ArrayBuffer refers to it, or the environment ends; `length` is a number in a pointer.
void Unmap(napi_env, void* address, void* length) {
  munmap(address, reinterpret_cast<size_t>(length));
}

}  // namespace

// memfdCreate(flags): a descriptor, close-on-exec and owned here, or -errno. /proc shows its memory as wormhole-ipc.
Napi::Value MemfdCreate(const Napi::CallbackInfo& info) {
  int32_t flags;
  if (!ReadInt(info, 0, &flags)) return BadArguments(info, "memfdCreate");
  const long fd = Retry([&] { return memfd_create("wormhole-ipc", static_cast<unsigned>(flags) | MFD_CLOEXEC); });
  if (fd >= 0) OwnFresh(&Environment::Of(info), static_cast<int>(fd));
  return Result(info, fd);
}

// addSeals(fd, seals): 0 or -errno.
Napi::Value AddSeals(const Napi::CallbackInfo& info) {
  int32_t fd, seals;
  if (!ReadInt(info, 0, &fd) || !ReadInt(info, 1, &seals)) return BadArguments(info, "addSeals");
  return Result(info, Retry([&] { return fcntl(fd, F_ADD_SEALS, seals); }));
}

// getSeals(fd): the seals, or -errno: -EINVAL for what has none.
Napi::Value GetSeals(const Napi::CallbackInfo& info) {
  int32_t fd;
  if (!ReadInt(info, 0, &fd)) return BadArguments(info, "getSeals");
  return Result(info, Retry([&] { return fcntl(fd, F_GET_SEALS); }));
}

// map(fd, length): a Buffer over a private mapping (mmap(2)), which is unmapped once nothing refers to its memory; -errno;
// or 0 if this runtime allows no memory outside its own (napi_no_external_buffers_allowed).
Napi::Value Map(const Napi::CallbackInfo& info) {
  int32_t fd;
  double size;
  if (!ReadInt(info, 0, &fd) || info.Length() < 2 || napi_get_value_double(info.Env(), info[1], &size) != napi_ok ||
      !(size >= 1 && size <= kMaxSafeInteger) || size != static_cast<double>(static_cast<size_t>(size))) {
    return BadArguments(info, "map");
  }
  const size_t length = static_cast<size_t>(size);
  void* const address = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  if (address == MAP_FAILED) return Result(info, -static_cast<long>(errno));
  napi_value buffer;
  const napi_status status =
      napi_create_external_buffer(info.Env(), length, address, Unmap, reinterpret_cast<void*>(length), &buffer);
  if (status == napi_ok) return Napi::Value(info.Env(), buffer);
  // After any other failure Node has called Unmap itself.
  if (status != napi_no_external_buffers_allowed) return Result(info, -ENOMEM);
  munmap(address, length);
  return Result(info, 0);
}

void AddMemfdConstants(Napi::Object constants) {
#define CONSTANT(name) constants.Set(#name, Napi::Number::New(constants.Env(), name))
  CONSTANT(MFD_ALLOW_SEALING);
  CONSTANT(MFD_NOEXEC_SEAL);
  CONSTANT(F_SEAL_SEAL);
  CONSTANT(F_SEAL_SHRINK);
  CONSTANT(F_SEAL_GROW);
  CONSTANT(F_SEAL_WRITE);
  CONSTANT(F_SEAL_FUTURE_WRITE);
#undef CONSTANT
}

}  // namespace wormhole
