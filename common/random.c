// The one source of chance: what id.h draws from the kernel.
#include "common/id.h"
#include "common/log.h"

#include <sys/random.h>
#include <sysexits.h>

static void fill_random(void *at, size_t size) {
    if (getrandom(at, size, 0) != (ssize_t)size)
        fatal(EX_OSERR, "random.failed", "why=\"getrandom gave too little\"");
}

uint64_t random_u64(void) {
    uint64_t value;
    fill_random(&value, sizeof(value));
    return value;
}

struct id uuid_new(int64_t wall_ms) {
    // 60 bits of count below the milliseconds: a random start a millisecond, then +1, so that
    // a burst costs one getrandom and the ids of a process never go back.
    static uint64_t last_ms, low, high;
    uint64_t now = (uint64_t)wall_ms;
    if (now > last_ms) {
        last_ms = now;
        high = random_u64();
        low = random_u64() >> 4;
    } else {
        low++;
    }
    struct id id;
    bytes_put_u64(id.at, last_ms << 16 | 0x7000u | (high & 0xfffu));
    bytes_put_u64(id.at + 8, (low & 0x3fffffffffffffffull) | 0x8000000000000000ull);
    return id;
}
