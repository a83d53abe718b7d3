// SHA-256, by libcrypto.
#ifndef PROVIDER_SIM_HASH_H
#define PROVIDER_SIM_HASH_H

#include "tests/provider-sim/text.h"

enum { HASH_SIZE = 32 };

void hash_sha256(struct span span, uint8_t out[HASH_SIZE]);

#endif
