// Every allocation of the broker's own parts fails once. The core allocates nothing after its
// start; the shell around it ends the process, and what it had called stored is in the journal.

#include "broker/keep.h"
#include "broker/outbox.h"
#include "common/log.h"
#include "common/mem.h"
#include "tests/fault/fault.h"
#include "tests/fault/place.h"
#include "tests/fault/run.h"
#include "tests/unit/broker/world.h"
#include "tests/unit/common/wire_sample.h"

#include <assert.h>
#include <sysexits.h>

enum { POINTS = 150 };

// ---- what a turn holds in memory ----------------------------------------------------------------

static void keep_bytes(void) {
    struct keep keep;
    struct bytes bytes, more;
    keep_init(&keep);
    for (uint32_t i = 1; i <= 2000; i++)
        keep_put(&keep, i, bytes_text("bytes"), bytes_text("more"));
    for (uint32_t i = 1; i <= 2000; i += 2)
        keep_drop(&keep, i);
    bool is_there = keep_get(&keep, 1000, &bytes, &more);
    assert(is_there && bytes_is(bytes, "bytes") && bytes_is(more, "more"));
    keep_release(&keep);
}

static void fill_outbox(void) {
    struct outbox outbox;
    struct sample sample;
    uint64_t head[SAMPLE_STRUCT_BYTES_MAX / 8], item[SAMPLE_STRUCT_BYTES_MAX / 8];
    struct bytes frames[FRAMES_PER_ITEM_MAX];
    outbox_init(&outbox);
    sample_init(&sample, 5, 64 << 10);
    for (int i = 0; i < FRAMES_PER_ITEM_MAX; i++)
        frames[i] = bytes_text("a frame");
    for (uint32_t peer = 1; peer < 100; peer++) {
        sample_reset(&sample);
        sample_fill(&sample, wire_kind(KIND_record)->head, head, 40, true);
        sample_fill(&sample, wire_kind(KIND_record)->item, item, 40, true);
        outbox_item(&outbox, 1 + peer % 3, KIND_record, head, item, frames);
        sample_fill(&sample, wire_kind(KIND_beat)->head, head, 40, true);
        outbox_head(&outbox, peer, KIND_beat, head, NULL);
    }
    sample_release(&sample);
    outbox_release(&outbox);
}

START_TEST(what_a_turn_holds) {
    fault_each(&(struct fault){.name = "keep", .run = keep_bytes}, POINTS);
    fault_each(&(struct fault){.name = "outbox", .run = fill_outbox}, POINTS);
}
END_TEST

// ---- the core over the journal ------------------------------------------------------------------

static struct journal journal;

// Jobs are submitted, called, answered and recorded; each that is stored is counted at once.
static void work(void) {
    journal_open(&journal, place_file("journal.db"), true);
    struct world *w = world_new();
    w->journal = &journal;
    w->is_writing_records = true;
    uint64_t batch = world_open(w, (struct batch_options){.priority = 1});
    for (int i = 0; i < 4; i++)
        *place_stored = world_submit(w, batch);
    world_join_worker(w, 0, 4);
    struct lease lease = world_lease(w, 0);
    world_end(w, 0, lease, RETRYABLE);
    *place_stored = world_submit_turn(w, batch, 'c', 1);
    world_free(w);
    journal_close(&journal);
}

static void all_is_there(void) {
    struct core_config config = world_config();
    log_setup("verify", LOG_WARN, false);
    journal_open(&journal, place_file("journal.db"), true);
    void *memory = mem_new(core_size(&config));
    struct core *core = core_init(memory, &config);
    journal_restore(&journal, core);
    for (uint64_t job = 1; job <= *place_stored; job++)
        ck_assert_uint_ne(core_find_job(core, job), 0);
    ck_assert_uint_le(core_counters(core).jobs, *place_stored + 1);
    mem_free(memory);
    journal_close(&journal);
}

// A submitter was told that a line is durable: no want of memory may take that back.
START_TEST(what_was_stored_is_in_the_journal) {
    fault_each(&(struct fault){.name = "journal",
                               .prepare = place_renew,
                               .run = work,
                               .verify = all_is_there,
                               .code = EX_IOERR},
               POINTS);
    place_remove();
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("each allocation fails");
    tcase_add_test(tests, what_a_turn_holds);
    tcase_add_test(tests, what_was_stored_is_in_the_journal);
    return fault_run("fault-broker", tests);
}
