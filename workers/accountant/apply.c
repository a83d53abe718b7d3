#include "workers/accountant/apply.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define X(name)      #name,
static const char *const state_names[] = {CALL_STATE_MAP(X)};
static const char *const role_names[] = {CALL_ROLE_MAP(X)};
#undef X

const char *call_state_name(enum call_state state) {
    return state_names[state];
}

const char *call_role_name(enum call_role role) {
    return role_names[role];
}

bool call_state_parse(struct bytes name, enum call_state *state) {
    for (unsigned i = 0; i < COUNT(state_names); i++) {
        if (bytes_is(name, state_names[i])) {
            *state = (enum call_state)i;
            return true;
        }
    }
    return false;
}

// No integer that the ledger stores is beyond 63 bits.
static bool numbers_fit(const struct record_item *record) {
    const uint64_t numbers[] = {record->number,         record->job,         record->turn,
                                record->line,           record->batch,       record->attempt,
                                record->status,         record->duration_ms, record->first_byte_ms,
                                record->first_token_ms, record->revision,    record->retry_after_ms,
                                record->batch_lines};
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (numbers[i] > INT64_MAX)
            return false;
    return true;
}

static const char *read_attempt(const struct record_item *record, bool has_facts,
                                struct apply_told *told) {
    if (id_is_none(record->call))
        return "no_call_id";
    if (!call_state_parse(record->ended, &told->state) || told->state == CALL_unextracted)
        return "unknown_end";
    if (told->state == CALL_answered && record->status == 0)
        return "answer_without_status";
    // A refused answer may still bring what its headers say.
    if (told->state == CALL_answered && (!has_facts || record->unextracted.size > 0))
        told->state = CALL_unextracted;
    if ((record->is_answer || record->is_superfluous) && told->state != CALL_answered &&
        told->state != CALL_unextracted)
        return "answer_without_answer";
    if (record->is_answer && record->is_superfluous)
        return "answer_and_superfluous";
    return NULL;
}

static const char *read_job(const struct record_item *record, bool has_facts,
                            struct apply_told *told) {
    if (!outcome_parse(record->outcome, &told->outcome))
        return "unknown_outcome";
    if (id_is_none(record->job_id) || id_is_none(record->conversation_id))
        return "no_job_id";
    if (record->turn == 0)
        return "no_turn";
    if (!told->has_attempt && told->outcome == OUTCOME_none)
        return "says_nothing";
    if (told->outcome != OUTCOME_none && told->revision == 0)
        return "no_revision";
    return told->has_attempt ? read_attempt(record, has_facts, told) : NULL;
}

static const char *read(const struct record_item *record, bool has_facts, struct apply_told *told) {
    if (!numbers_fit(record))
        return "number_too_large";
    if (id_is_none(record->batch_id))
        return "no_batch_id";
    if (bytes_is(record->type, "job"))
        return read_job(record, has_facts, told);
    if (bytes_is(record->type, "refused")) {
        told->type = RECORD_refused;
        return record->line == 0 ? "no_line" : NULL;
    }
    told->type = RECORD_batch;
    return bytes_is(record->type, "batch") ? NULL : "unknown_type";
}

enum err apply_read(const struct record_item *record, bool has_facts, bool has_message,
                    struct apply_told *told, const char **why) {
    *told = (struct apply_told){
        .type = RECORD_job,
        .has_attempt = record->attempt != 0,
        .digest = record->digest,
        .is_turn = record->conversation.size != 0,
        .has_message = has_message,
        .is_answer = record->is_answer,
        .is_superfluous = record->is_superfluous,
        .revision = record->revision,
    };
    *why = read(record, has_facts, told);
    told->may_have_cost = record->is_possibly_billed || told->state == CALL_unextracted ||
                          (told->state == CALL_failed && record->bytes_left) ||
                          (told->state == CALL_answered && record->status < 300);
    return *why ? ERR_MALFORMED : ERR_OK;
}

static bool is_reported(struct digest digest) {
    return !digest_equal(digest, (struct digest){{0}});
}

static void decide_call(const struct apply_told *told, const struct apply_held *held,
                        struct apply_plan *plan) {
    if (!held->has_call) {
        plan->call = APPLY_insert;
        return;
    }
    if (held->is_other_jobs) {
        plan->conflict = "another_job";
        return;
    }
    if (told->state == CALL_unknown)
        return;
    if (held->call_state == CALL_unknown) {
        plan->call = APPLY_replace;
        return;
    }
    if (digest_equal(told->digest, held->call_digest))
        return;
    if (!is_reported(held->call_digest)) {
        plan->conflict = "end_of_lost_lease";
        plan->call = APPLY_replace;
        return;
    }
    plan->conflict = "another_end";
    plan->flags_cost = told->may_have_cost && !held->has_cost;
}

// A single call's answer may be one that nobody could read: its result is the raw body. A turn
// needs a message, or the next turn would have nothing to follow on.
static bool can_answer(const struct apply_told *told) {
    if (!told->is_turn)
        return true;
    return told->state == CALL_answered && told->has_message;
}

static void decide_role(const struct apply_told *told, const struct apply_held *held,
                        struct apply_plan *plan) {
    if (told->is_superfluous)
        plan->role = ROLE_superfluous;
    if (!told->is_answer || !can_answer(told))
        return;
    if (held->has_answer && !held->answer_is_call) {
        plan->role = ROLE_superfluous;
        plan->conflict = "second_answer";
        return;
    }
    plan->role = ROLE_answer;
    plan->takes_answer = true;
}

void apply_decide(const struct apply_told *told, const struct apply_held *held,
                  struct apply_plan *plan) {
    *plan = (struct apply_plan){.call = APPLY_nothing};
    if (told->has_attempt)
        decide_call(told, held, plan);
    if (plan->call != APPLY_nothing)
        decide_role(told, held, plan);
    plan->has_answer = held->has_answer || plan->takes_answer;
    if (told->outcome == OUTCOME_none)
        return;
    if (told->revision > held->revision)
        plan->takes_outcome = true;
    else if (told->revision == held->revision && told->outcome != held->outcome)
        plan->conflict = plan->conflict ? plan->conflict : "another_outcome";
}
