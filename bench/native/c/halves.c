#define _GNU_SOURCE
#include "halves.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void fail(int number, const char *format, ...) {
  char text[256];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  if (number == 0) fprintf(stderr, "c: %s\n", text);
  else fprintf(stderr, "c: %s: %s\n", text, strerror(number));
  exit(2);
}

bool is_gone(int number) { return number == EPIPE || number == ECONNRESET; }

void fail_gone(void) { fail(0, "the other half ended early"); }

uint8_t *allocate(size_t bytes) {
  uint8_t *memory = malloc(bytes);
  if (memory == NULL) fail(errno, "no memory for %zu bytes", bytes);
  memset(memory, 0x5a, bytes);
  return memory;
}

uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void make_pair(int type, int ends[2]) {
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0) fail(errno, "socketpair");
}

void send_whole(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (is_gone(errno)) fail_gone();
      fail(errno, "cannot send %zu bytes", length);
    }
    bytes += sent;
    length -= (size_t)sent;
  }
}

size_t receive_some(int fd, uint8_t *bytes, size_t length) {
  for (;;) {
    ssize_t got = recv(fd, bytes, length, 0);
    if (got > 0) return (size_t)got;
    if (got == 0) fail_gone();
    if (errno == EINTR) continue;
    if (is_gone(errno)) fail_gone();
    fail(errno, "cannot receive");
  }
}

static void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) < 0) fail(errno, "cannot run on CPU %d", cpu);
}

static _Noreturn void run_child(const struct half *half, child_part *part, int news) {
  uint64_t word = 0;
  if (half->options->cpu_count > 0) pin(half->options->cpus[half->options->cpu_count - 1]);
  send_whole(news, (const uint8_t *)&word, sizeof word);
  word = part(half);
  send_whole(news, (const uint8_t *)&word, sizeof word);
  _exit(0);
}

// The child's next word: first that it is ready, then how many messages it has got.
static uint64_t hear(int news) {
  uint64_t word;
  if (receive_some(news, (uint8_t *)&word, sizeof word) != sizeof word) fail(0, "half a word from the other half");
  return word;
}

static void reap(pid_t child) {
  int status;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail(errno, "waitpid");
  }
  if (status != 0) fail(0, "the other half ended with status %d", status);
}

double run_halves(int type, int send_buffer, parent_part *parent, child_part *child, const struct options *options) {
  int data[2], news[2];
  make_pair(type, data);
  make_pair(SOCK_SEQPACKET, news);
  if (send_buffer > 0 && setsockopt(data[0], SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer) < 0) {
    fail(errno, "SO_SNDBUF");
  }
  fflush(stdout);
  pid_t pid = fork();
  if (pid < 0) fail(errno, "fork");
  // Each keeps its own ends alone, or nobody would see the other's death.
  int mine = pid == 0 ? 1 : 0;
  close(data[1 - mine]);
  close(news[1 - mine]);
  struct half half = {data[mine], options};
  if (pid == 0) run_child(&half, child, news[mine]);

  if (options->cpu_count > 0) pin(options->cpus[0]);
  hear(news[mine]);
  uint64_t start = nanoseconds();
  parent(&half);
  uint64_t got = hear(news[mine]);
  double seconds = (double)(nanoseconds() - start) / 1e9;
  if (got != options->count) fail(0, "%llu messages arrived", (unsigned long long)got);
  reap(pid);
  close(half.data);
  close(news[mine]);
  return seconds;
}
