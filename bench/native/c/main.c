// What the kernel alone takes: the floor under every figure of the harness.
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workloads.h"

#define MOST_BYTES (1024u * 1024 * 1024)
#define MOST_COUNT 1000000000u
// The time of each trip is kept.
#define MOST_TRIPS 10000000u

static const char usage[] =
    "usage: c stream --bytes B --count N [--chunk C]     N messages of B bytes to another process\n"
    "       c roundtrip --bytes B --count N [--cpus L]   N times there and back\n"
    "       c descriptors --count N [--bytes B]          N packets of B bytes (1) with a descriptor each\n"
    "\n"
    "  --chunk C   bytes of one write where a message is too long for a packet, and so goes over a byte\n"
    "              stream (262144, which is what the library writes at once)\n"
    "  --cpus L    0 = both processes on CPU 0; 0,1 = the asking one on 0, the answering one on 1\n"
    "\n"
    "Prints one line of JSON. Exit code 2, with a message, for any failure.\n";

static const struct {
  const char *name;
  void (*run)(const struct options *options);
  const char *allowed;
  uint64_t most;
} workloads[] = {
    {"stream", stream, "bnk", MOST_COUNT},
    {"roundtrip", roundtrip, "bnp", MOST_TRIPS},
    {"descriptors", descriptors, "bn", MOST_COUNT},
};

// A whole number that `text` begins with, from `least` to `most`; `end` is set behind it.
static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most, const char **end) {
  char *behind;
  errno = 0;
  uint64_t value = strtoull(text, &behind, 10);
  if (text[0] < '0' || text[0] > '9' || errno != 0 || value < least || value > most) {
    fail(0, "--%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'", option, least, most, text);
  }
  *end = behind;
  return value;
}

static uint64_t only_number(const char *option, const char *text, uint64_t most) {
  const char *end;
  uint64_t value = number(option, text, 1, most, &end);
  if (*end != '\0') fail(0, "--%s takes a whole number, not '%s'", option, text);
  return value;
}

static void read_cpus(const char *text, struct options *options) {
  const char *end;
  options->cpus[0] = (int)number("cpus", text, 0, CPU_SETSIZE - 1, &end);
  options->cpu_count = 1;
  if (*end == ',') {
    options->cpus[1] = (int)number("cpus", end + 1, 0, CPU_SETSIZE - 1, &end);
    options->cpu_count = 2;
  }
  if (*end != '\0') fail(0, "--cpus takes one number or two with a comma between, not '%s'", text);
}

int main(int argc, char **argv) {
  static const struct option names[] = {{"bytes", required_argument, NULL, 'b'}, {"count", required_argument, NULL, 'n'},
                                        {"chunk", required_argument, NULL, 'k'}, {"cpus", required_argument, NULL, 'p'},
                                        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
  if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
    fputs(usage, stdout);
    return 0;
  }
  size_t chosen = 0;
  const size_t known = sizeof workloads / sizeof workloads[0];
  while (chosen < known && (argc < 2 || strcmp(argv[1], workloads[chosen].name) != 0)) chosen++;
  if (chosen == known) fail(0, "expected stream, roundtrip or descriptors; --help tells more");

  struct options options = {.chunk = 256 * 1024};
  opterr = 0;
  for (int letter; (letter = getopt_long(argc - 1, argv + 1, "h", names, NULL)) != -1;) {
    if (letter == 'h') {
      fputs(usage, stdout);
      return 0;
    }
    if (letter == '?') fail(0, "'%s' is no option, or lacks its value; --help tells more", argv[optind]);
    if (strchr(workloads[chosen].allowed, letter) == NULL) fail(0, "%s does not take that option", argv[1]);
    if (letter == 'b') options.bytes = only_number("bytes", optarg, MOST_BYTES);
    if (letter == 'n') options.count = only_number("count", optarg, workloads[chosen].most);
    if (letter == 'k') options.chunk = only_number("chunk", optarg, MOST_BYTES);
    if (letter == 'p') read_cpus(optarg, &options);
  }
  if (optind < argc - 1) fail(0, "'%s' was not expected", argv[optind + 1]);
  if (options.bytes == 0 && workloads[chosen].run == descriptors) options.bytes = 1;
  if (options.bytes == 0) fail(0, "--bytes is missing");
  if (options.count == 0) fail(0, "--count is missing");
  workloads[chosen].run(&options);
  return 0;
}
