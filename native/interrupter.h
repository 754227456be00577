#pragma once

namespace wormhole {

// While one exists, a system call of this thread that blocks ends with EINTR after a tenth of a millisecond: for accept4(2),
// which takes no flag that would keep it from waiting. A signal is the only way that leaves the socket alone, as O_NONBLOCK
// and SO_RCVTIMEO belong to everybody who shares it.
class Interrupter {
 public:
  Interrupter();
  ~Interrupter();
  Interrupter(const Interrupter&) = delete;
  Interrupter& operator=(const Interrupter&) = delete;

  // 0, or -errno: then nothing would interrupt a call.
  int error() const { return error_; }

 private:
  int error_ = 0;
  int timer_ = -1;  // the kernel's id
  int signal_ = 0;
  bool was_blocked_ = false;
};

}  // namespace wormhole
