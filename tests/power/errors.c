// Every operation of a short story fails once.
#include "tests/power/story.h"

#include <stdio.h>
#include <string.h>

enum { OPERATIONS_MAX = 5000 };

static const struct {
    const char *name;
    unsigned kinds;
    bool is_full;
} faults[] = {
    {"changes", POWERFAIL_changes, false},
    {"reads", POWERFAIL_read | POWERFAIL_open, false},
    {"writes on a full disk", POWERFAIL_write | POWERFAIL_create, true},
};

// Whether the fault struck; false in *is_good: a promise is broken.
static bool run_one(uint64_t seed, const struct life *lives, uint32_t count, struct tally *tally,
                    char *why, size_t why_size, bool *is_good) {
    struct story story;
    uint64_t struck = 0;
    story_begin(&story, DISK_full, seed);
    *is_good = true;
    for (uint32_t i = 0; *is_good && i < count; i++) {
        *is_good = story_life(&story, &lives[i]);
        struck += story.faults;
        tally->ended += story.code != 0;
    }
    (void)snprintf(why, why_size, "%s: %s", subject.name, story.why);
    tally->faults += struck > 0;
    story_end(&story, tally);
    return struck > 0;
}

// Lets a later and a later operation fail until none is left.
static bool run_all(uint64_t seed, uint64_t every, const struct powerfail_fault *kind,
                    bool is_first_life, struct tally *tally, char *why, size_t why_size) {
    bool has_struck = true, is_good = true;
    for (uint64_t at = 1 + seed % every; has_struck && is_good && at < OPERATIONS_MAX;
         at += every) {
        struct life lives[] = {
            {.turns = subject.turns_to_fail, .closes = false},
            {.turns = subject.turns_to_fail,
             .closes = at % 2 == 0,
             .fault = *kind,
             .keeps_power = at % 3 != 0},
            {.turns = subject.turns_to_fail, .closes = true},
        };
        lives[1].fault.at = at;
        uint32_t from = is_first_life ? 1 : 0;
        has_struck = run_one(seed, lives + from, 3 - from, tally, why, why_size, &is_good);
    }
    return is_good;
}

bool errors_run(uint64_t seed, uint64_t every, struct tally *tally, char *why, size_t why_size) {
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        for (int variant = 0; variant < 4; variant++) {
            struct powerfail_fault kind = {
                .kinds = faults[i].kinds, .is_full = faults[i].is_full, .lasts = variant % 2 != 0};
            if (!run_all(seed, every, &kind, variant >= 2, tally, why, why_size)) {
                size_t size = strlen(why);
                (void)snprintf(why + size, why_size - size, " (faults: %s%s)", faults[i].name,
                               kind.lasts ? ", lasting" : "");
                return false;
            }
        }
    return true;
}
