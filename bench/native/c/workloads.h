#pragma once

#include "halves.h"

// Each runs one workload and prints its figures as one line of JSON.
void stream(const struct options *options);
void roundtrip(const struct options *options);
void descriptors(const struct options *options);
