// Where a provider's key is found: in the configuration, in the usual environment variables, or in
// the file that such a variable with _FILE behind its name points to. Keys stay in memory that is
// wiped when they are given up, and never stand in logs, errors or arguments.
#ifndef PROVIDER_KEYS_H
#define PROVIDER_KEYS_H

#include "common/conf.h"

#include <stddef.h>

enum { KEY_BYTES_MAX = 4096 };

struct key {
    char *text;       // NUL-terminated; empty: the provider is configured without a key
    const char *from; // the configuration, or the variable's name; for people
};

// Looks a provider's key up; key_envs ends with NULL. False if there is none, or if what there is
// cannot be one: problem then says where and why (never what), or is empty.
bool key_find(struct key *key, const struct conf *conf, const char *provider,
              const char *const *key_envs, char *problem, size_t problem_size);
// Wipes it. Accepts a zeroed key.
void key_release(struct key *key);
// Overwrites memory that held a key and gives it back. Accepts NULL.
void key_wipe(char *text);

#endif
