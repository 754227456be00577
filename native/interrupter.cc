#include "interrupter.h"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <mutex>

namespace wormhole {
namespace {

constexpr long kFirstNs = 100'000;
// Again, as the first may come before the call has begun.
constexpr long kAgainNs = 1'000'000;

// The kernel's sigevent (asm-generic/siginfo.h): C libraries differ in their names for the thread's id, and old ones have
// timer_create() in a library of its own.
struct KernelEvent {
  uint64_t value;
  int32_t signal;
  int32_t notify;
  int32_t thread;
  int32_t unused[11];
};
static_assert(sizeof(KernelEvent) == 64, "the kernel's SIGEV_MAX_SIZE");
constexpr int32_t kToThread = 4;  // SIGEV_THREAD_ID

void OnSignal(int) {}

// Returns a real-time signal that only we use, with a handler that does nothing and restarts no call; -errno without one.
int OurSignal() {
  static std::mutex mutex;
  static int ours = 0;
  std::lock_guard<std::mutex> lock(mutex);
  struct sigaction now;
  if (ours > 0 && sigaction(ours, nullptr, &now) == 0 && now.sa_handler == OnSignal) return ours;
  for (int number = SIGRTMAX - 1; number > SIGRTMIN; number--) {
    if (sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction action {};
    action.sa_handler = OnSignal;
    sigfillset(&action.sa_mask);
    if (sigaction(number, &action, nullptr) != 0) return -errno;
    return ours = number;
  }
  return -EAGAIN;
}

sigset_t Only(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

}  // namespace

Interrupter::Interrupter() {
  signal_ = OurSignal();
  if (signal_ < 0) {
    error_ = signal_;
    return;
  }
  KernelEvent event{};
  event.signal = signal_;
  event.notify = kToThread;
  event.thread = static_cast<int32_t>(syscall(SYS_gettid));
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer_) != 0) {
    error_ = -errno;
    timer_ = -1;
    return;
  }
  const sigset_t set = Only(signal_);
  // On Linux this is the mask of the calling thread; pthread_sigmask() would need a newer glibc.
  sigset_t before;
  sigprocmask(SIG_UNBLOCK, &set, &before);
  was_blocked_ = sigismember(&before, signal_) == 1;
  itimerspec times{};
  times.it_value.tv_nsec = kFirstNs;
  times.it_interval.tv_nsec = kAgainNs;
  if (syscall(SYS_timer_settime, timer_, 0, &times, nullptr) != 0) error_ = -errno;
}

Interrupter::~Interrupter() {
  if (timer_ < 0) return;
  syscall(SYS_timer_delete, timer_);
  if (!was_blocked_) return;
  const sigset_t set = Only(signal_);
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace wormhole
