#pragma once

#include <uv.h>

#include <cstdint>
#include <map>
#include <vector>

namespace wormhole {

// Looks for room in the send buffers of sockets that are watched for EPOLLOUT. af_unix raises that only once three
// quarters of a buffer are free, but accepts a packet while the buffer is not full: a packet that fits must not wait, as
// the reader may wait for just that packet. One timer for all, not in JavaScript, which then never runs in vain.
class Room {
 public:
  // `found` is called with `data` when a socket has room.
  void Start(uv_loop_t* loop, void (*found)(void*), void* data);
  void Add(int fd);
  void Remove(int fd) { waiting_.erase(fd); }
  // Writes up to `max` pairs of descriptor and events; returns how many.
  int Take(int32_t* pairs, int max);
  void Stop();

 private:
  static void OnTimer(uv_timer_t* timer);
  void Look();

  uv_loop_t* loop_ = nullptr;
  void (*found_)(void*) = nullptr;
  void* data_ = nullptr;
  uv_timer_t* timer_ = nullptr;  // outlives this object by one loop iteration
  std::map<int, int> waiting_;  // SO_SNDBUF of each
  unsigned looks_ = 0;
  std::vector<int> ready_;
  int next_ = 0;  // where the next look begins, so that none is always served first
};

}  // namespace wormhole
