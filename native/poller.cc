#include "poller.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "calls.h"
#include "clock.h"
#include "environment.h"
#include "errno.h"

namespace wormhole {
namespace {

constexpr int kMaxReady = 128;
// One in this many wake-ups for the only watched descriptor asks the kernel which it was.
constexpr uint32_t kTrusted = 64;
// One in this many asks how often the thread has slept.
constexpr uint32_t kSampled = 64;
// A yield that took this long gave the core to another thread.
constexpr int64_t kSharedUs = 4;

struct Closing {
  void (*done)(void*);
  void* data;
};

// Without overflow, which C++ leaves undefined.
void Add(int32_t* word, uint32_t value) {
  *word = static_cast<int32_t>(static_cast<uint32_t>(*word) + value);
}

}  // namespace

int Poller::Start(const Napi::Function& callback) {
  callback_ = Napi::Persistent(callback);
  if (poll_ != nullptr) return 0;

  uv_loop_t* loop;
  if (napi_get_uv_event_loop(env_, &loop) != napi_ok) return -EINVAL;
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return -errno;
  poll_ = new uv_poll_t;
  const int result = uv_poll_init(loop, poll_, epoll_);
  if (result != 0) {
    delete poll_;
    poll_ = nullptr;
    close(epoll_);
    epoll_ = -1;
    return result;
  }
  poll_->data = this;
  room_.Start(loop, OnRoom, this);
  exclusive_.Start(loop, epoll_, OnQuiet, this);
  uv_poll_start(poll_, UV_READABLE, OnReadable);
  uv_unref(reinterpret_cast<uv_handle_t*>(poll_));
  return 0;
}

int Poller::Watch(int fd, uint32_t events) {
  if (poll_ == nullptr) return -EINVAL;
  const auto found = watched_.find(fd);
  if (found != watched_.end() && found->second.events == events) return 0;
  if (fd == exclusive_.fd()) Include();
  if ((events & EPOLLOUT) == 0) room_.Remove(fd);
  const int operation = found == watched_.end() ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  const Entry entry{events, found == watched_.end() ? ++registrations_ : found->second.registration};
  const int result = Register(epoll_, operation, fd, entry);
  if (result != 0) return result;
  watched_[fd] = entry;
  if ((events & EPOLLOUT) != 0) room_.Add(fd);
  return 0;
}

int Poller::Register(int epoll, int operation, int fd, const Entry& entry) {
  epoll_event event{};
  event.events = entry.events;
  event.data.u64 = uint64_t{entry.registration} << 32 | static_cast<uint32_t>(fd);
  return static_cast<int>(Retry([&] { return epoll_ctl(epoll, operation, fd, &event); }));
}

int Poller::Exclude(int fd, unsigned milliseconds) {
  const auto found = watched_.find(fd);
  if (found == watched_.end() || found->second.events != EPOLLIN) return -EINVAL;
  if (milliseconds == 0) return fd != exclusive_.fd() || Include() ? 0 : -EBADF;
  if (exclusive_.fd() >= 0) return exclusive_.fd() == fd ? 0 : -EBUSY;
  const int result = exclusive_.Begin(fd, milliseconds);
  if (result < 0) return result;
  epoll_event unused{};
  Retry([&] { return epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &unused); });
  TellExclusive();
  ready_.As<int32_t>()[kReadyWanted] = 1;
  return 0;
}

// Ends the exclusive watch, in favour of one like the others', which tells what is there already; false if there can be
// none, as other code has closed the number.
bool Poller::Include() {
  const int fd = exclusive_.fd();
  const auto found = watched_.find(fd);
  const int result = found == watched_.end() ? 0 : Register(epoll_, EPOLL_CTL_ADD, fd, found->second);
  // While the kernel has no memory for it, the exclusive watch goes on.
  if (result == -ENOMEM || result == -ENOSPC) return true;
  EndExclusive();
  if (result == 0) return true;
  CountForgotten();
  watched_.erase(found);
  return false;
}

void Poller::EndExclusive() {
  exclusive_.End();
  TellExclusive();
}

void Poller::TellExclusive() {
  int32_t* ready = ready_.As<int32_t>();
  if (ready != nullptr) ready[kReadyExclusive] = exclusive_.fd();
}

void Poller::OnQuiet(void* data) {
  Poller* poller = static_cast<Poller*>(data);
  const int fd = poller->exclusive_.fd();
  if (poller->Include()) return;
  // The call that waits for it then learns why.
  int32_t* found = poller->ready_.As<int32_t>() + kReadyFirst;
  found[0] = fd;
  found[1] = EPOLLERR;
  poller->Call(1);
}

void Poller::Forget(int fd) {
  room_.Remove(fd);
  const auto found = watched_.find(fd);
  if (found == watched_.end()) return;
  CountForgotten();
  if (fd == exclusive_.fd()) EndExclusive();
  epoll_event unused{};
  const long result = Retry([&] { return epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, &unused); });
  // If the kernel still watches it, the entry stays until the next event: adding it again would fail with EEXIST.
  if (result == 0 || result == -ENOENT || result == -EBADF) watched_.erase(found);
}

// Tells JavaScript, which asks for no watch that it has already, that it may have one less.
void Poller::CountForgotten() {
  int32_t* ready = ready_.As<int32_t>();
  if (ready != nullptr) Add(&ready[kReadyForgotten], 1);
}

// Tells how often the thread slept when the loop did not: the kernel had woken it for what another process then took.
void Poller::CountSleeps() {
  rusage usage;
  uv_metrics_t metrics;
  if (getrusage(RUSAGE_THREAD, &usage) != 0 || uv_metrics_info(poll_->loop, &metrics) != 0) return;
  ready_.As<int32_t>()[kReadySlept] = static_cast<int32_t>(usage.ru_nvcsw - static_cast<int64_t>(metrics.loop_count));
}

void Poller::KeepAlive(bool alive) {
  if (poll_ == nullptr) return;
  uv_handle_t* handle = reinterpret_cast<uv_handle_t*>(poll_);
  if (alive) {
    uv_ref(handle);
  } else {
    uv_unref(handle);
  }
}

void Poller::OnReadable(uv_poll_t* handle, int status, int) {
  Poller* poller = static_cast<Poller*>(handle->data);
  // libuv stops a handle at EPOLLERR, which here is the exclusive descriptor's.
  if (status < 0) uv_poll_start(handle, UV_READABLE, OnReadable);
  int32_t* ready = poller->ready_.As<int32_t>();
  if (ready != nullptr) {
    ready[kReadyWaited] = static_cast<int32_t>(std::min<int64_t>(Microseconds() - poller->idle_since_, INT32_MAX));
    if (++poller->wakeups_ % kSampled == 0) poller->CountSleeps();
  }
  poller->Dispatch();
  int64_t spent = 0;
  for (int round = 1; poller->BusyPoll(); round++) {
    ready = poller->ready_.As<int32_t>();
    spent += ready[kReadyPolled];
    // Back to the loop, which finds immediately what is ready.
    if (round >= ready[kReadyRounds] || spent + ready[kReadyBusyPoll] > ready[kReadyTurn]) break;
    poller->Dispatch();
  }
  poller->idle_since_ = Microseconds();
}

void Poller::OnRoom(void* poller) {
  static_cast<Poller*>(poller)->Dispatch();
}

// Polls without sleeping, for as long as JavaScript has said; whether something became ready.
bool Poller::BusyPoll() {
  int32_t* ready = ready_.As<int32_t>();
  if (ready == nullptr || poll_ == nullptr) return false;
  ready[kReadyPolled] = 0;
  const int64_t max = ready[kReadyBusyPoll];
  // A loop that has something else to do now would not sleep either.
  if (max <= 0 || exclusive_.fd() >= 0 || ready[kReadyAlive] == 0 || uv_backend_timeout(poll_->loop) == 0) return false;
  const int64_t began = Microseconds();
  // The thread that took the core at the last yield will again.
  if (shared_) Yield();
  for (;;) {
    epoll_event event;
    const int count = epoll_wait(epoll_, &event, 1, 0);
    const int64_t passed = Microseconds() - began;
    const int32_t spent = static_cast<int32_t>(std::min<int64_t>(passed, INT32_MAX - 1) + 1);
    ready[kReadyPolled] = count > 0 ? spent : -spent;
    if (count > 0) return true;
    if (passed >= max) return false;
    Yield();
  }
}

// Lets another process on this core run, which could not answer otherwise.
void Poller::Yield() {
  const int64_t began = Microseconds();
  sched_yield();
  shared_ = Microseconds() - began >= kSharedUs;
}

// Finds which descriptors are ready, and writes them and their events to `ready_`; returns how many.
int Poller::Collect(int max) {
  int32_t* found = ready_.As<int32_t>() + kReadyFirst;
  if (exclusive_.fd() >= 0) {
    // What another process has taken in between is no reason to run JavaScript.
    const int kept = exclusive_.Ready() ? 1 : 0;
    found[0] = exclusive_.fd();
    found[1] = EPOLLIN;
    return watched_.size() == 1 ? kept : CollectFrom(kept, max);
  }
  if (watched_.size() == 1 && ++unasked_ % kTrusted != 0) {
    // Hardly anything else can have made the epoll descriptor readable: the kernel need not be asked.
    found[0] = watched_.begin()->first;
    found[1] = static_cast<int32_t>(watched_.begin()->second.events);
    return 1;
  }
  return CollectFrom(0, max);
}

// Finds what the kernel says after the `kept` that are written already.
int Poller::CollectFrom(int kept, int max) {
  if (kept >= max) return kept;
  int32_t* found = ready_.As<int32_t>() + kReadyFirst;
  epoll_event events[kMaxReady];
  const int count = epoll_wait(epoll_, events, max - kept, 0);
  bool unknown = false;
  for (int index = 0; index < count; index++) {
    const int fd = static_cast<int>(static_cast<uint32_t>(events[index].data.u64));
    const auto known = watched_.find(fd);
    if (known == watched_.end() || known->second.registration != events[index].data.u64 >> 32) {
      unknown = true;
      continue;
    }
    found[2 * kept] = fd;
    found[2 * kept + 1] = static_cast<int32_t>(events[index].events);
    kept++;
  }
  return unknown ? Rebuild(kept, max) : kept;
}

// Replaces the epoll instance after an event of an entry that is not watched: other code closed its number while the
// description lives on, and the kernel finds an entry by both, so it cannot be removed. A descriptor that can no longer be
// watched counts as ready: the call that waits for it then learns why. Returns how many are ready.
int Poller::Rebuild(int kept, int max) {
  const int fresh = epoll_create1(EPOLL_CLOEXEC);
  // No descriptor is to spare: the event comes again.
  if (fresh < 0) return kept;
  int32_t* found = ready_.As<int32_t>() + kReadyFirst;
  for (auto entry = watched_.begin(); entry != watched_.end();) {
    const int fd = entry->first;
    if (fd == exclusive_.fd()) {
      entry++;
      continue;
    }
    const bool lost = Register(fresh, EPOLL_CTL_ADD, fd, entry->second) != 0;
    if (lost) room_.Remove(fd);
    if (lost) CountForgotten();
    entry = lost ? watched_.erase(entry) : std::next(entry);
    if (!lost || kept == max) continue;
    found[2 * kept] = fd;
    found[2 * kept + 1] = EPOLLERR;
    kept++;
  }
  // The new instance gets the old number, which the loop's handle keeps; the loop must register it again.
  uv_poll_stop(poll_);
  dup3(fresh, epoll_, O_CLOEXEC);
  close(fresh);
  uv_poll_start(poll_, UV_READABLE, OnReadable);
  return kept;
}

void Poller::Dispatch() {
  const int max = static_cast<int>(std::min<size_t>((ready_.length() - kReadyFirst) / 2, kMaxReady));
  int count = room_.Take(ready_.As<int32_t>() + kReadyFirst, max);
  if (count == 0) count = Collect(max);
  if (count > 0) Call(count);
}

// Calls JavaScript for `count` descriptors: the one place from which the addon does. It has no async context of its own: one
// would show async_hooks a resource that never ends, and keep the AsyncLocalStorage store in which it was made. The callback
// catches everything itself; what comes back was thrown by the ticks and microtasks that run after it, and goes to the
// process's handlers. When a worker is terminated, Node-API calls nothing any more.
void Poller::Call(int count) {
  const int32_t* first = ready_.As<int32_t>() + kReadyFirst;
  const bool requeues = exclusive_.fd() >= 0 && first[0] == exclusive_.fd();
  received_ = false;
  in_vain_ = false;
  ready_.As<int32_t>()[kReadyInside] = 1;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  napi_value resource, argument, result;
  napi_create_object(env_, &resource);
  napi_create_int32(env_, count, &argument);
  napi_make_callback(env_, nullptr, resource, callback_.Value(), 1, &argument, &result);
  bool pending = false;
  napi_is_exception_pending(env_, &pending);
  if (pending && napi_get_and_clear_last_exception(env_, &result) == napi_ok) napi_fatal_exception(env_, result);
  // The callback may have set another array, or ended the poller.
  int32_t* ready = ready_.As<int32_t>();
  if (ready != nullptr) {
    ready[kReadyInside] = 0;
    if (in_vain_ && !received_) Add(&ready[kReadyInVain], 1);
    KeepAlive(ready[kReadyAlive] != 0);
  }
  napi_close_handle_scope(env_, scope);
  // It may have ended the poller.
  if (exclusive_.fd() < 0) return;
  if (ready[kReadyWanted] == 0) {
    Include();
  } else if (requeues) {
    exclusive_.Requeue();
  }
}

void Poller::Stop(void (*done)(void*), void* data) {
  room_.Stop();
  exclusive_.Stop();
  watched_.clear();
  if (epoll_ >= 0 && poll_ != nullptr) uv_poll_stop(poll_);
  if (epoll_ >= 0) close(epoll_);
  epoll_ = -1;
  callback_.Reset();
  ready_.LetGo(env_);
  if (poll_ == nullptr) {
    done(data);
    return;
  }
  poll_->data = new Closing{done, data};
  uv_close(reinterpret_cast<uv_handle_t*>(poll_), [](uv_handle_t* handle) {
    Closing* closing = static_cast<Closing*>(handle->data);
    closing->done(closing->data);
    delete closing;
    delete reinterpret_cast<uv_poll_t*>(handle);
  });
  poll_ = nullptr;
}

}  // namespace wormhole
