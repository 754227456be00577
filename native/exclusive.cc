#include "exclusive.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>

#include "errno.h"
#include "timer.h"

namespace wormhole {
namespace {

// At most so many lines about the loop's entries are read.
constexpr int kMostLines = 1024;

// Whether the loop finds an entry's handle by the descriptor in its data, as libuv 1 does: the kernel shows what that is
// (proc_pid_fdinfo(5)), once the loop has made the entry.
bool FindsByNumber(int loop, int poller) {
  char name[64];
  std::snprintf(name, sizeof name, "/proc/self/fdinfo/%d", loop);
  FILE* file = std::fopen(name, "re");
  if (file == nullptr) return false;
  bool finds = false;
  char line[256];
  for (int lines = 0; !finds && lines < kMostLines && std::fgets(line, sizeof line, file) != nullptr; lines++) {
    int fd;
    unsigned events;
    unsigned long long data;
    const int found = std::sscanf(line, "tfd: %d events: %x data: %llx", &fd, &events, &data);
    finds = found == 3 && fd == poller && static_cast<int>(static_cast<uint32_t>(data)) == poller;
  }
  std::fclose(file);
  return finds;
}

}  // namespace

void Exclusive::Start(uv_loop_t* loop, int poller, void (*over)(void*), void* data) {
  loop_ = loop;
  poller_ = poller;
  over_ = over;
  data_ = data;
}

int Exclusive::Begin(int fd, unsigned milliseconds) {
  if (!by_number_) by_number_ = FindsByNumber(uv_backend_fd(loop_), poller_);
  if (!by_number_) return -ENOSYS;
  const int copy = static_cast<int>(Retry([&] { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }));
  if (copy < 0) return copy;
  copy_ = copy;
  const int result = Add();
  if (result < 0) {
    close(copy_);
    copy_ = -1;
    return result;
  }
  fd_ = fd;
  if (timer_ == nullptr) timer_ = NewTimer(loop_, this);
  came_ = true;
  uv_timer_start(timer_, OnTimer, milliseconds, milliseconds);
  return 0;
}

void Exclusive::End() {
  if (fd_ < 0) return;
  Remove();
  close(copy_);
  fd_ = copy_ = -1;
  uv_timer_stop(timer_);
}

bool Exclusive::Ready() {
  pollfd one{copy_, POLLIN, 0};
  if (poll(&one, 1, 0) <= 0) return false;
  came_ = true;
  return true;
}

// A new entry is the last in the socket's queue of those that wait. If the kernel has no memory for it, nothing comes, and
// the watch ends soon.
void Exclusive::Requeue() {
  if (fd_ < 0) return;
  Remove();
  Add();
}

int Exclusive::Add() {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.u64 = static_cast<uint32_t>(poller_);
  return static_cast<int>(Retry([&] { return epoll_ctl(uv_backend_fd(loop_), EPOLL_CTL_ADD, copy_, &event); }));
}

void Exclusive::Remove() {
  epoll_event unused{};
  epoll_ctl(uv_backend_fd(loop_), EPOLL_CTL_DEL, copy_, &unused);
}

void Exclusive::OnTimer(uv_timer_t* timer) {
  Exclusive* exclusive = static_cast<Exclusive*>(timer->data);
  const bool came = exclusive->came_;
  exclusive->came_ = false;
  if (!came) exclusive->over_(exclusive->data_);
}

void Exclusive::Stop() {
  End();
  if (timer_ == nullptr) return;
  CloseTimer(timer_);
  timer_ = nullptr;
}

}  // namespace wormhole
