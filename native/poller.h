#pragma once

#include <napi.h>
#include <uv.h>

#include <cerrno>
#include <cstdint>
#include <unordered_map>

#include "exclusive.h"
#include "room.h"
#include "view.h"

namespace wormhole {

// The array that JavaScript and the poller share. [0] whether the callback, or what it set off, is running;
// [1] whether the loop must stay alive after it; [2] for how many microseconds to poll then before sleeping, and
// [3] how many callbacks in a row may come from that; [4] how many microseconds the poll took, plus one (0: not
// polled, negative: nothing came); [5] how many registrations have ended; [6] how many microseconds ago the last callback from
// the loop ended, without what was polled; [7] for how many microseconds one turn of the loop may poll in all; [8] how
// many callbacks there were in and after which nothing could be received; [9] how many times more the thread has slept than
// the loop has turned, as it was at one of the last callbacks; [10] the descriptor that is watched exclusively, or -1;
// [11] whether JavaScript waits for that one: else a packet would wake this process instead of one that waits;
// [12...] pairs of descriptor and events.
constexpr size_t kReadyInside = 0;
constexpr size_t kReadyAlive = 1;
constexpr size_t kReadyBusyPoll = 2;
constexpr size_t kReadyRounds = 3;
constexpr size_t kReadyPolled = 4;
constexpr size_t kReadyForgotten = 5;
constexpr size_t kReadyWaited = 6;
constexpr size_t kReadyTurn = 7;
constexpr size_t kReadyInVain = 8;
constexpr size_t kReadySlept = 9;
constexpr size_t kReadyExclusive = 10;
constexpr size_t kReadyWanted = 11;
constexpr size_t kReadyFirst = 12;

// Readiness of descriptors for one event loop: an epoll instance of our own, which the loop watches through one
// uv_poll. A uv_poll for each descriptor would set O_NONBLOCK on the open file description, and so for every process
// that shares it; epoll changes nothing. A waiting channel costs one entry in the kernel and no handle.
class Poller {
 public:
  explicit Poller(napi_env env) : env_(env) {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Sets the callback and opens the epoll instance: 0 or -errno.
  int Start(const Napi::Function& callback);
  // Watches `fd` for `events` (EPOLLIN, EPOLLOUT), level-triggered. 0 or -errno.
  int Watch(int fd, uint32_t events);
  // Stops watching. Must precede close(): an open file description that others share stays in the epoll set.
  void Forget(int fd);
  // Lets the kernel wake only one of the processes that watch `fd`, if they all say so; until nothing has come for
  // `milliseconds`, or, with 0, no longer. 0 or -errno.
  int Exclude(int fd, unsigned milliseconds);
  // Notes what recvmsg(2) returned.
  void Received(long result) {
    received_ |= result >= 0;
    in_vain_ |= result == -EAGAIN;
  }
  // Keeps the loop alive, or no longer.
  void KeepAlive(bool alive);
  // Ends polling; `done` is called once the loop has closed the handle.
  void Stop(void (*done)(void*), void* data);

 private:
  static void OnReadable(uv_poll_t* handle, int status, int events);
  static void OnRoom(void* poller);
  static void OnQuiet(void* poller);
  // A descriptor's entry in the epoll instance. `registration` tells it from an earlier one of the same number.
  struct Entry {
    uint32_t events;
    uint32_t registration;
  };
  static int Register(int epoll, int operation, int fd, const Entry& entry);
  int Collect(int max);
  int CollectFrom(int kept, int max);
  bool Include();
  void EndExclusive();
  void TellExclusive();
  int Rebuild(int kept, int max);
  void CountForgotten();
  void CountSleeps();
  void Dispatch();
  void Call(int count);
  bool BusyPoll();
  void Yield();

  napi_env env_;
  Room room_;
  Exclusive exclusive_;
  int epoll_ = -1;
  int64_t idle_since_ = 0;     // when the last callback from the loop ended, in microseconds
  bool shared_ = false;        // whether the last yield gave the core away
  uv_poll_t* poll_ = nullptr;  // outlives this object by one loop iteration, see Stop
  SharedView ready_;           // see kReadyFirst
  Napi::FunctionReference callback_;
  std::unordered_map<int, Entry> watched_;
  uint32_t registrations_ = 0;
  uint32_t unasked_ = 0;  // wake-ups for the only watched descriptor
  uint32_t wakeups_ = 0;
  bool received_ = false;  // whether something was received in the last callback, or after it
  bool in_vain_ = false;   // whether nothing was, from some descriptor

  friend Napi::Value OnReady(const Napi::CallbackInfo& info);
};

}  // namespace wormhole
