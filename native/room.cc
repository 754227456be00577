#include "room.h"

#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

#include "timer.h"

namespace wormhole {
namespace {

// Milliseconds from look to look: with the loop's own granularity they stay under 20. A look takes half a microsecond, or
// 0.7 if other code has used the caches since; a wake-up of the loop 60.
constexpr uint64_t kPause = 19;
// If less than this is left of the loop's current millisecond, the next begins before the loop sleeps, and the pause
// would be that much shorter.
constexpr uint64_t kTailNs = 200'000;
// The pause if more are ready than one callback can take.
constexpr uint64_t kShortPause = 1;
// One in this many looks reads SO_SNDBUF again, which another process that shares the socket may have raised.
constexpr unsigned kLooksARead = 64;

// Returns the pause for the loop's clock, which cuts uv_hrtime to whole milliseconds.
uint64_t Pause() {
  constexpr uint64_t kMillisecond = 1'000'000;
  return uv_hrtime() % kMillisecond > kMillisecond - kTailNs ? kPause + 1 : kPause;
}

int Capacity(int fd) {
  int bytes = 0;
  socklen_t size = sizeof bytes;
  return getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, &size) < 0 ? -1 : bytes;
}

// Whether the send buffer is not full (SIOCOUTQ, unix(7)). What is not a socket, or no longer open, is left to epoll.
bool HasRoom(int fd, int capacity) {
  int bytes = 0;
  return ioctl(fd, SIOCOUTQ, &bytes) == 0 && bytes < capacity;
}

}  // namespace

void Room::Start(uv_loop_t* loop, void (*found)(void*), void* data) {
  loop_ = loop;
  found_ = found;
  data_ = data;
}

void Room::Add(int fd) {
  waiting_[fd] = Capacity(fd);
  if (timer_ == nullptr) timer_ = NewTimer(loop_, this);
  if (!uv_is_active(reinterpret_cast<uv_handle_t*>(timer_))) uv_timer_start(timer_, OnTimer, Pause(), 0);
}

int Room::Take(int32_t* pairs, int max) {
  const int count = std::min(static_cast<int>(ready_.size()), max);
  for (int index = 0; index < count; index++) {
    pairs[2 * index] = ready_[index];
    pairs[2 * index + 1] = EPOLLOUT;
  }
  next_ = count < static_cast<int>(ready_.size()) ? ready_[count] : next_;
  ready_.clear();
  return count;
}

void Room::OnTimer(uv_timer_t* timer) {
  static_cast<Room*>(timer->data)->Look();
}

void Room::Look() {
  const bool reads = ++looks_ % kLooksARead == 0;
  const auto look = [&](std::map<int, int>::iterator from, std::map<int, int>::iterator to) {
    for (; from != to; from++) {
      auto& [fd, capacity] = *from;
      if (reads) capacity = Capacity(fd);
      if (HasRoom(fd, capacity)) ready_.push_back(fd);
    }
  };
  const auto middle = waiting_.lower_bound(next_);
  look(middle, waiting_.end());
  look(waiting_.begin(), middle);
  const int before = next_;
  if (!ready_.empty()) found_(data_);
  if (timer_ == nullptr || waiting_.empty()) return;
  uv_timer_start(timer_, OnTimer, next_ == before ? Pause() : kShortPause, 0);
}

void Room::Stop() {
  waiting_.clear();
  ready_.clear();
  if (timer_ == nullptr) return;
  CloseTimer(timer_);
  timer_ = nullptr;
}

}  // namespace wormhole
