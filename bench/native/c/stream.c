// Messages in one direction without a codec: what the kernel takes for moving the bytes.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workloads.h"

// What lib/side-writer.ts asks for where a message goes over a byte stream; the kernel may give less.
#define STREAM_BUFFER_BYTES (1024 * 1024)

// Whether a message can go in one packet. The kernel is asked by sending one to ourselves.
static bool fits_packet(size_t bytes) {
  int pair[2];
  make_pair(SOCK_SEQPACKET, pair);
  uint8_t *message = allocate(bytes);
  ssize_t sent;
  do sent = send(pair[0], message, bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EMSGSIZE && errno != ENOBUFS) fail(errno, "cannot send %zu bytes", bytes);
  free(message);
  close(pair[0]);
  close(pair[1]);
  return sent >= 0;
}

// A message begins with the low byte of its number, so that a lost one shows.
static void check_number(uint8_t first, uint64_t index) {
  if (first != (uint8_t)index) fail(0, "message %llu is not the one that was due", (unsigned long long)index);
}

static void send_packets(const struct half *half) {
  size_t bytes = half->options->bytes;
  uint8_t *message = allocate(bytes);
  for (uint64_t index = 0; index < half->options->count; index++) {
    message[0] = (uint8_t)index;
    send_whole(half->data, message, bytes);
  }
  free(message);
}

static uint64_t receive_packets(const struct half *half) {
  size_t bytes = half->options->bytes;
  uint8_t *message = allocate(bytes);
  for (uint64_t index = 0; index < half->options->count; index++) {
    size_t got = receive_some(half->data, message, bytes);
    if (got != bytes) fail(0, "a packet of %zu bytes instead of %zu", got, bytes);
    check_number(message[0], index);
  }
  free(message);
  return half->options->count;
}

static size_t smaller(size_t left, size_t right) { return left < right ? left : right; }

static void send_chunks(const struct half *half) {
  size_t chunk = half->options->chunk;
  uint8_t *piece = allocate(chunk);
  for (uint64_t index = 0; index < half->options->count; index++) {
    piece[0] = (uint8_t)index;
    for (size_t left = half->options->bytes, part; left > 0; left -= part) {
      part = smaller(left, chunk);
      send_whole(half->data, piece, part);
    }
  }
  free(piece);
}

static uint64_t receive_chunks(const struct half *half) {
  size_t chunk = half->options->chunk;
  uint8_t *piece = allocate(chunk);
  for (uint64_t index = 0; index < half->options->count; index++) {
    size_t left = half->options->bytes;
    while (left > 0) {
      bool first = left == half->options->bytes;
      left -= receive_some(half->data, piece, smaller(left, chunk));
      if (first) check_number(piece[0], index);
    }
  }
  free(piece);
  return half->options->count;
}

void stream(const struct options *options) {
  bool packets = fits_packet(options->bytes);
  double seconds = packets ? run_halves(SOCK_SEQPACKET, 0, send_packets, receive_packets, options)
                           : run_halves(SOCK_STREAM, STREAM_BUFFER_BYTES, send_chunks, receive_chunks, options);
  printf("{\"seconds\":%.9f,\"messages\":%llu,\"bytes\":%zu,\"socket\":\"%s\"}\n", seconds,
         (unsigned long long)options->count, options->bytes, packets ? "seqpacket" : "stream");
}
