// job show and cancel, and dead list, show, retry and drop: single jobs, and those without an
// answer.
#include "common/mem.h"
#include "common/process.h"
#include "tools/commands.h"
#include "tools/local.h"
#include "tools/render.h"
#include "tools/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

// ---- showing one --------------------------------------------------------------------------------

static void show_attempts(const json_t *answer) {
    static const struct table_column columns[] = {
        {"ATTEMPT", COLUMN_number}, {"CALL", COLUMN_id},        {"STATE", COLUMN_whole},
        {"ROLE", COLUMN_whole},     {"STATUS", COLUMN_number},  {"REASON", COLUMN_text},
        {"COST", COLUMN_number},    {"AT MOST", COLUMN_number}, {NULL, COLUMN_whole},
    };
    struct table table;
    const json_t *attempt;
    size_t i;
    table_begin(&table, columns);
    json_array_foreach(member_of(answer, "attempts"), i, attempt) {
        char text[SHORT_TEXT_SIZE];
        const char *role = text_of(attempt, "role", "");
        table_row(&table);
        table_cell(&table, 0, "%lld", (long long)int_of(attempt, "attempt", 0));
        table_cell(&table, 1, "%s", text_of(attempt, "call", ""));
        table_state(&table, 2, text_of(attempt, "state", ""));
        table_cell(&table, 3, "%s", strcmp(role, "none") == 0 ? "" : role);
        if (int_of(attempt, "status", 0) > 0)
            table_cell(&table, 4, "%lld", (long long)int_of(attempt, "status", 0));
        table_cell(&table, 5, "%s", text_of(attempt, "reason", ""));
        table_cell(&table, 6, "%s", amount_text(member_of(attempt, "amount_pusd"), text));
        if (flag_of(attempt, "possibly_billed"))
            table_cell(&table, 7, "%s",
                       json_is_integer(member_of(attempt, "possibly_billed_pusd"))
                           ? amount_text(member_of(attempt, "possibly_billed_pusd"), text)
                           : "?");
    }
    table_end(&table);
    json_array_foreach(member_of(answer, "attempts"), i,
                       attempt) if (*text_of(attempt, "detail", ""))
        out_printf("attempt %lld: %s\n", (long long)int_of(attempt, "attempt", 0),
                   text_of(attempt, "detail", ""));
}

// What the ledger could not take in as it came: it needs a person.
static void show_alarms(const json_t *answer) {
    const json_t *row;
    size_t i;
    json_array_foreach(member_of(answer, "quarantined"), i, row) out_printf(
        "%-13s record %lld, call %s: %s\n", "quarantine", (long long)int_of(row, "record", 0),
        text_of(row, "call", "-"), text_of(row, "why", ""));
    json_array_foreach(member_of(answer, "conflicts"), i, row) out_printf(
        "%-13s record %lld, call %s: %s\n", "conflict", (long long)int_of(row, "record", 0),
        text_of(row, "call", "-"), text_of(row, "what", ""));
}

// Adds an attempt to a sum whose amounts are kept beside it.
static void add_attempt(struct sum *sum, int64_t *amount, int64_t *bound, bool *is_priced,
                        const json_t *attempt) {
    const json_t *cost = member_of(attempt, "amount_pusd");
    const json_t *most = member_of(attempt, "possibly_billed_pusd");
    sum->calls++;
    sum->unpriced += strcmp(text_of(attempt, "cost_state", ""), "unpriced") == 0 &&
                     !flag_of(attempt, "possibly_billed");
    *is_priced = *is_priced || json_is_integer(cost);
    (void)money_add(amount, json_is_integer(cost) ? json_integer_value(cost) : 0);
    if (!flag_of(attempt, "possibly_billed"))
        return;
    sum->unknown++;
    sum->unbounded += !json_is_integer(most);
    (void)money_add(bound, json_is_integer(most) ? json_integer_value(most) : 0);
}

// What the job cost, with all its attempts, and what is missing from that.
static void show_sum(const json_t *answer) {
    struct sum sum = {.calls = 0};
    int64_t amount = 0, bound = 0;
    bool is_priced = false;
    const json_t *attempt;
    size_t i;
    struct buf line;
    json_array_foreach(member_of(answer, "attempts"), i, attempt)
        add_attempt(&sum, &amount, &bound, &is_priced, attempt);
    if (sum.calls == 0)
        return;
    json_t *whole = json_integer(amount), *most = json_integer(bound);
    sum.amount = is_priced ? whole : NULL;
    sum.bound = most;
    buf_init(&line, 1024);
    buf_printf(&line, "%lld %s; ", (long long)sum.calls, sum.calls == 1 ? "call" : "calls");
    sum_put(&line, &sum);
    out_field(13, "cost", buf_cstr(&line));
    buf_release(&line);
    json_decref(whole);
    json_decref(most);
}

static void show_state(const json_t *live) {
    const char *state = text_of(live, "state", "?");
    const json_t *wait = member_of(live, "waits_for");
    char text[1200] = "", count[SHORT_TEXT_SIZE];
    const char *why = json_is_object(wait) ? wait_text(wait, text, sizeof(text)) : "";
    const char *reason = text_of(live, "reason", why);
    if (strcmp(state, "dead") == 0 || strcmp(state, "parked") == 0)
        out_printf("%-13s %s: %s; kept until it is retried or dropped\n", "on its way", state,
                   reason);
    else
        out_printf("%-13s %s, %s; waits%s%s\n", "on its way", state,
                   counted_text(int_of(live, "attempts", 0), "attempt", count),
                   *why ? ": " : " for nothing", why);
}

static void show_job(const json_t *answer) {
    static const char *const members[] = {"job", "batch", "custom_id", "conversation", "provider",
                                          "api", "model", "key",       "outcome",      "reason"};
    const json_t *live = member_of(answer, "live");
    const json_t *from = member_of(answer, "job") ? answer : live;
    char text[TIME_TEXT_SIZE];
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (strcmp(members[i], "outcome") == 0)
            out_state(13, members[i], text_of(from, members[i], ""));
        else
            out_field(13, members[i], text_of(from, members[i], ""));
    if (int_of(from, "recorded_ms", 0) > 0)
        out_field(13, "recorded", moment_text(int_of(from, "recorded_ms", 0), text));
    out_printf("%-13s %lld, turn %lld\n", "line", (long long)int_of(from, "line", 0),
               (long long)int_of(from, "turn", 0));
    if (json_is_object(live))
        show_state(live);
    show_attempts(answer);
    show_alarms(answer);
    show_sum(answer);
}

// Which jobs an identifier means: those whose custom_id it is, else those whose calls have it. The
// result is an array of matches of find, one a job, and the caller's.
static json_t *jobs_by(struct call *call, const char *value) {
    json_t *answer = call_ask(call, "find", arguments_of("value", value));
    json_t *found = json_array();
    const json_t *match, *other;
    size_t i, k;
    for (int turn = 0; turn < 2 && json_array_size(found) == 0; turn++) {
        json_array_foreach(member_of(answer, "matches"), i, match) {
            bool is_own = strcmp(text_of(match, "kind", ""), "custom_id") == 0;
            bool is_new = *text_of(match, "job", "") && (is_own || turn == 1);
            json_array_foreach(found, k, other) is_new =
                is_new && strcmp(text_of(other, "job", ""), text_of(match, "job", "")) != 0;
            if (is_new && json_array_append(found, (json_t *)match) != 0)
                fail_memory();
        }
    }
    json_decref(answer);
    return found;
}

static _Noreturn void refuse_jobs(const struct call *call, const json_t *found) {
    const json_t *match;
    size_t i;
    struct buf text;
    buf_init(&text, 64 << 10);
    json_array_foreach(found, i, match) if (i < 20) {
        const char *batch = text_of(match, "batch", ""), *name = text_of(match, "batch_name", "");
        buf_printf(&text, "\n  %s  of batch %s%s%s%s", text_of(match, "job", ""), batch,
                   *name ? " (" : "", name, *name ? ")" : "");
    }
    if (json_array_size(found) > 20)
        buf_text(&text, "\n  …");
    fail(EX_DATAERR, "%s means more than one job; give the id of one of them:%s", call->operands[0],
         buf_cstr(&text));
}

// The id of the job that the operand names: it is one, or find knows a single job by it.
static const char *job_of(struct call *call) {
    static char id[UUID_TEXT_SIZE];
    const char *operand = call->operands[0];
    struct id whole;
    if (strlen(operand) == UUID_TEXT_SIZE - 1 && id_parse(bytes_text(operand), &whole))
        return operand;
    json_t *found = jobs_by(call, operand);
    if (json_array_size(found) == 0)
        fail(EX_NOINPUT,
             "%s: no job is known by it; it is a job's id, or the custom_id of a line that has an "
             "outcome; colloq batch results and colloq dead list name them",
             operand);
    if (json_array_size(found) > 1)
        refuse_jobs(call, found);
    (void)snprintf(id, sizeof(id), "%s", text_of(json_array_get(found, 0), "job", ""));
    json_decref(found);
    return id;
}

int job_show(struct call *call) {
    json_t *answer = call_show(call, "job.show", arguments_of("job", job_of(call)));
    if (answer)
        show_job(answer);
    json_decref(answer);
    return 0;
}

int job_cancel(struct call *call) {
    json_t *answer = call_show(call, "job.cancel", arguments_of("job", call->operands[0]));
    if (answer)
        out_printf("%s: %s\n", text_of(answer, "job", ""),
                   strcmp(text_of(answer, "state", ""), "aborting") == 0
                       ? "its call is called off, and recorded as it ends"
                       : "cancelled");
    json_decref(answer);
    return 0;
}

// ---- those without an answer --------------------------------------------------------------------

static void add_batch(struct call *call, bool is_change, json_t *arguments) {
    char id[UUID_TEXT_SIZE];
    const char *batch = call_text(call, "batch");
    if (batch)
        batch_id_named(call, batch, is_change, id);
    arguments_add(arguments, "batch", batch ? id : NULL);
    arguments_add(arguments, "reason", call_text(call, "reason"));
}

int dead_list(struct call *call) {
    static const struct table_column columns[] = {
        {"JOB", COLUMN_id},      {"LINE", COLUMN_number}, {"TURN", COLUMN_number},
        {"STATE", COLUMN_whole}, {"REASON", COLUMN_text}, {"ATTEMPTS", COLUMN_number},
        {"WHAT", COLUMN_id},     {NULL, COLUMN_whole},
    };
    struct table table;
    const json_t *entry;
    size_t i;
    json_t *arguments = arguments_of("after", call_text(call, "after"));
    add_batch(call, false, arguments);
    arguments_add_int(arguments, "limit", (int64_t)call_count(call, "limit", 100));
    json_t *answer = call_show(call, "dead.list", arguments);
    if (!answer)
        return 0;
    if (json_array_size(member_of(answer, "dead")) == 0)
        call_say_empty(call, "no job is dead or parked here; how the batches stand:", "batch list");
    table_begin(&table, columns);
    json_array_foreach(member_of(answer, "dead"), i, entry) {
        const char *custom_id = text_of(entry, "custom_id", "");
        table_row(&table);
        table_cell(&table, 0, "%s", text_of(entry, "job", ""));
        char text[SHORT_TEXT_SIZE];
        table_cell(&table, 1, "%s", count_text(int_of(entry, "line", 0), text));
        table_cell(&table, 2, "%s", count_text(int_of(entry, "turn", 0), text));
        table_state(&table, 3, text_of(entry, "state", ""));
        table_cell(&table, 4, "%s", text_of(entry, "reason", ""));
        table_cell(&table, 5, "%lld", (long long)int_of(entry, "attempts", 0));
        table_cell(&table, 6, "%s", *custom_id ? custom_id : text_of(entry, "conversation", ""));
    }
    table_end(&table);
    call_say_more(call, text_of(answer, "next", NULL));
    json_decref(answer);
    return 0;
}

int dead_show(struct call *call) {
    const char *job = job_of(call);
    json_t *answer = call_show(call, "dead.show", arguments_of("job", job));
    if (!answer)
        return 0;
    const json_t *live = member_of(answer, "live");
    if (!json_is_object(live))
        fail(EX_NOINPUT, "%s is neither dead nor parked; colloq job show %s%s says how it stands",
             job, job, call_settings(call));
    show_job(answer);
    if (int_of(live, "behind", 0) > 0)
        out_printf("%-13s %lld, which follow when it is answered\n", "parked behind",
                   (long long)int_of(live, "behind", 0));
    if (*text_of(live, "refused", ""))
        out_printf("%-13s not now: %s\n", "retry", text_of(live, "refused_text", ""));
    else
        out_printf("%-13s colloq dead retry %s%s\n", "retry", job, call_settings(call));
    out_printf("%-13s colloq dead drop %s%s\n", "drop", job, call_settings(call));
    json_decref(answer);
    return 0;
}

// What a decision about many came to, over all pages.
struct decided {
    int64_t taken, behind, refused;
    json_t *refusals;
};

// Microseconds between two retries; 0: all at once.
static int64_t interval_us(const struct call *call) {
    const char *text = call_text(call, "rate");
    char *end = NULL;
    if (!text)
        return 0;
    double rate = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "/s") != 0) || !(rate >= 0.001) || rate > 1e6)
        fail(EX_USAGE, "--rate %s: a rate is written N/s, from 0.001 to 1000000", text);
    return (int64_t)(1e6 / rate);
}

static json_t *decision_of(struct call *call, const struct decided *decided, const char *after) {
    json_t *arguments = arguments_of("after", after);
    const char *job = call->operand_count > 0 ? call->operands[0] : NULL;
    if (job && (call_has(call, "batch") || call_has(call, "reason")))
        fail(EX_USAGE, "dead %s: give a job, or --batch and --reason, not both",
             call->command->verb);
    if (!job && !call_has(call, "batch") && !call_has(call, "reason"))
        fail(EX_USAGE, "dead %s: which jobs? Give a job, --batch or --reason", call->command->verb);
    arguments_add(arguments, "job", job ? job_of(call) : NULL);
    add_batch(call, true, arguments);
    arguments_add_int(arguments, "before", decided->taken);
    if (call_has(call, "dry-run") && json_object_set_new(arguments, "dry_run", json_true()) != 0)
        fail_memory();
    return arguments;
}

static void add_page(struct decided *decided, const json_t *answer) {
    const json_t *refusal;
    size_t i;
    decided->taken += int_of(answer, "taken", 0);
    decided->behind += int_of(answer, "behind", 0);
    decided->refused += int_of(answer, "refused_count", 0);
    json_array_foreach(member_of(answer, "refused"), i,
                       refusal) if (json_array_size(decided->refusals) < 20 &&
                                    json_array_append(decided->refusals, (json_t *)refusal) != 0)
        fail_memory();
}

// Page by page, until all are decided about.
static void decide_all(struct call *call, const char *what, struct decided *decided) {
    char *cursor = NULL;
    *decided = (struct decided){.refusals = json_array()};
    do {
        json_t *arguments = decision_of(call, decided, cursor);
        if (strcmp(what, "dead.retry") == 0)
            arguments_add_int(arguments, "interval_us", interval_us(call));
        json_t *answer = call_ask(call, what, arguments);
        const char *next = text_of(answer, "next", NULL);
        add_page(decided, answer);
        mem_free(cursor);
        cursor = next ? mem_copy(next, strlen(next)) : NULL;
        json_decref(answer);
        if (process_is_stopped(call->stop_fd))
            exit(EXIT_STOPPED);
    } while (cursor);
}

static void say_refusals(const struct decided *decided) {
    const json_t *refusal;
    size_t i;
    json_array_foreach(decided->refusals, i, refusal) {
        char line[1024];
        (void)snprintf(line, sizeof(line), "%s: %s", text_of(refusal, "job", ""),
                       text_of(refusal, "text", ""));
        text_clean(line, false);
        (void)fprintf(stderr, "colloq: %s\n", line);
    }
    if (decided->refused > (int64_t)json_array_size(decided->refusals))
        (void)fprintf(stderr, "colloq: … and %lld more\n",
                      (long long)(decided->refused - (int64_t)json_array_size(decided->refusals)));
}

// words: "tried again", "dropped"; along: what becomes of the turns parked behind.
static int decide_and_say(struct call *call, const char *what, const char *words,
                          const char *along) {
    struct decided decided;
    char count[SHORT_TEXT_SIZE];
    bool is_dry = call_has(call, "dry-run");
    decide_all(call, what, &decided);
    if (call_has(call, "json")) {
        json_t *whole = json_pack("{s:I,s:I,s:O,s:I,s:b}", "taken", (json_int_t)decided.taken,
                                  "behind", (json_int_t)decided.behind, "refused", decided.refusals,
                                  "refused_count", (json_int_t)decided.refused, "dry_run", is_dry);
        call_show_json(call, whole);
        json_decref(whole);
    } else {
        out_printf("%s %s %s %s", count_text(decided.taken, count),
                   decided.taken == 1 ? "job" : "jobs",
                   is_dry               ? "would be"
                   : decided.taken == 1 ? "is"
                                        : "are",
                   words);
        if (decided.behind > 0)
            out_printf("; %s parked behind %s %s", count_text(decided.behind, count),
                       decided.taken == 1 ? "it" : "them", along);
        out_text("\n");
        say_refusals(&decided);
    }
    if (decided.taken > 0 && !is_dry && strcmp(what, "dead.retry") == 0 && local_is_asking())
        (void)fprintf(stderr, "No worker runs here: what is tried again waits until one does.\n");
    json_decref(decided.refusals);
    if (decided.taken > 0)
        return 0;
    return call->operand_count > 0 ? EX_DATAERR : EXIT_SOME_FAILED;
}

int dead_retry(struct call *call) {
    return decide_and_say(call, "dead.retry", "tried again", "follow when answers are there");
}

int dead_drop(struct call *call) {
    return decide_and_say(call, "dead.drop", "dropped", "go too");
}
