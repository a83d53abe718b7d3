// The journal on a real disk: what was committed comes back, and a file that is not ours to use is
// refused before anything is lost.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

#include "common/mem.h"

#include <stdio.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static char folder[64];
static char path[96];
static struct journal journal;
static struct world *w;

static void setup(void) {
    (void)snprintf(folder, sizeof(folder), "/tmp/colloq-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/journal.db", folder);
    journal_open(&journal, path, true);
    w = world_new();
    w->journal = &journal;
    w->is_writing_records = true;
}

static void teardown(void) {
    static const char *const endings[] = {"", "-wal", "-shm", ".lock", "-lock"};
    char file[128];
    world_free(w);
    if (journal.db.at)
        journal_close(&journal);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        (void)snprintf(file, sizeof(file), "%s%s", path, endings[i]);
        (void)unlink(file);
    }
    (void)rmdir(folder);
}

static void reopen(void) {
    journal_close(&journal);
    journal_open(&journal, path, true);
}

static void end_job(uint64_t job, struct how how) {
    for (uint32_t i = 0; i < w->sent_count; i++)
        if (w->sent[i].effect.kind == EFFECT_send_lease && w->sent[i].job == job) {
            struct lease lease = {.job = job, .call = w->sent[i].effect.call};
            world_end(w, 0, lease, how);
            return;
        }
    ck_abort_msg("the job was not leased");
}

// Jobs in every state that a row can have, and a lane that is held.
static void live_a_little(void) {
    uint64_t plain = world_open(w, (struct batch_options){.priority = 1, .billed = "park"});
    uint64_t other = world_open(w, (struct batch_options){.priority = 0, .attempts_max = 2});
    uint64_t cancelled = world_open(w, (struct batch_options){.priority = 2});
    uint64_t first = world_submit_many(w, plain, 5);
    uint64_t turn = world_submit_turn(w, other, 'a', 1);
    (void)world_submit_turn(w, other, 'a', 2);
    uint64_t answered = world_submit_turn(w, other, 'b', 1);
    (void)world_submit_to(w, other, "another");
    (void)world_submit_many(w, cancelled, 2);
    world_join_worker(w, 0, 16);
    end_job(turn, PERMANENT); // dead, the next one parked
    end_job(answered, ANSWERED);
    end_job(first, CUT_OFF); // parked by policy
    end_job(first + 1, RATE_LIMITED);
    world_cancel(w, cancelled);
    world_seal(w, plain);
    end_job(first + 2, LANE_WIDE);
}

static void same_job(const struct core *a, const struct core *b, uint64_t number) {
    uint32_t at = core_find_job(a, number), bt = core_find_job(b, number);
    ck_assert_int_eq(at != 0, bt != 0);
    if (!at)
        return;
    const struct job *x = core_job(a, at), *y = core_job(b, bt);
    ck_assert(id_equal(x->id, y->id) && id_equal(x->call, y->call));
    ck_assert(id_equal(core_conversation_id(a, x), core_conversation_id(b, y)));
    ck_assert_int_eq(x->state, y->state);
    ck_assert_int_eq(x->cost_max_pusd, y->cost_max_pusd);
    ck_assert_int_eq(x->marked_wall_ms, y->marked_wall_ms);
    ck_assert_int_eq(x->delay_from_wall_ms, y->delay_from_wall_ms);
    ck_assert_uint_eq(x->lease_number, y->lease_number);
    ck_assert_uint_eq(x->end_mark, y->end_mark);
    ck_assert_uint_eq(x->delay_ms, y->delay_ms);
    ck_assert_uint_eq(x->limit_ms, y->limit_ms);
    ck_assert_uint_eq(x->is_cancelled, y->is_cancelled);
    ck_assert_uint_eq(x->tokens_estimate, y->tokens_estimate);
    ck_assert_uint_eq(core_batch(a, x->batch)->number, core_batch(b, y->batch)->number);
    ck_assert_str_eq(core_lane(a, x->lane)->model, core_lane(b, y->lane)->model);
    ck_assert_uint_eq(x->worker, y->worker);
    ck_assert_uint_eq(x->turn, y->turn);
    ck_assert_uint_eq(x->line, y->line);
    ck_assert_uint_eq(x->attempt, y->attempt);
    ck_assert_uint_eq(x->counted, y->counted);
    ck_assert_uint_eq(x->backoffs, y->backoffs);
    ck_assert_uint_eq(x->revision, y->revision);
    ck_assert_uint_eq(x->recorded, y->recorded);
    ck_assert_uint_eq(x->outcome, y->outcome);
    ck_assert_uint_eq(x->reason, y->reason);
    ck_assert_uint_eq(x->priority, y->priority);
    ck_assert_uint_eq(x->records, y->records);
    ck_assert_uint_eq(x->due_ms, y->due_ms);
}

static void same_batch(const struct core *a, const struct core *b, uint64_t number) {
    uint32_t at = core_find_batch(a, number), bt = core_find_batch(b, number);
    ck_assert_int_eq(at != 0, bt != 0);
    if (!at)
        return;
    const struct batch *x = core_batch(a, at), *y = core_batch(b, bt);
    ck_assert(id_equal(x->id, y->id) && digest_equal(x->digest, y->digest));
    ck_assert_str_eq(x->key, y->key);
    ck_assert_uint_eq(x->accepted_through, y->accepted_through);
    ck_assert_uint_eq(x->refused, y->refused);
    ck_assert_uint_eq(x->answered, y->answered);
    ck_assert_uint_eq(x->dead, y->dead);
    ck_assert_uint_eq(x->parked, y->parked);
    ck_assert_uint_eq(x->cancelled, y->cancelled);
    ck_assert_uint_eq(x->jobs, y->jobs);
    ck_assert_uint_eq(x->attempts_max, y->attempts_max);
    ck_assert_uint_eq(x->revision, y->revision);
    ck_assert_int_eq(x->state, y->state);
    ck_assert_int_eq(x->priority, y->priority);
    ck_assert_int_eq(x->billed, y->billed);
    ck_assert_int_eq(x->is_cancelled, y->is_cancelled);
    ck_assert_uint_eq(x->unsettled, y->unsettled);
    ck_assert_uint_eq(x->records, y->records);
    ck_assert_uint_eq(x->attempts_open, y->attempts_open);
    ck_assert_mem_eq(x->states, y->states, sizeof(x->states));
}

static void same_lane(const struct lane *x, const struct lane *y) {
    ck_assert_str_eq(x->provider, y->provider);
    ck_assert_str_eq(x->key, y->key);
    ck_assert_str_eq(x->model, y->model);
    ck_assert_str_eq(x->held_reason, y->held_reason);
    ck_assert_str_eq(x->held_detail, y->held_detail);
    ck_assert_int_eq(x->state, y->state);
    ck_assert_uint_eq(x->marks, y->marks);
    ck_assert_uint_eq(x->waiting, y->waiting);
}

static void same_record(const struct core *a, const struct core *b, uint32_t slot) {
    const struct record *x = core_record(a, slot), *y = core_record(b, slot);
    ck_assert_uint_eq(x->number, y->number);
    ck_assert_uint_eq(x->job, y->job);
    ck_assert_uint_eq(x->batch, y->batch);
    ck_assert_uint_eq(x->bytes, y->bytes);
    ck_assert_uint_eq(x->revision, y->revision);
    ck_assert_int_eq(x->type, y->type);
    ck_assert_int_eq(x->is_answer_in, y->is_answer_in);
    ck_assert_int_eq(x->batch_state, y->batch_state);
}

static void same_core(const struct core *a, const struct core *b) {
    struct counters_row x = core_counters(a), y = core_counters(b);
    ck_assert_mem_eq(&x, &y, sizeof(x));
    for (uint64_t number = 1; number <= x.jobs; number++)
        same_job(a, b, number);
    for (uint64_t number = 1; number <= x.batches; number++)
        same_batch(a, b, number);
    ck_assert_uint_eq(core_lane_slots(a), core_lane_slots(b));
    for (uint32_t slot = 1; slot <= core_lane_slots(a); slot++)
        same_lane(core_lane(a, slot), core_lane(b, slot));
    ck_assert_uint_eq(core_records_pending(a), core_records_pending(b));
    for (uint32_t slot = 1; slot <= core_records_pending(a); slot++)
        same_record(a, b, slot);
}

// Whatever a row does not hold is lost with the process: jobs called twice, money counted wrong.
START_TEST(every_row_survives_and_makes_an_equal_core) {
    live_a_little();
    ck_assert_int_eq(world_lane(w)->state, LANE_held);
    world_crash(w); // the world's own store, which keeps whole rows
    reopen();
    void *memory = mem_new(core_size(&w->config));
    struct core *core = core_init(memory, &w->config);
    journal_restore(&journal, core);
    core_restored(core, w->now_ms, w->wall_ms);
    same_core(w->core, core);
    mem_free(memory);
}
END_TEST

// The same with attempts open: their workers' rows are what a mark names.
START_TEST(open_attempts_survive_with_their_workers) {
    uint64_t batch = world_open(w, (struct batch_options){.priority = 1});
    (void)world_submit_many(w, batch, 3);
    world_join_worker(w, 0, 2);
    struct lease lease = world_lease(w, 0);
    world_cancel_job(w, lease.job);
    world_crash(w);
    reopen();
    void *memory = mem_new(core_size(&w->config));
    struct core *core = core_init(memory, &w->config);
    journal_restore(&journal, core);
    core_restored(core, w->now_ms, w->wall_ms);
    same_core(w->core, core);
    const struct job *job = core_job(core, core_find_job(core, lease.job));
    ck_assert_int_eq(job->state, JOB_ABORTING);
    const struct worker *worker = core_worker(core, job->worker);
    ck_assert_str_eq(worker->name, "worker-0");
    ck_assert(id_equal(worker->process, w->workers[0].process));
    ck_assert_uint_eq(worker->marks, 2);
    mem_free(memory);
}
END_TEST

// What is over must leave the file, or the journal grows for ever.
START_TEST(rows_of_what_is_over_are_deleted) {
    uint64_t batch = world_open(w, (struct batch_options){.priority = 1});
    (void)world_submit_many(w, batch, 3);
    world_join_worker(w, 0, 8);
    while (world_has_lease(w, 0))
        world_answer(w, 0, world_lease(w, 0));
    world_seal(w, batch);
    world_record_all(w);
    ck_assert_int_eq(world_batch_state(w, batch), BATCH_GONE);
    reopen();
    void *memory = mem_new(core_size(&w->config));
    struct core *core = core_init(memory, &w->config);
    journal_restore(&journal, core);
    ck_assert_uint_eq(core_job_slots(core), 0);
    ck_assert_uint_eq(core_batch_slots(core), 0);
    ck_assert_uint_eq(core_records_pending(core), 0);
    ck_assert_uint_eq(core_worker_slots(core), 0);
    ck_assert_uint_eq(core_counters(core).jobs, 3); // numbers are never used again
    mem_free(memory);
}
END_TEST

// Starts order the boots: a worker must not believe a broker that was overtaken.
START_TEST(starts_are_counted_and_the_journal_keeps_its_name) {
    struct id id = journal.id;
    ck_assert_uint_eq(journal.starts, 1);
    ck_assert(!id_is_none(id));
    reopen();
    ck_assert_uint_eq(journal.starts, 2);
    ck_assert(id_equal(journal.id, id));
}
END_TEST

// What was not committed never happened: its messages have not left either.
START_TEST(a_turn_without_its_commit_leaves_nothing) {
    struct payload payload = {.line = bytes_text("{}")}, read;
    journal_put_payload(&journal, 1, &payload);
    journal_close(&journal);
    journal_open(&journal, path, true);
    ck_assert(!journal_get_payload(&journal, 1, &read));
}
END_TEST

// How a process ends that opens the journal as it is now.
static int exit_of_opener(bool is_simulated) {
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct journal second;
        journal_open(&second, path, is_simulated);
        _exit(EX_OK);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// Simulated answers in a real ledger would be money that was never spent.
START_TEST(a_journal_of_the_other_money_is_refused) {
    journal_close(&journal);
    ck_assert_int_eq(exit_of_opener(false), EX_CONFIG);
    ck_assert_int_eq(exit_of_opener(true), EX_OK);
}
END_TEST

// Two brokers on one journal would both mark, and call, the same jobs.
START_TEST(a_second_opener_is_told_to_come_back_later) {
    ck_assert_int_eq(exit_of_opener(true), EX_TEMPFAIL);
}
END_TEST

// ---- what is wide -------------------------------------------------------------------------------

static void payload_comes_back(uint64_t job, struct bytes line) {
    struct payload payload = {.custom_id = bytes_text("my id"),
                              .conversation = bytes_text("talk"),
                              .api = bytes_text("chat"),
                              .traceparent = bytes_text("00-1"),
                              .line = line};
    struct payload read;
    journal_put_payload(&journal, job, &payload);
    journal_commit(&journal);
    reopen();
    ck_assert(journal_get_payload(&journal, job, &read));
    ck_assert(bytes_equal(read.line, line));
    ck_assert(bytes_is(read.custom_id, "my id") && bytes_is(read.conversation, "talk"));
    ck_assert(bytes_is(read.api, "chat") && bytes_is(read.traceparent, "00-1"));
    journal_release_payload(&journal);
}

// A line that comes back other than it went in is a prompt that nobody wrote.
START_TEST(payloads_come_back_byte_for_byte_empty_or_as_large_as_allowed) {
    uint8_t *line = mem_new(LINE_BYTES_MAX);
    struct payload read;
    for (size_t i = 0; i < LINE_BYTES_MAX; i++)
        line[i] = (uint8_t)(i * 31 >> 3);
    payload_comes_back(1, bytes_of(line, 0));
    payload_comes_back(2, bytes_of("a\0b", 3));
    payload_comes_back(3, bytes_of(line, LINE_BYTES_MAX));
    ck_assert(!journal_get_payload(&journal, 4, &read));
    ck_assert_uint_eq(read.line.size, 0);
    mem_free(line);
}
END_TEST

static uint64_t issue_record(void) {
    (void)world_open(w, (struct batch_options){.priority = 1});
    return core_counters(w->core).issued;
}

static void record_comes_back(struct bytes headers, struct bytes body) {
    struct record_row row = {bytes_text("item"), headers, body}, read;
    uint64_t number = issue_record();
    journal_put_record(&journal, w->core, 1, &row); // its records come into the first slots
    journal_commit(&journal);
    number = core_record(w->core, 1)->number;
    reopen();
    ck_assert(journal_get_record(&journal, number, &read));
    ck_assert(bytes_is(read.item, "item"));
    ck_assert(bytes_equal(read.headers, headers) && bytes_equal(read.body, body));
    journal_release_record(&journal);
    journal_delete_record(&journal, number);
    journal_commit(&journal);
    ck_assert(!journal_get_record(&journal, number, &read));
    journal_release_record(&journal);
}

// An answer was paid for: verbatim means every byte of it.
START_TEST(records_come_back_byte_for_byte_empty_or_as_large_as_allowed) {
    uint8_t *body = mem_new(ANSWER_BYTES_MAX);
    for (size_t i = 0; i < ANSWER_BYTES_MAX; i++)
        body[i] = (uint8_t)(i * 17 >> 2);
    w->is_writing_records = false;
    record_comes_back(bytes_of(NULL, 0), bytes_of(NULL, 0));
    record_comes_back(bytes_text("A: b\r\n"), bytes_of(body, 1));
    record_comes_back(bytes_of(body, ANSWER_HEADERS_BYTES_MAX), bytes_of(body, ANSWER_BYTES_MAX));
    mem_free(body);
}
END_TEST

START_TEST(the_texts_of_a_batch_come_back) {
    struct batch_texts texts;
    uint64_t batch = world_open(w, (struct batch_options){.priority = 1});
    reopen();
    ck_assert(journal_get_batch(&journal, batch, &texts));
    ck_assert(bytes_is(texts.name, "name") && bytes_is(texts.tags, "{}"));
    journal_release_batch(&journal);
    ck_assert(!journal_get_batch(&journal, batch + 1, &texts));
    journal_release_batch(&journal);
}
END_TEST

// The broker asks how full its journal is before it takes anything in.
START_TEST(used_bytes_grow_and_shrink_with_what_is_stored) {
    uint8_t *line = mem_new(MIB);
    struct payload payload = {.line = bytes_of(line, MIB)};
    uint64_t before = journal_used_bytes(&journal);
    journal_put_payload(&journal, 1, &payload);
    journal_commit(&journal);
    ck_assert_uint_ge(journal_used_bytes(&journal), before + MIB);
    journal_delete_record(&journal, 1);
    ck_assert_int_eq(db_exec(&journal.db, "DELETE FROM payload"), ERR_OK);
    journal_commit(&journal);
    journal_tidy(&journal, true, false);
    ck_assert_uint_lt(journal_used_bytes(&journal), before + MIB / 2);
    mem_free(line);
}
END_TEST

// On a full disk what the journal does not use is what everybody waits for.
START_TEST(a_short_disk_gets_all_that_is_not_in_use) {
    uint8_t *line = mem_new(MIB);
    struct payload payload = {.line = bytes_of(line, MIB)};
    for (uint64_t job = 1; job <= 8; job++)
        journal_put_payload(&journal, job, &payload);
    journal_commit(&journal);
    ck_assert_int_eq(db_exec(&journal.db, "DELETE FROM payload"), ERR_OK);
    struct space_limits limits = space_limits(JOURNAL_BYTES_MIN * 16ull, 0);
    journal_limit(&journal, &limits);
    journal_tidy(&journal, true, false);
    ck_assert_uint_gt(journal_disk_bytes(&journal), 8 * MIB); // it will be wanted again
    for (int turn = 0; turn < 20; turn++)
        journal_tidy(&journal, false, true);
    ck_assert_uint_lt(journal_disk_bytes(&journal), MIB);
    ck_assert_uint_le(journal_used_bytes(&journal), journal_disk_bytes(&journal));
    mem_free(line);
}
END_TEST

int main(void) {
    RUN_TESTS("journal", setup, teardown, every_row_survives_and_makes_an_equal_core,
              open_attempts_survive_with_their_workers, rows_of_what_is_over_are_deleted,
              starts_are_counted_and_the_journal_keeps_its_name,
              a_turn_without_its_commit_leaves_nothing,
              payloads_come_back_byte_for_byte_empty_or_as_large_as_allowed,
              records_come_back_byte_for_byte_empty_or_as_large_as_allowed,
              the_texts_of_a_batch_come_back, used_bytes_grow_and_shrink_with_what_is_stored,
              a_short_disk_gets_all_that_is_not_in_use, a_journal_of_the_other_money_is_refused,
              a_second_opener_is_told_to_come_back_later);
}
