// Two processes with a socket pair between them: the frame that every workload runs in.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
  size_t bytes;
  uint64_t count;
  size_t chunk;
  // Where the halves run: none, one core for both, or one each.
  int cpus[2];
  int cpu_count;
};

// One of the two processes.
struct half {
  int data;
  const struct options *options;
};

// What a half does; the child's answers how many messages it has got.
typedef void parent_part(const struct half *half);
typedef uint64_t child_part(const struct half *half);

// Runs both parts over a pair of this type. Answers the seconds from before the parent's part until the
// child has said that it got options->count messages. `send_buffer` is SO_SNDBUF, 0 for the kernel's own.
double run_halves(int type, int send_buffer, parent_part *parent, child_part *child, const struct options *options);

// Ends the program with a message. With errno's text if `number` is not 0.
_Noreturn void fail(int number, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Memory with every page touched.
uint8_t *allocate(size_t bytes);

uint64_t nanoseconds(void);

void make_pair(int type, int ends[2]);

// One send and one receive that wait. A receive answers at least 1: the end is a failure here.
void send_whole(int fd, const uint8_t *bytes, size_t length);
size_t receive_some(int fd, uint8_t *bytes, size_t length);

// Whether `number` says that the other half has closed its end, as the dead do.
bool is_gone(int number);
_Noreturn void fail_gone(void);
