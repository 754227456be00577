#pragma once

#include <uv.h>

#include <cstdint>
#include <map>
#include <vector>

namespace wormhole {

// Looks for room in the send buffers of sockets that are watched for EPOLLOUT. af_unix raises that only once three
// quarters of a buffer are free, but takes a packet as long as the buffer is not full; what fits must not wait for a
// reader that waits for just that. One timer for all, in here and not in JavaScript: nobody is woken in vain.
class Room {
 public:
  // `found` is called with `data` when there is something to take.
  void Start(uv_loop_t* loop, void (*found)(void*), void* data);
  void Add(int fd);
  void Remove(int fd) { waiting_.erase(fd); }
  // Writes pairs of descriptor and events, `most` at most; how many.
  int Take(int32_t* pairs, int max);
  void Stop();

 private:
  static void OnTimer(uv_timer_t* timer);
  void Look();

  uv_loop_t* loop_ = nullptr;
  void (*found_)(void*) = nullptr;
  void* data_ = nullptr;
  uv_timer_t* timer_ = nullptr;  // outlives this object by one loop turn
  std::map<int, int> waiting_;  // SO_SNDBUF of each
  unsigned looks_ = 0;
  std::vector<int> ready_;
  int next_ = 0;  // where the next look begins: none is served before others again and again
};

}  // namespace wormhole
