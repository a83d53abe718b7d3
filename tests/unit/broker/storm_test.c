// Everything that may become of jobs and turns, in random order: ends of all kinds, late and said
// again, lost records, cancellations, retries, drops and restarts. After each step the counters are
// what a recount gives; at the end, when only good things happen, every batch settles.
#include "tests/unit/broker/run.h"
#include "tests/unit/broker/world.h"

#include <stdio.h>

enum { STEPS = 400, SEEDS = 100, TURNS_MAX = 60, LEASES = 64 };

static struct world *w;
static uint64_t state, batches[3], turns[3][3];
static struct lease known[LEASES]; // of all times: their ends may be said at any time
static uint32_t known_count;

static uint32_t below(uint32_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % bound);
}

// ---- what must hold -----------------------------------------------------------------------------

static void check_batch(const struct batch *batch) {
    uint64_t unsettled = 0, revived = 0, here = 0;
    uint32_t states[JOB_STATES] = {0};
    for (uint32_t slot = batch->first_job; slot; slot = core_job(w->core, slot)->batch_next) {
        const struct job *job = core_job(w->core, slot);
        here++;
        states[job->state]++;
        unsettled += !job_has_outcome(job) || job->recorded != job->revision;
        revived += !job_has_outcome(job) && job->revision > 0;
        ck_assert(job_has_outcome(job) || !job_is_kept(job));
    }
    ck_assert_uint_eq(here, batch->jobs_here);
    ck_assert_uint_eq(unsettled, batch->unsettled);
    ck_assert_uint_eq(revived, batch->revived);
    for (int i = 0; i < JOB_STATES; i++)
        ck_assert_uint_eq(states[i], batch->states[i]);
    // Each job that has not gone without one has one outcome, or none yet.
    uint64_t outcomes = batch->answered + batch->dead + batch->parked + batch->cancelled;
    uint64_t none = 0;
    for (uint32_t slot = batch->first_job; slot; slot = core_job(w->core, slot)->batch_next)
        none += !job_has_outcome(core_job(w->core, slot));
    ck_assert_uint_eq(outcomes + none, batch->jobs);
}

// In a conversation no turn is under way, or has gone, before the one before it is out of its way.
static void check_conversation(const struct conversation *conversation) {
    uint32_t kept = 0, jobs = 0, let_go = 0;
    for (uint32_t slot = conversation->first_turn; slot;
         slot = core_job(w->core, slot)->turn_next) {
        const struct job *job = core_job(w->core, slot);
        jobs++;
        kept += job_is_kept(job);
        let_go += job->state != JOB_WAITING && job->state != JOB_ENDED && !job_is_kept(job);
    }
    ck_assert_uint_eq(kept, conversation->kept);
    ck_assert_uint_le(jobs, conversation->jobs);
    ck_assert_uint_le(let_go, 1);
}

static void check(void) {
    for (uint32_t slot = 1; slot <= core_batch_slots(w->core); slot++)
        if (core_batch(w->core, slot)->state >= BATCH_OPEN &&
            core_batch(w->core, slot)->state != BATCH_GONE)
            check_batch(core_batch(w->core, slot));
    for (uint32_t slot = 1; slot < CONVERSATIONS; slot++)
        if (core_conversation(w->core, slot)->is_used)
            check_conversation(core_conversation(w->core, slot));
}

// ---- what happens -------------------------------------------------------------------------------

static void submit_some(void) {
    uint32_t at = below(3), talk = below(3);
    uint32_t slot = core_find_batch(w->core, batches[at]);
    if (!slot || core_batch(w->core, slot)->state != BATCH_OPEN || turns[at][talk] == TURNS_MAX)
        return;
    if (below(4) == 0)
        (void)world_submit(w, batches[at]);
    else
        (void)world_submit_turn(w, batches[at], (char)('a' + talk), ++turns[at][talk]);
}

static void take_leases(void) {
    while (world_has_lease(w, 0))
        known[known_count++ % LEASES] = world_lease(w, 0);
}

static struct how some_end(void) {
    static const struct how *const hows[] = {&ANSWERED,  &ANSWERED, &RETRYABLE,   &PERMANENT,
                                             &MALFORMED, &CUT_OFF,  &NOT_STARTED, &RATE_LIMITED};
    return *hows[below(8)];
}

// Of any lease of all times: the open one's, a late one, or another end of one that has ended.
static void end_some(void) {
    uint32_t count = known_count < LEASES ? known_count : LEASES;
    if (count > 0)
        world_end(w, 0, known[below(count)], some_end());
}

// A random job of a kind that decisions are about; 0: none.
static uint64_t some_job(bool is_kept) {
    uint64_t jobs = core_counters(w->core).jobs;
    for (uint32_t i = 0; i < 20 && jobs > 0; i++) {
        uint64_t number = 1 + below((uint32_t)jobs);
        uint32_t slot = core_find_job(w->core, number);
        if (slot && job_is_kept(core_job(w->core, slot)) == is_kept)
            return number;
    }
    return 0;
}

static void record_some(void) {
    struct sent sent;
    while (world_untaken(w, EFFECT_send_extract, EXTRACTOR) > 0)
        (void)world_extract(w, NULL);
    for (uint32_t i = below(6); i > 0 && world_take(w, EFFECT_send_record, ACCOUNTANT, &sent); i--)
        world_recorded(w, sent.effect.number, below(8) != 0);
}

static void start_again(void) {
    world_restart(w);
    world_join_worker(w, 0, 8);
}

static void happen(void) {
    uint64_t kept = some_job(true), other = some_job(false);
    switch (below(14)) {
    case 0:
    case 1:
    case 2:
        submit_some();
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        end_some();
        break;
    case 7:
    case 8:
        record_some();
        break;
    case 9:
        if (kept)
            world_retry(w, kept, below(3) * 1000);
        break;
    case 10:
        if (kept && below(2) == 0)
            world_drop(w, kept);
        else if (other)
            world_cancel_job(w, other);
        break;
    case 11:
        if (below(4) == 0)
            start_again();
        break;
    case 12:
        w->workers[0].is_silent = below(2) == 0;
        world_pass(w, below(2) ? 2000 : BILLED_LIMIT_MS + 2000);
        w->workers[0].is_silent = false;
        world_join_worker(w, 0, 8);
        break;
    default:
        if (below(20) == 0)
            world_cancel(w, batches[below(3)]);
        break;
    }
    take_leases();
    check();
}

// From here on every call is answered and every record confirmed.
static void calm(void) {
    for (int i = 0; i < 2000; i++) {
        uint32_t before = known_count;
        take_leases();
        for (uint32_t k = before; k < known_count; k++)
            world_answer(w, 0, known[k % LEASES]);
        uint32_t count = known_count < LEASES ? known_count : LEASES;
        for (uint32_t k = 0; i == 0 && k < count; k++)
            world_answer(w, 0, known[k]);
        world_record_all(w);
        world_pass(w, 1000);
        if (i > 100 && before == known_count && !world_has_lease(w, 0))
            return;
    }
    ck_abort_msg("it never comes to rest");
}

static void seal_all(void) {
    for (int i = 0; i < 3; i++)
        if (world_batch_state(w, batches[i]) == BATCH_OPEN)
            world_seal(w, batches[i]);
}

START_TEST(nothing_is_miscounted_and_everything_settles) {
    static const char *const policies[] = {"stop", "skip", "fail"};
    static const char *const billed[] = {"retry", "park", "fail"};
    state = (uint64_t)_i * 7919 + 1;
    known_count = 0;
    memset(turns, 0, sizeof(turns));
    w = world_new();
    for (int i = 0; i < 3; i++)
        batches[i] = world_open(w, (struct batch_options){.priority = 1,
                                                          .unanswered = policies[i],
                                                          .billed = billed[below(3)]});
    world_join_worker(w, 0, 8);
    for (int i = 0; i < STEPS; i++)
        happen();
    start_again();
    seal_all();
    calm();
    check();
    for (int i = 0; i < 3; i++) {
        enum batch_state at = world_batch_state(w, batches[i]);
        ck_assert_msg(at == BATCH_SETTLED || at == BATCH_GONE, "batch %d (%s) is in state %d", i,
                      policies[i], at);
    }
    world_free(w);
}
END_TEST

int main(void) {
    TCase *storm = tcase_create("storm");
    tcase_add_loop_test(storm, nothing_is_miscounted_and_everything_settles, 0, SEEDS);
    return run_case("storm", storm);
}
