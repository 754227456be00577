#pragma once

#include <napi.h>

namespace wormhole {

// The calls that JavaScript sees; the definition of each documents it.
Napi::Value Attach(const Napi::CallbackInfo& info);
Napi::Value Discard(const Napi::CallbackInfo& info);

Napi::Value Sendmsg(const Napi::CallbackInfo& info);
Napi::Value Recvmsg(const Napi::CallbackInfo& info);

Napi::Value Socketpair(const Napi::CallbackInfo& info);
Napi::Value AdoptDescriptor(const Napi::CallbackInfo& info);
Napi::Value Release(const Napi::CallbackInfo& info);
Napi::Value Close(const Napi::CallbackInfo& info);
Napi::Value Dup(const Napi::CallbackInfo& info);
Napi::Value Getsockopt(const Napi::CallbackInfo& info);
Napi::Value Setsockopt(const Napi::CallbackInfo& info);
Napi::Value Peercred(const Napi::CallbackInfo& info);
Napi::Value Unread(const Napi::CallbackInfo& info);
Napi::Value Wait(const Napi::CallbackInfo& info);
Napi::Object SocketConstants(Napi::Env env);

Napi::Value OpenSocket(const Napi::CallbackInfo& info);
Napi::Value Bind(const Napi::CallbackInfo& info);
Napi::Value Listen(const Napi::CallbackInfo& info);
Napi::Value Accept(const Napi::CallbackInfo& info);
Napi::Value Connect(const Napi::CallbackInfo& info);
Napi::Value Sockname(const Napi::CallbackInfo& info);
Napi::Value Lock(const Napi::CallbackInfo& info);
Napi::Value SetNonblocking(const Napi::CallbackInfo& info);
Napi::Value MemfdCreate(const Napi::CallbackInfo& info);
Napi::Value AddSeals(const Napi::CallbackInfo& info);
Napi::Value GetSeals(const Napi::CallbackInfo& info);
Napi::Value Map(const Napi::CallbackInfo& info);
void AddMemfdConstants(Napi::Object constants);

Napi::Value OnReady(const Napi::CallbackInfo& info);
Napi::Value Watch(const Napi::CallbackInfo& info);
Napi::Value WatchExclusively(const Napi::CallbackInfo& info);
Napi::Value Unwatch(const Napi::CallbackInfo& info);
Napi::Value KeepAlive(const Napi::CallbackInfo& info);
Napi::Value LoopCount(const Napi::CallbackInfo& info);
Napi::Value Clock(const Napi::CallbackInfo& info);

}  // namespace wormhole
