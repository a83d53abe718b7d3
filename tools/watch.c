#include "tools/watch.h"

#include "common/json.h"
#include "common/mem.h"
#include "tools/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void note_sample(struct watch *watch, uint64_t now_ms) {
    unsigned last = watch->sample_count;
    if (last > 0 && now_ms - watch->samples[last - 1].at_ms < WATCH_SAMPLE_MS)
        return;
    if (last == WATCH_SAMPLES) {
        memmove(&watch->samples[0], &watch->samples[1],
                (WATCH_SAMPLES - 1) * sizeof(watch->samples[0]));
        last--;
    }
    watch->samples[last].at_ms = now_ms;
    watch->samples[last].finished = watch->finished;
    watch->sample_count = last + 1;
}

void watch_start(struct watch *watch, struct client *client, const char *batch, struct sink *sink,
                 uint64_t now_ms) {
    *watch = (struct watch){
        .client = client,
        .sink = sink,
        .heard_ms = now_ms,
        .moved_ms = now_ms,
        .has_more = true,
        .pause_ms = WATCH_PAUSE_FIRST_MS,
    };
    (void)snprintf(watch->batch, sizeof(watch->batch), "%s", batch);
    note_sample(watch, now_ms);
}

void watch_end(struct watch *watch) {
    json_decref(watch->shown);
    mem_free(watch->cursor);
    watch->shown = NULL;
    watch->cursor = NULL;
}

// ---- results ------------------------------------------------------------------------------------

// The page is {"lines": [, then a result a line with a comma behind all but the last, then a
// line with the array's end and the cursors.
static bool find_lines(struct bytes answer, struct bytes *lines, struct bytes *tail) {
    while (answer.size > 0 && answer.at[answer.size - 1] == '\n')
        answer.size--;
    const uint8_t *first = answer.size ? memchr(answer.at, '\n', answer.size) : NULL;
    const uint8_t *last = answer.size ? memrchr(answer.at, '\n', answer.size) : NULL;
    if (!first || answer.at[0] != '{')
        return false;
    *lines = bytes_of(first + 1, last > first ? (size_t)(last - first) : 0);
    *tail = bytes_of(last + 1, (size_t)(answer.at + answer.size - last - 1));
    return true;
}

static json_t *read_tail(struct bytes tail) {
    json_t *document = NULL;
    struct buf text;
    buf_init(&text, 64 << 10);
    buf_text(&text, "{\"lines\":[");
    buf_put(&text, tail.at, tail.size);
    if (json_parse(buf_bytes(&text), &document, NULL, 0) != ERR_OK)
        document = NULL;
    buf_release(&text);
    return document;
}

static void print_lines(struct bytes lines, struct sink *sink) {
    while (lines.size > 0) {
        const uint8_t *end = memchr(lines.at, '\n', lines.size);
        size_t size = end ? (size_t)(end - lines.at) : lines.size;
        size_t used = end ? size + 1 : size;
        while (size > 0 && (lines.at[size - 1] == ',' || lines.at[size - 1] == ' '))
            size--;
        if (size > 0)
            sink_result(sink, bytes_of(lines.at, size));
        lines = bytes_of(lines.at + used, lines.size - used);
    }
}

// A page that was not laid out in lines.
static json_t *print_document(struct bytes answer, struct sink *sink) {
    json_t *document = NULL;
    size_t i;
    const json_t *result;
    if (json_parse(answer, &document, NULL, 0) != ERR_OK)
        return NULL;
    json_array_foreach(json_object_get(document, "lines"), i, result) {
        char *line = json_dumps(result, JSON_COMPACT);
        if (line)
            sink_result(sink, bytes_text(line));
        mem_free(line);
    }
    return document;
}

bool results_print(struct bytes answer, struct sink *sink, char **new_cursor, bool *has_more) {
    struct bytes lines, tail;
    *new_cursor = NULL;
    json_t *document = find_lines(answer, &lines, &tail) ? read_tail(tail) : NULL;
    if (document)
        print_lines(lines, sink);
    else
        document = print_document(answer, sink);
    if (!document)
        return false;
    sink_flush(sink);
    const char *next = text_of(document, "next", NULL);
    const char *last = text_of(document, "last", NULL);
    const char *cursor = next ? next : last;
    *has_more = next != NULL;
    if (cursor)
        *new_cursor = mem_copy(cursor, strlen(cursor));
    json_decref(document);
    return true;
}

// ---- asking -------------------------------------------------------------------------------------

static bool is_due(const struct watch *watch, const struct watch_question *question,
                   uint64_t pause_ms, uint64_t now_ms) {
    if (question->number != 0)
        return question->boot != watch->client->boot ||
               now_ms - question->asked_ms >= WATCH_LOST_MS;
    return question->asked_ms == 0 || now_ms - question->asked_ms >= pause_ms;
}

static void ask(struct watch *watch, struct watch_question *question, const char *what,
                json_t *new_arguments, uint64_t now_ms) {
    if (question->number != 0 && question->boot == watch->client->boot)
        watch->is_silent = true;
    if (!client_ask(watch->client, what, new_arguments, &question->number))
        question->number = 0;
    question->asked_ms = now_ms;
    question->boot = watch->client->boot;
    json_decref(new_arguments);
}

void watch_step(struct watch *watch, bool is_being_sent, uint64_t now_ms) {
    watch->is_being_sent = is_being_sent;
    if (watch->is_over)
        return;
    if (is_due(watch, &watch->show, watch->pause_ms, now_ms) && !watch->is_settled) {
        ask(watch, &watch->show, "batch.show", arguments_of("batch", watch->batch), now_ms);
        uint64_t longer_ms = watch->pause_ms * 2;
        watch->pause_ms = longer_ms < WATCH_PAUSE_MS ? longer_ms : WATCH_PAUSE_MS;
    }
    bool is_urgent = (watch->has_more || watch->is_settled) && watch->results.failed_ms == 0;
    if (!watch->sink || !is_due(watch, &watch->results, is_urgent ? 0 : watch->pause_ms, now_ms))
        return;
    json_t *new_arguments = arguments_of("batch", watch->batch);
    arguments_add(new_arguments, "order", "finished");
    arguments_add(new_arguments, "after", watch->cursor);
    watch->is_final = watch->is_settled;
    ask(watch, &watch->results, "batch.results", new_arguments, now_ms);
}

// ---- answers ------------------------------------------------------------------------------------

uint64_t watch_finished(const json_t *shown) {
    static const char *const outcomes[] = {"done",    "failed",    "parked",
                                           "expired", "cancelled", "skipped"};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        sum += int_of(shown, outcomes[i], 0);
    return (uint64_t)sum;
}

double watch_rate(const struct watch *watch) {
    if (watch->sample_count < 2)
        return 0;
    unsigned last = watch->sample_count - 1;
    uint64_t span = watch->samples[last].at_ms - watch->samples[0].at_ms;
    uint64_t count = watch->samples[last].finished - watch->samples[0].finished;
    return span > 0 ? (double)count * 1000 / (double)span : 0;
}

// Whether it can be left out of account: who watches sends the rest, and turns go by others.
static bool is_no_matter(const struct watch *watch, const json_t *wait) {
    const char *reason = text_of(wait, "reason", "");
    return strcmp(reason, "earlier_turn") == 0 ||
           (watch->is_being_sent && strcmp(reason, "not_sent") == 0);
}

// Notes since when nothing is called and nothing goes on by itself, and whether what is left
// waits for what only a person can give: a key, a worker, room on a disk.
static void note_rest(struct watch *watch, bool has_moved, uint64_t now_ms) {
    const json_t *live = member_of(watch->shown, "live"), *wait;
    bool rests = json_is_object(live) && int_of(live, "attempts_open", 0) == 0 && !has_moved;
    size_t i, needing = 0;
    json_array_foreach(member_of(live, "waits_for"), i, wait) {
        if (is_no_matter(watch, wait))
            continue;
        needing += flag_of(wait, "needs_person");
        rests = rests && flag_of(wait, "needs_person");
    }
    watch->rest_ms = !rests ? 0 : watch->rest_ms ? watch->rest_ms : now_ms;
    watch->stuck_ms = !rests || !needing ? 0 : watch->stuck_ms ? watch->stuck_ms : now_ms;
}

// False: the answer cannot be read.
static bool take_show(struct watch *watch, struct bytes document, uint64_t now_ms) {
    json_t *shown = NULL;
    if (json_parse(document, &shown, NULL, 0) != ERR_OK)
        return false;
    json_decref(watch->shown);
    watch->shown = shown;
    uint64_t finished = watch_finished(shown);
    bool has_moved = finished != watch->finished;
    if (has_moved)
        watch->moved_ms = now_ms;
    // A dead job that was revived takes its outcome back.
    if (finished < watch->finished)
        watch->sample_count = 0;
    watch->finished = finished;
    note_sample(watch, now_ms);
    note_rest(watch, has_moved, now_ms);
    watch->is_settled = strcmp(text_of(shown, "state", ""), "settled") == 0;
    watch->is_over = watch->is_settled && !watch->sink;
    return true;
}

static bool take_results(struct watch *watch, struct bytes document) {
    char *cursor;
    if (!results_print(document, watch->sink, &cursor, &watch->has_more))
        return false;
    if (cursor) {
        mem_free(watch->cursor);
        watch->cursor = cursor;
    }
    watch->is_over = watch->is_final && !watch->has_more;
    return true;
}

// Whether an error will not pass by itself. A process that does not answer comes back; and while
// the batch runs the ledger may not know it yet, or be busy.
static bool is_failure(const struct watch *watch, int exit) {
    bool may_pass = exit == EX_NOINPUT || exit == EX_TEMPFAIL;
    return exit != 0 && exit != EX_UNAVAILABLE && (!may_pass || watch->is_settled);
}

static void note_failure(struct watch *watch, struct watch_question *question, int exit,
                         struct bytes detail, uint64_t now_ms) {
    if (!is_failure(watch, exit)) {
        question->failed_ms = 0;
        return;
    }
    if (question->failed_ms == 0)
        question->failed_ms = now_ms;
    if (now_ms - question->failed_ms < WATCH_FAILED_MS)
        return;
    watch->is_over = true;
    watch->exit = exit;
    (void)snprintf(watch->detail, sizeof(watch->detail), "%.*s", (int)detail.size,
                   detail.size ? (const char *)detail.at : "");
}

bool watch_take(struct watch *watch, struct message *message, uint64_t now_ms) {
    struct answer_head head;
    if (message->wire.kind != KIND_answer || wire_head(&message->wire, &head) != ERR_OK ||
        (head.request != watch->show.number && head.request != watch->results.number))
        return false;
    watch->heard_ms = now_ms;
    watch->is_silent = head.exit == EX_UNAVAILABLE;
    struct bytes document = message_frame(message, 0), detail = head.detail;
    bool is_show = head.request == watch->show.number;
    struct watch_question *question = is_show ? &watch->show : &watch->results;
    int exit = (int)head.exit;
    question->number = 0;
    if (!is_show)
        watch->has_more = false;
    if (exit == 0 &&
        !(is_show ? take_show(watch, document, now_ms) : take_results(watch, document))) {
        exit = EX_PROTOCOL;
        detail = bytes_text("the answer cannot be read");
    }
    note_failure(watch, question, exit, detail, now_ms);
    return true;
}

// ---- for people ---------------------------------------------------------------------------------

// Reasons that do not pass by themselves are named soon: not at once, since processes that have
// just been started need a moment to find each other.
static bool is_lasting(const char *reason) {
    static const char *const lasting[] = {
        "no_worker", "no_key",      "lane_held",    "lane_paused",     "journal_full",
        "disk_full", "ledger_full", "workers_busy", "accountant_away", "not_sent"};
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
        if (strcmp(reason, lasting[i]) == 0)
            return true;
    return false;
}

// When it goes on, as people read clocks.
static void put_until(const json_t *wait, char *text, size_t size) {
    static const struct {
        const char *reason, *words;
    } words[] = {{"rate_limited", "until"}, {"lane_held", "; next try at"}, {"delayed", "at"}};
    int64_t until_ms = int_of(wait, "until_ms", 0);
    size_t used = strlen(text);
    char at[SHORT_TEXT_SIZE];
    for (size_t i = 0; until_ms > 0 && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text_of(wait, "reason", ""), words[i].reason) == 0)
            (void)snprintf(text + used, size - used, "%s%s %s", *words[i].words == ';' ? "" : " ",
                           words[i].words, clock_text(until_ms, at));
}

const char *wait_text(const json_t *wait, char *text, size_t size) {
    (void)snprintf(text, size, "%s", text_of(wait, "text", text_of(wait, "reason", "")));
    put_until(wait, text, size);
    return text;
}

const char *watch_stuck_text(const struct watch *watch, char *text, size_t size) {
    const json_t *waits = member_of(member_of(watch->shown, "live"), "waits_for"), *wait;
    size_t i;
    text[0] = 0;
    json_array_foreach(waits, i, wait) if (!*text && flag_of(wait, "needs_person") &&
                                           !is_no_matter(watch, wait))(void)
        wait_text(wait, text, size);
    return text;
}

const char *watch_wait_text(const struct watch *watch, uint64_t now_ms, char *text, size_t size) {
    bool is_still = now_ms - watch->moved_ms >= WATCH_STILL_MS;
    bool is_named = now_ms - watch->moved_ms >= WATCH_NAMED_MS;
    const json_t *waits = member_of(member_of(watch->shown, "live"), "waits_for");
    const json_t *silent = member_of(watch->shown, "silent");
    int64_t open = int_of(member_of(watch->shown, "live"), "attempts_open", 0);
    size_t i;
    const json_t *wait;
    text[0] = 0;
    if (watch->is_silent) {
        (void)snprintf(text, size, "%s does not answer", watch->client->endpoint);
        return text;
    }
    if (json_array_size(silent) > 0) {
        (void)snprintf(text, size, "the %s does not answer",
                       json_string_value(json_array_get(silent, 0)));
        return text;
    }
    json_array_foreach(waits, i, wait) {
        const char *reason = text_of(wait, "reason", "");
        bool is_sent_by_us = watch->is_being_sent && strcmp(reason, "not_sent") == 0;
        if (is_sent_by_us || !(is_lasting(reason) ? is_named : is_still))
            continue;
        // While calls are under way, they are what later turns wait for.
        if (open > 0 && strcmp(reason, "earlier_turn") == 0)
            continue;
        (void)wait_text(wait, text, size);
        size_t used = strlen(text);
        long long jobs = (long long)int_of(wait, "jobs", 0);
        if (jobs > 0)
            (void)snprintf(text + used, size - used, " (%lld)", jobs);
        return text;
    }
    if (is_still && open > 0)
        (void)snprintf(text, size, "%lld %s under way", (long long)open,
                       open == 1 ? "call" : "calls");
    return text;
}

static void add_count(struct buf *line, const json_t *shown, const char *member,
                      const char *words) {
    char count[SHORT_TEXT_SIZE];
    int64_t number = int_of(shown, member, 0);
    if (number > 0)
        buf_printf(line, ", %s %s", count_text(number, count), words);
}

// Lines that were accepted or refused. While the batch runs the broker knows more of them than
// the ledger.
static int64_t lines_of(const json_t *shown) {
    const json_t *live = member_of(shown, "live");
    int64_t recorded = int_of(shown, "accepted", 0) + int_of(shown, "refused", 0);
    int64_t known = int_of(live, "jobs", 0) + int_of(member_of(live, "counts"), "refused", 0);
    return known > recorded ? known : recorded;
}

static int64_t refused_of(const json_t *shown) {
    int64_t recorded = int_of(shown, "refused", 0);
    int64_t known = int_of(member_of(member_of(shown, "live"), "counts"), "refused", 0);
    return known > recorded ? known : recorded;
}

const char *watch_last_line(const json_t *shown, char *text, size_t size) {
    char count[SHORT_TEXT_SIZE];
    struct buf line;
    int64_t cut = int_of(shown, "cut", 0);
    int64_t lines = lines_of(shown);
    buf_init(&line, size - 1);
    buf_printf(&line, "%s %s: ", count_text(lines, count), lines == 1 ? "line" : "lines");
    buf_printf(&line, "%s done", count_text(int_of(shown, "done", 0), count));
    if (cut > 0)
        buf_printf(&line, " (%s cut at the length limit)", count_text(cut, count));
    add_count(&line, shown, "failed", "failed");
    add_count(&line, shown, "parked", "parked");
    add_count(&line, shown, "expired", "expired");
    add_count(&line, shown, "cancelled", "cancelled");
    add_count(&line, shown, "skipped", "skipped");
    if (refused_of(shown) > 0)
        buf_printf(&line, ", %s refused", count_text(refused_of(shown), count));
    int64_t rest = lines - (int64_t)watch_finished(shown) - refused_of(shown);
    if (rest > 0 && strcmp(text_of(shown, "state", ""), "settled") != 0)
        buf_printf(&line, ", %s still to end", count_text(rest, count));
    int64_t calls = int_of(shown, "calls", 0);
    buf_printf(&line, "; %s %s; ", count_text(calls, count), calls == 1 ? "call" : "calls");
    const struct sum sum = sum_of(shown);
    sum_put(&line, &sum);
    (void)snprintf(text, size, "%s", buf_cstr(&line));
    buf_release(&line);
    return text;
}

bool watch_is_all_done(const json_t *shown) {
    return watch_finished(shown) == (uint64_t)int_of(shown, "done", 0) &&
           int_of(shown, "refused", 0) == 0;
}
