// batch list, show, results and cancel.
#include "common/mem.h"
#include "common/process.h"
#include "tools/commands.h"
#include "tools/render.h"
#include "tools/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

// The entry of the broker's list for that batch; NULL: it is not on its way.
static const json_t *live_of(const json_t *answer, const char *batch) {
    const json_t *list = member_of(member_of(answer, "live"), "batches");
    const json_t *entry;
    size_t i;
    json_array_foreach(list, i,
                       entry) if (strcmp(text_of(entry, "batch", ""), batch) == 0) return entry;
    return NULL;
}

static void add_batch(struct table *table, const json_t *answer, const json_t *batch) {
    char text[SUM_TEXT_SIZE], whole[SHORT_TEXT_SIZE];
    const char *id = text_of(batch, "batch", "");
    int64_t jobs = int_of(live_of(answer, id), "jobs", int_of(batch, "accepted", 0));
    table_row(table);
    table_cell(table, 0, "%s", id);
    table_cell(table, 1, "%s", text_of(batch, "name", ""));
    table_state(table, 2, text_of(batch, "state", ""));
    table_cell(table, 3, "%s", time_text(int_of(batch, "created_ms", 0), whole));
    table_cell(table, 4, "%s", count_text(int_of(batch, "done", 0), text));
    table_cell(table, 5, "%s of %s", count_text((int64_t)watch_finished(batch), text),
               count_text(jobs, whole));
    table_cell(table, 6, "%s", sum_text(batch, text));
}

int batch_list(struct call *call) {
    char created[SHORT_TEXT_SIZE + 16], zone[SHORT_TEXT_SIZE];
    struct table table;
    const json_t *batch;
    size_t i;
    json_t *arguments = arguments_of("after", call_text(call, "after"));
    arguments_add_int(arguments, "limit", (int64_t)call_count(call, "limit", 50));
    json_t *answer = call_show(call, "batch.list", arguments);
    if (!answer)
        return 0;
    (void)snprintf(created, sizeof(created), "CREATED (%s)", zone_text(zone));
    const struct table_column columns[] = {
        {"BATCH", COLUMN_id},    {"NAME", COLUMN_text},   {"STATE", COLUMN_whole},
        {created, COLUMN_whole}, {"DONE", COLUMN_number}, {"ENDED", COLUMN_number},
        {"COST", COLUMN_sum},    {NULL, COLUMN_whole},
    };
    table_begin(&table, columns);
    json_array_foreach(member_of(answer, "batches"), i, batch) add_batch(&table, answer, batch);
    table_end(&table);
    if (i == 0)
        call_say_empty(call,
                       "there is no batch; begin with a file of lines:", "batch run FILE.jsonl");
    call_say_more(call, text_of(answer, "next", NULL));
    json_decref(answer);
    return 0;
}

static void show_heads(const json_t *answer) {
    char text[TIME_TEXT_SIZE];
    const json_t *tags = member_of(answer, "tags");
    const char *name;
    const json_t *value;
    out_field(9, "batch", text_of(answer, "batch", "-"));
    out_field(9, "name", text_of(answer, "name", ""));
    out_field(9, "key", text_of(answer, "key", "-"));
    out_state(9, "state", text_of(answer, "state", "-"));
    out_field(9, "created", moment_text(int_of(answer, "created_ms", 0), text));
    if (int_of(answer, "settled_ms", 0) > 0)
        out_field(9, "settled", moment_text(int_of(answer, "settled_ms", 0), text));
    json_object_foreach((json_t *)tags, name, value)
        out_printf("tag       %s=%s\n", name, json_string_value(value));
}

// Adds up the entries of a list that say the same of a member, each once, in their order; the
// member "jobs" is the sum. The result is the caller's.
static json_t *merged_by(const json_t *list, const char *member, const char *other) {
    json_t *merged = json_array();
    const json_t *entry;
    json_t *same;
    size_t i, k;
    json_array_foreach(list, i, entry) {
        bool is_new = true;
        json_array_foreach(merged, k, same) {
            if (strcmp(text_of(same, member, ""), text_of(entry, member, "")) != 0 ||
                strcmp(text_of(same, other, ""), text_of(entry, other, "")) != 0)
                continue;
            int64_t jobs = int_of(same, "jobs", 0) + int_of(entry, "jobs", 0);
            arguments_add_int(same, "jobs", jobs);
            is_new = false;
        }
        if (is_new && json_array_append_new(merged, json_deep_copy(entry)) != 0)
            fail_memory();
    }
    return merged;
}

static void show_failures(const json_t *answer) {
    json_t *failures = merged_by(member_of(answer, "failures"), "outcome", "reason");
    const json_t *failure;
    size_t i;
    json_array_foreach(failures, i, failure) {
        char count[SHORT_TEXT_SIZE];
        out_printf("  %6s  %s: %s\n", count_text(int_of(failure, "jobs", 0), count),
                   text_of(failure, "outcome", ""), text_of(failure, "reason", ""));
    }
    json_decref(failures);
}

static void show_waits(const json_t *live) {
    json_t *waits = merged_by(member_of(live, "waits_for"), "text", "reason");
    const json_t *wait;
    size_t i;
    json_array_foreach(waits, i, wait) {
        char count[SHORT_TEXT_SIZE];
        char text[1200];
        int64_t jobs = int_of(wait, "jobs", 0);
        out_printf("waits     %s%s%s%s\n", wait_text(wait, text, sizeof(text)), jobs ? " (" : "",
                   jobs ? count_text(jobs, count) : "", jobs ? ")" : "");
    }
    json_decref(waits);
}

static void show_live(struct call *call, const json_t *live) {
    static const char *const states[] = {"waiting", "ready", "leased", "delayed", "ended"};
    char count[SHORT_TEXT_SIZE], text[256];
    if (!json_is_object(live))
        return;
    const json_t *counts = member_of(live, "counts");
    out_text("now      ");
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        out_printf("%s %s %s", i > 0 ? "," : "", count_text(int_of(counts, states[i], 0), count),
                   states[i]);
    out_printf("; %s under way\n", counted_text(int_of(live, "attempts_open", 0), "call", count));
    if (int_of(counts, "revived", 0) > 0)
        out_printf("retried   %s: how they ended before stands above until they end again\n",
                   count_text(int_of(counts, "revived", 0), count));
    if (int_of(counts, "kept", 0) > 0)
        out_printf("kept      %s dead or parked; colloq dead list --batch %s%s\n",
                   count_text(int_of(counts, "kept", 0), count), text_of(live, "batch", ""),
                   call_settings(call));
    (void)snprintf(text, sizeof(text),
                   "turns behind one without answer: %s; possibly billed: %s; %s",
                   text_of(live, "unanswered", "-"), text_of(live, "billed", "-"),
                   counted_text(int_of(live, "attempts_max", 0), "attempt", count));
    out_field(9, "policy", text);
    show_waits(live);
}

// What the ledger could not take in as it came: it needs a person.
static void show_alarms(struct call *call, const json_t *answer) {
    char text[SHORT_TEXT_SIZE], other[SHORT_TEXT_SIZE];
    int64_t quarantined = int_of(answer, "quarantined", 0);
    int64_t conflicts = int_of(answer, "conflicts", 0);
    if (quarantined > 0 || conflicts > 0)
        out_printf("alarm     %s in quarantine, %s; colloq check%s\n",
                   counted_text(quarantined, "record", text),
                   counted_text(conflicts, "conflict", other), call_settings(call));
}

static void say_silent(const json_t *answer) {
    const json_t *source;
    size_t i;
    json_array_foreach(member_of(answer, "silent"), i, source)
        out_printf("The %s did not answer: its part is missing.\n", json_string_value(source));
}

static const char *id_of(const json_t *shown) {
    return text_of(shown, "batch", text_of(member_of(shown, "live"), "batch", NULL));
}

void batch_id_named(struct call *call, const char *name, bool is_changed, char id[UUID_TEXT_SIZE]) {
    struct id whole;
    (void)snprintf(id, UUID_TEXT_SIZE, "%s", name);
    if (strlen(name) == UUID_TEXT_SIZE - 1 && id_parse(bytes_text(name), &whole))
        return;
    json_t *arguments = arguments_of("batch", name);
    if (is_changed && json_object_set_new(arguments, "only", json_true()) != 0)
        fail_memory();
    json_t *shown = call_ask(call, "batch.show", arguments);
    const char *found = id_of(shown);
    if (!found)
        fail(EX_NOINPUT, "%s: there is no such batch; colloq batch list%s names them", name,
             call_settings(call));
    (void)snprintf(id, UUID_TEXT_SIZE, "%s", found);
    if (int_of(shown, "namesakes", 0) > 0)
        (void)fprintf(stderr,
                      "colloq: several batches are called so: this is %s, the newest; colloq batch "
                      "list%s names the others\n",
                      id, call_settings(call));
    json_decref(shown);
}

void batch_id_of(struct call *call, char id[UUID_TEXT_SIZE]) {
    batch_id_named(call, call->operands[0], false, id);
}

static void show_refused(const json_t *line) {
    const char *custom_id = text_of(line, "custom_id", "");
    struct buf text;
    buf_init(&text, 64 << 10);
    buf_printf(&text, "line %lld: %s: %s", (long long)int_of(line, "line", 0),
               text_of(line, "reason", ""), text_of(line, "detail", ""));
    if (*custom_id)
        buf_printf(&text, " (custom_id %s)", custom_id);
    text_clean((char *)buf_cstr(&text), false);
    out_printf("%s\n", buf_cstr(&text));
    buf_release(&text);
}

// A page of refused lines, as lines for people or as JSON lines.
static void print_refused(struct call *call, const json_t *answer) {
    const json_t *line;
    size_t i;
    json_array_foreach(member_of(answer, "refused"), i, line) {
        if (call_has(call, "json"))
            out_json_of(call_schema(call, 1), line);
        else
            show_refused(line);
    }
}

static int list_refused(struct call *call) {
    char batch[UUID_TEXT_SIZE];
    char *cursor = NULL;
    bool has_more = true;
    batch_id_of(call, batch);
    while (has_more) {
        json_t *arguments = arguments_of("batch", batch);
        arguments_add(arguments, "after", cursor);
        json_t *answer = call_ask(call, "batch.refused", arguments);
        const char *next = text_of(answer, "next", NULL);
        print_refused(call, answer);
        mem_free(cursor);
        cursor = next ? mem_copy(next, strlen(next)) : NULL;
        has_more = cursor != NULL;
        json_decref(answer);
        if (process_is_stopped(call->stop_fd))
            exit(EXIT_STOPPED);
    }
    return 0;
}

int batch_show(struct call *call) {
    char text[512];
    char batch[UUID_TEXT_SIZE];
    if (call_has(call, "refused"))
        return list_refused(call);
    batch_id_of(call, batch);
    json_t *answer = call_show(call, "batch.show", arguments_of("batch", batch));
    if (!answer)
        return 0;
    const json_t *live = member_of(answer, "live");
    show_heads(member_of(answer, "batch") ? answer : live);
    out_printf("%s\n", watch_last_line(answer, text, sizeof(text)));
    show_failures(answer);
    show_alarms(call, answer);
    show_live(call, live);
    say_silent(answer);
    json_decref(answer);
    return 0;
}

int batch_results(struct call *call) {
    char detail[DETAIL_BYTES_MAX + 1];
    struct buf text;
    char *cursor = NULL;
    bool has_more = true;
    char batch[UUID_TEXT_SIZE];
    struct sink sink;
    batch_id_of(call, batch);
    sink_open(&sink, NULL, NULL);
    buf_init(&text, FRAME_BYTES_MAX);
    while (has_more) {
        json_t *arguments = arguments_of("batch", batch);
        arguments_add(arguments, "after", cursor);
        arguments_add(arguments, "order", call_text(call, "order"));
        int code = client_answer(call_client(call), "batch.results", arguments, &text, detail,
                                 sizeof(detail));
        if (code != 0)
            fail(code, "%s", detail);
        mem_free(cursor);
        if (!results_print(buf_bytes(&text), &sink, &cursor, &has_more))
            fail(EX_PROTOCOL,
                 "the results of %s cannot be read; is it the same version of colloq "
                 "that runs there?",
                 call->operands[0]);
        if (process_is_stopped(call->stop_fd))
            exit(EXIT_STOPPED);
    }
    mem_free(cursor);
    buf_release(&text);
    return 0;
}

static bool is_settled(const json_t *shown) {
    return strcmp(text_of(shown, "state", ""), "settled") == 0 ||
           strcmp(text_of(member_of(shown, "live"), "state", ""), "settled") == 0;
}

static void say_settled(const struct call *call, const char *batch) {
    json_t *answer = arguments_of("batch", batch);
    arguments_add(answer, "state", "settled");
    if (json_object_set_new(answer, "is_cancelled", json_false()) != 0)
        fail_memory();
    call_show_json(call, answer);
    json_decref(answer);
}

static void say_cancelled(const char *batch, int64_t open) {
    char count[SHORT_TEXT_SIZE];
    if (open == 0)
        out_printf("%s: cancelled; no call was under way.\n", batch);
    else
        out_printf("%s: cancelled; %s under way %s called off, and recorded as %s.\n", batch,
                   counted_text(open, "call", count), open == 1 ? "is" : "are",
                   open == 1 ? "it ends" : "they end");
}

int batch_cancel(struct call *call) {
    char batch[UUID_TEXT_SIZE];
    batch_id_named(call, call->operands[0], true, batch);
    json_t *shown = call_ask(call, "batch.show", arguments_of("batch", batch));
    if (is_settled(shown)) {
        json_decref(shown);
        if (call_has(call, "json"))
            say_settled(call, batch);
        else
            (void)fprintf(stderr, "colloq: %s is settled already: nothing was cancelled\n", batch);
        return EXIT_SOME_FAILED;
    }
    json_t *answer = call_show(call, "batch.cancel", arguments_of("batch", batch));
    if (answer)
        say_cancelled(batch, int_of(answer, "attempts_open", 0));
    json_decref(answer);
    json_decref(shown);
    return 0;
}
