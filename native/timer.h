#pragma once

#include <uv.h>

namespace wormhole {

// Makes a timer that does not keep its loop alive.
inline uv_timer_t* NewTimer(uv_loop_t* loop, void* data) {
  uv_timer_t* timer = new uv_timer_t;
  uv_timer_init(loop, timer);
  timer->data = data;
  uv_unref(reinterpret_cast<uv_handle_t*>(timer));
  return timer;
}

// Frees a timer, once the loop has let it go.
inline void CloseTimer(uv_timer_t* timer) {
  uv_close(reinterpret_cast<uv_handle_t*>(timer), [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
}

}  // namespace wormhole
