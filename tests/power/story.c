#include "tests/power/story.h"

#include "tests/power/seams.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

enum {
    TURNS_A_LIFE = 12,
    CODE_BROKEN = -1, // seams.code: not a process ended, but the story
};

void story_broken(struct story *story, const char *format, ...) {
    va_list values;
    va_start(values, format);
    (void)vsnprintf(story->why, sizeof(story->why), format, values);
    va_end(values);
    seams.code = CODE_BROKEN;
    longjmp(seams.ended, 1);
}

uint32_t story_below(struct story *story, uint32_t bound) {
    return (uint32_t)((powerfail_draw(story->disk) >> 32) * bound >> 32);
}

bool story_chance(struct story *story, uint32_t percent) {
    return story_below(story, 100) < percent;
}

void story_compare(struct story *story) {
    char text[200];
    if (rows_equal(&story->found, &story->next)) {
        story_told(story); // the transaction at which power failed is there as a whole
        return;
    }
    if (!rows_equal(&story->found, &story->told)) {
        rows_difference(&story->told, &story->found, subject.row_name, text, sizeof(text));
        story_broken(story, "after cut %u: %s", (unsigned)story->cuts, text);
    }
    rows_copy(&story->next, &story->told);
}

void story_told(struct story *story) {
    rows_copy(&story->told, &story->next);
    story->commits++;
}

static void live(struct story *story, const struct life *life) {
    subject.open(story);
    story->has_started = true;
    for (uint32_t i = 0; i < life->turns && !powerfail_is_dark(story->disk); i++) {
        story->turns++;
        subject.turn(story);
    }
    if (life->closes)
        subject.close(story);
}

// A process may end by itself only where the disk has failed it, must say so (full is a matter for
// later, all else is an I/O error), and must have left the disk alone from then on. What only
// tidies up may find the disk full, and be tried again; a size that cannot be asked for hurts
// nobody.
static void judge_end(struct story *story, const struct life *life) {
    bool is_full = life->fault.is_full, is_read = (life->fault.kinds & POWERFAIL_read) != 0;
    bool is_right = story->code == EX_IOERR || (is_full && story->code == EX_TEMPFAIL);
    uint64_t since = powerfail_tried_since(story->disk);
    if (story->code == CODE_BROKEN || powerfail_is_dark(story->disk))
        return;
    if (story->faults == 0 || !is_right)
        (void)snprintf(story->why, sizeof(story->why),
                       "after cut %u and %u faults the process ended with %d: %s",
                       (unsigned)story->cuts, (unsigned)story->faults, story->code, seams.why);
    else if (story->has_started && !is_full && !is_read && since > 0)
        (void)snprintf(story->why, sizeof(story->why),
                       "after a failure the process went on for %u operations: %s", (unsigned)since,
                       seams.why);
}

// Ends the process, and power with it.
static void end_life(struct story *story, const struct life *life) {
    bool keeps_power = life->keeps_power && !powerfail_is_dark(story->disk);
    powerfail_darken(story->disk);
    subject.bury(story);
    story->cuts += !keeps_power;
    if (keeps_power)
        powerfail_revive(story->disk);
    else
        powerfail_cut(story->disk);
}

bool story_life(struct story *story, const struct life *life) {
    story->lives++;
    story->code = 0;
    story->has_started = false;
    powerfail_cut_at(story->disk, life->cut_at);
    powerfail_fail(story->disk, life->fault);
    seams.is_living = true;
    bool has_ended = setjmp(seams.ended) != 0;
    if (!has_ended)
        live(story, life);
    seams.is_living = false;
    story->faults = powerfail_failures(story->disk);
    if (has_ended) {
        story->code = seams.code;
        judge_end(story, life);
    }
    end_life(story, life);
    return story->why[0] == 0;
}

void story_begin(struct story *story, enum disk_mode mode, uint64_t seed) {
    enum powerfail_mode disk = mode == DISK_lying ? POWERFAIL_lying : POWERFAIL_honest;
    *story = (struct story){.disk = powerfail_disk_new(seed, disk), .mode = mode, .seed = seed};
    powerfail_mount(story->disk);
    seams.chance = seed;
    seams.wall_ms = 1700000000000;
    story->state = subject.create(story);
}

void story_end(struct story *story, struct tally *tally) {
    subject.destroy(story->state);
    powerfail_disk_free(story->disk);
    rows_release(&story->told);
    rows_release(&story->next);
    rows_release(&story->found);
    tally->stories++;
    tally->cuts += story->cuts;
    tally->turns += story->turns;
    tally->commits += story->commits;
    tally->broken += story->why[0] != 0;
}

// Power fails while the store is opened, at some operation of the turns that follow, or between
// two of them; or only the process is killed, or stops in order.
static struct life draw_life(struct story *story) {
    uint32_t within = story_chance(story, 25) ? 40 : 400;
    struct life life = {.turns = TURNS_A_LIFE,
                        .closes = story_chance(story, 20),
                        .keeps_power = story_chance(story, 30)};
    if (story_chance(story, 90))
        life.cut_at = 1 + story_below(story, within);
    return life;
}

bool story_run(enum disk_mode mode, uint64_t seed, uint64_t cuts, struct tally *tally, char *why,
               size_t why_size) {
    struct story story;
    bool is_good = true;
    story_begin(&story, mode, seed);
    while (is_good && story.cuts < cuts) {
        struct life life = draw_life(&story);
        is_good = story_life(&story, &life);
    }
    (void)snprintf(why, why_size, "%s: %s", subject.name, story.why);
    story_end(&story, tally);
    return is_good;
}
