#pragma once

#include <uv.h>

namespace wormhole {

// Watches one descriptor for messages so that the kernel wakes one of the processes that wait for them, not all
// (EPOLLEXCLUSIVE, epoll_ctl(2)). The kernel counts only a process that sleeps in the very epoll instance which has the
// entry as woken: so the entry is in the loop's own instance, where its events are those of the handle that watches
// `poller`. A process that was woken and does not take the message leaves it to nobody: therefore a watch ends, by a call of
// `over`, once nothing has come from one look of a timer to the next.
class Exclusive {
 public:
  // `poller` is the descriptor of a handle of the loop that is active.
  void Start(uv_loop_t* loop, int poller, void (*over)(void*), void* data);
  // Watches `fd`, if nothing is watched, with a look each `milliseconds`: 0 or -errno.
  int Begin(int fd, unsigned milliseconds);
  // Ends the watch.
  void End();
  // The watched descriptor; -1 if there is none.
  int fd() const { return fd_; }
  // Whether the descriptor is readable.
  bool Ready();
  // Lets the others that wait be woken before this process.
  void Requeue();
  void Stop();

 private:
  static void OnTimer(uv_timer_t* timer);
  int Add();
  void Remove();

  uv_loop_t* loop_ = nullptr;
  int poller_ = -1;
  void (*over_)(void*) = nullptr;
  void* data_ = nullptr;
  int fd_ = -1;
  // A duplicate that nobody else closes: the kernel keeps the entry of a description that others share, and removes it by
  // its number alone.
  int copy_ = -1;
  bool by_number_ = false;       // whether the loop is known to find its handles by their descriptors
  bool came_ = false;            // since the timer's last look
  uv_timer_t* timer_ = nullptr;  // outlives this object by one loop iteration
};

}  // namespace wormhole
