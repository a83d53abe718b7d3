#include "tests/provider-sim/moment.h"

#include <string.h>
#include <time.h>

struct moment moment_now(void) {
    struct timespec ticks, wall;
    clock_gettime(CLOCK_MONOTONIC, &ticks);
    clock_gettime(CLOCK_REALTIME, &wall);
    return (struct moment){
        .ticks_ms = (uint64_t)ticks.tv_sec * 1000 + (uint64_t)ticks.tv_nsec / 1000000,
        .unix_ms = (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
    };
}

static void moment_write(int64_t unix_ms, const char *format, char out[32]) {
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    if (strftime(out, 32, format, &parts) == 0)
        out[0] = '\0';
}

void moment_http_date(int64_t unix_ms, char out[32]) {
    moment_write(unix_ms, "%a, %d %b %Y %H:%M:%S GMT", out);
}

void moment_rfc3339(int64_t unix_ms, char out[32]) {
    moment_write(unix_ms, "%Y-%m-%dT%H:%M:%SZ", out);
}
