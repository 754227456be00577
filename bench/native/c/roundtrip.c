// One message there and back, again and again, each half waiting in the kernel.
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "workloads.h"

static uint64_t *trips;

static void exchange(const struct half *half, uint8_t *message, bool first) {
  size_t bytes = half->options->bytes;
  if (first) send_whole(half->data, message, bytes);
  size_t got = receive_some(half->data, message, bytes);
  if (got != bytes) fail(0, "a packet of %zu bytes instead of %zu", got, bytes);
  if (!first) send_whole(half->data, message, bytes);
}

static void ask(const struct half *half) {
  uint8_t *message = allocate(half->options->bytes);
  uint64_t before = nanoseconds();
  for (uint64_t index = 0; index < half->options->count; index++) {
    message[0] = (uint8_t)index;
    exchange(half, message, true);
    if (message[0] != (uint8_t)index) fail(0, "answer %llu is not the one that was due", (unsigned long long)index);
    uint64_t after = nanoseconds();
    trips[index] = after - before;
    before = after;
  }
  free(message);
}

static uint64_t answer(const struct half *half) {
  uint8_t *message = allocate(half->options->bytes);
  for (uint64_t index = 0; index < half->options->count; index++) exchange(half, message, false);
  free(message);
  return half->options->count;
}

static int by_length(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

// The shortest trip that this share of all trips did not exceed, in microseconds.
static double quantile(double share, uint64_t count) {
  uint64_t rank = (uint64_t)(share * (double)count);
  return (double)trips[rank < count ? rank : count - 1] / 1e3;
}

void roundtrip(const struct options *options) {
  uint64_t count = options->count;
  trips = (uint64_t *)allocate(count * sizeof *trips);
  double seconds = run_halves(SOCK_SEQPACKET, 0, ask, answer, options);
  qsort(trips, count, sizeof *trips, by_length);
  printf("{\"seconds\":%.9f,\"count\":%llu,\"median_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f}\n", seconds,
         (unsigned long long)count, quantile(0.5, count), quantile(0.99, count), quantile(0.999, count));
  free(trips);
}
