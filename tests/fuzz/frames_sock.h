// A socket of the broker's loop that is none: what is heard is put there by a fuzz target, and
// what is said is shown to it. Takes the place of common/sock.h and common/clock.h at link time.
#ifndef TESTS_FUZZ_FRAMES_SOCK_H
#define TESTS_FUZZ_FRAMES_SOCK_H

#include "common/clock.h"
#include "common/sock.h"

enum { FRAMES_WAITING_MAX = 64 };

extern struct moment frames_now;
// What a message of the loop says; false: its peer is gone.
extern bool (*frames_said)(const struct route *route, struct wire_message *message);

// Puts a message where the loop hears it next; copies all of it. Like a socket it refuses what is
// no message.
void frames_put(const struct route *route, struct bytes header, const struct bytes *frames,
                uint32_t count);

#endif
