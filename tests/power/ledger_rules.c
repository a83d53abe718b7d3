// What must follow from a record, worked out a second time: from the rules that
// workers/accountant/apply.h and ledger.h state, not from their code.
#include "tests/power/ledger_world.h"

// A row's image is what it says, so that the rules can read it.
uint64_t ledger_call_image(uint64_t state, uint64_t role, uint64_t end, uint64_t record) {
    return state | role << 4 | end << 8 | record << 16;
}

uint64_t ledger_job_image(uint64_t outcome, uint64_t revision, uint64_t answer) {
    return outcome | revision << 8 | answer << 16;
}

uint64_t ledger_end(struct digest digest) {
    return (uint8_t)(digest.at[8] ^ digest.at[9]);
}

uint64_t ledger_image_at(const struct story *story, uint32_t kind, struct id key) {
    const struct row *row = rows_find(&story->next, kind, key);
    return row ? row->image : 0;
}

// What is in quarantine is kept already.
static void expect_conflict(struct story *story, uint64_t record) {
    if (!rows_find(&story->next, ROW_quarantine, row_key(record)))
        rows_put(&story->next, ROW_conflict, row_key(record), 1);
}

// Returns the job's answer afterwards: the counter of its call, 0 where it has none.
static uint64_t expect_call(struct story *story, const struct record_item *item, uint64_t answer) {
    const struct row *row = rows_find(&story->next, ROW_call, item->call);
    enum call_state state = CALL_answered;
    uint64_t call = call_id_counter(item->call);
    (void)call_state_parse(item->ended, &state);
    if (row && state == CALL_unknown)
        return answer;
    if (row && (row->image & 15) != CALL_unknown) {
        if ((row->image >> 8 & 255) != ledger_end(item->digest))
            expect_conflict(story, item->number);
        return answer;
    }
    enum call_role role = ROLE_none;
    if (item->is_answer && answer != 0 && answer != call) {
        role = ROLE_superfluous;
        expect_conflict(story, item->number);
    } else if (item->is_answer) {
        role = ROLE_answer;
        answer = call;
    }
    rows_put(&story->next, ROW_call, item->call,
             ledger_call_image(state, role, ledger_end(item->digest), item->number));
    return answer;
}

static void expect_job(struct story *story, const struct record_item *item,
                       const struct recorded_item *told) {
    uint64_t held = ledger_image_at(story, ROW_job, item->job_id);
    uint64_t outcome = held & 255, revision = held >> 8 & 255, answer = held >> 16;
    enum outcome says = OUTCOME_none;
    (void)outcome_parse(item->outcome, &says);
    if (item->attempt != 0)
        answer = expect_call(story, item, answer);
    if (says != OUTCOME_none && item->revision > revision) {
        outcome = says;
        revision = item->revision;
    } else if (says != OUTCOME_none && item->revision == revision && says != outcome) {
        expect_conflict(story, item->number);
    }
    rows_put(&story->next, ROW_job, item->job_id, ledger_job_image(outcome, revision, answer));
    if (told && told->has_answer != (answer != 0))
        story_broken(story, "the broker is told wrongly whether job %llu has an answer",
                     (unsigned long long)item->job);
}

// A call whose record is in quarantine has its row all the same, and has answered nothing.
static void expect_quarantined(struct story *story, const struct record_item *item) {
    struct record_item bare = *item;
    rows_put(&story->next, ROW_quarantine, row_key(item->number), 1);
    bare.ended = bytes_text("failed");
    bare.outcome = bytes_text("");
    bare.is_answer = false;
    expect_job(story, &bare, NULL);
}

static void expect_batch(struct story *story, const struct record_item *item) {
    uint64_t held = ledger_image_at(story, ROW_batch, item->batch_id);
    uint64_t revision = held & 255, record = held >> 8;
    if (item->revision > revision || (item->revision == revision && item->number >= record))
        rows_put(&story->next, ROW_batch, item->batch_id, item->revision | item->number << 8);
}

void ledger_expect(struct story *story, const struct spec *spec, const struct telling *telling,
                   const struct recorded_item *told) {
    const struct record_item *item = &telling->item;
    uint64_t state = ledger_image_at(story, ROW_state, row_key(0));
    uint64_t applied = state & 0xffffffff, records = (state >> 32) + 1;
    if (told->number != spec->number)
        story_broken(story, "another record is confirmed than was told");
    if (spec->number > applied)
        applied = spec->number;
    rows_put(&story->next, ROW_state, row_key(0), applied | records << 32);
    if (!rows_find(&story->next, ROW_batch, item->batch_id))
        rows_put(&story->next, ROW_batch, item->batch_id, 0);
    if (spec->kind == TELL_nonsense)
        expect_quarantined(story, item);
    else if (spec->kind == TELL_refused)
        rows_put(&story->next, ROW_refused, row_key(spec->n), 1);
    else if (spec->kind == TELL_batch)
        expect_batch(story, item);
    else
        expect_job(story, item, told);
}
