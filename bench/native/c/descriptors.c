// One descriptor with each packet, closed where it arrives.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workloads.h"

#define SENT_FILE "/dev/null"

union control {
  char space[CMSG_SPACE(sizeof(int))];
  struct cmsghdr header;
};

static struct msghdr one_part(struct iovec *part, union control *control) {
  return (struct msghdr){
      .msg_iov = part, .msg_iovlen = 1, .msg_control = control->space, .msg_controllen = sizeof control->space};
}

static void send_descriptor(int fd, uint8_t *bytes, size_t length, int descriptor) {
  union control control;
  memset(&control, 0, sizeof control);
  struct iovec part = {bytes, length};
  struct msghdr message = one_part(&part, &control);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
    if (is_gone(errno)) fail_gone();
    if (errno != EINTR) fail(errno, "cannot send a descriptor");
  }
}

static int receive_descriptor(int fd, uint8_t *bytes, size_t length) {
  union control control;
  struct iovec part = {bytes, length};
  struct msghdr message = one_part(&part, &control);
  ssize_t got;
  while ((got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC)) < 0) {
    if (is_gone(errno)) fail_gone();
    if (errno != EINTR) fail(errno, "cannot receive a descriptor");
  }
  if (got == 0) fail_gone();
  if ((size_t)got != length) fail(0, "a packet of %zd bytes instead of %zu", got, length);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  bool one = header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
             header->cmsg_len == CMSG_LEN(sizeof(int)) && (message.msg_flags & MSG_CTRUNC) == 0;
  if (!one) fail(0, "a packet did not bring one descriptor");
  int descriptor;
  memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
  return descriptor;
}

static void send_all(const struct half *half) {
  size_t bytes = half->options->bytes;
  uint8_t *message = allocate(bytes);
  int descriptor = open(SENT_FILE, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail(errno, "cannot open " SENT_FILE);
  for (uint64_t index = 0; index < half->options->count; index++) {
    send_descriptor(half->data, message, bytes, descriptor);
  }
  close(descriptor);
  free(message);
}

static void check_file(int descriptor) {
  struct stat arrived, sent;
  if (fstat(descriptor, &arrived) < 0 || stat(SENT_FILE, &sent) < 0) fail(errno, "cannot look at a descriptor");
  if (arrived.st_ino != sent.st_ino || arrived.st_dev != sent.st_dev) fail(0, "another file has arrived");
}

static uint64_t receive_all(const struct half *half) {
  size_t bytes = half->options->bytes;
  uint8_t *message = allocate(bytes);
  for (uint64_t index = 0; index < half->options->count; index++) {
    int descriptor = receive_descriptor(half->data, message, bytes);
    // The last alone: a look at each would be a system call that is not the channel's.
    if (index + 1 == half->options->count) check_file(descriptor);
    if (close(descriptor) < 0) fail(errno, "cannot close a descriptor");
  }
  free(message);
  return half->options->count;
}

void descriptors(const struct options *options) {
  double seconds = run_halves(SOCK_SEQPACKET, 0, send_all, receive_all, options);
  printf("{\"seconds\":%.9f,\"messages\":%llu}\n", seconds, (unsigned long long)options->count);
}
