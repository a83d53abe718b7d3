// conversation list and show.
#include "tools/commands.h"
#include "tools/render.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void add_conversation(struct table *table, const json_t *entry) {
    char text[SUM_TEXT_SIZE], whole[SHORT_TEXT_SIZE];
    table_row(table);
    table_cell(table, 0, "%s", text_of(entry, "conversation", ""));
    table_cell(table, 1, "%s", text_of(entry, "name", ""));
    table_cell(table, 2, "%s of %s", count_text(int_of(entry, "answered", 0), text),
               count_text(int_of(entry, "turns", 0), whole));
    table_cell(table, 3, "%s", count_text(int_of(entry, "calls", 0), text));
    table_cell(table, 4, "%s", time_text(int_of(entry, "last_ms", 0), whole));
    table_cell(table, 5, "%s", sum_text(entry, text));
}

int conversation_list(struct call *call) {
    char last[SHORT_TEXT_SIZE + 16], zone[SHORT_TEXT_SIZE];
    struct table table;
    const json_t *entry;
    size_t i;
    json_t *arguments = arguments_of("batch", call_text(call, "batch"));
    arguments_add(arguments, "after", call_text(call, "after"));
    arguments_add_int(arguments, "limit", (int64_t)call_count(call, "limit", 100));
    json_t *answer = call_show(call, "conversation.list", arguments);
    if (!answer)
        return 0;
    (void)snprintf(last, sizeof(last), "LAST (%s)", zone_text(zone));
    const struct table_column columns[] = {
        {"CONVERSATION", COLUMN_id}, {"NAME", COLUMN_text}, {"ANSWERED", COLUMN_number},
        {"CALLS", COLUMN_number},    {last, COLUMN_whole},  {"COST", COLUMN_sum},
        {NULL, COLUMN_whole},
    };
    table_begin(&table, columns);
    json_array_foreach(member_of(answer, "conversations"), i, entry)
        add_conversation(&table, entry);
    table_end(&table);
    if (i == 0)
        call_say_empty(call,
                       "there is no conversation of more than one turn here; lines with a member "
                       "conversation make one:",
                       "batch run FILE.jsonl");
    call_say_more(call, text_of(answer, "next", NULL));
    json_decref(answer);
    return 0;
}

// Turns that got no answer, and why: they are in no later turn's context.
static void show_unanswered(const json_t *answer) {
    const json_t *turn;
    size_t i;
    json_array_foreach(member_of(answer, "turns"), i, turn) {
        const char *outcome = text_of(turn, "outcome", "");
        char text[512];
        if (!*outcome || strcmp(outcome, "answered") == 0)
            continue;
        (void)snprintf(text, sizeof(text), "turn %lld: %s, %s (job %s)",
                       (long long)int_of(turn, "turn", 0), outcome, text_of(turn, "reason", "-"),
                       text_of(turn, "job", ""));
        out_field(13, "no answer", text);
    }
}

// A message's text: its content if that is a string, else the texts of its parts.
static void show_content(const json_t *content) {
    const json_t *part;
    size_t i;
    if (json_is_string(content)) {
        out_printf("%s\n", json_string_value(content));
        return;
    }
    json_array_foreach(content, i, part)
        out_printf("%s%s\n", text_of(part, "text", ""),
                   member_of(part, "text") ? "" : text_of(part, "type", "?"));
}

static void show_messages(const json_t *answer) {
    const json_t *message;
    size_t i;
    json_array_foreach(member_of(answer, "messages"), i, message) {
        const char *call = text_of(message, "call", "");
        char title[128];
        (void)snprintf(title, sizeof(title), "--- turn %lld, %s%s%s",
                       (long long)int_of(message, "turn", 0), text_of(message, "role", "?"),
                       *call ? ", call " : "", call);
        out_text("\n");
        out_toned(TONE_dim, title);
        out_text("\n");
        show_content(member_of(message, "content"));
        const json_t *tools = member_of(message, "tool_calls");
        if (json_array_size(tools) > 0)
            out_printf("(%zu tool calls)\n", json_array_size(tools));
    }
}

static void show_identifiers(const json_t *answer) {
    static const struct table_column columns[] = {
        {"IDENTIFIER", COLUMN_whole},
        {"VALUE", COLUMN_id},
        {"SOURCE", COLUMN_text},
        {NULL, COLUMN_whole},
    };
    struct table table;
    const char *kind;
    json_t *list;
    const json_t *entry;
    size_t i;
    table_begin(&table, columns);
    json_object_foreach((json_t *)member_of(answer, "extracted_identifiers"), kind, list) {
        json_array_foreach(list, i, entry) {
            table_row(&table);
            table_cell(&table, 0, "%s", kind);
            table_cell(&table, 1, "%s", text_of(entry, "value", ""));
            table_cell(&table, 2, "%s", text_of(entry, "source", ""));
        }
    }
    out_text("\n");
    table_end(&table);
}

// What a call's usage says: all input, all output.
static int64_t tokens(const json_t *usage, bool is_input) {
    static const char *const in[] = {"in_uncached",       "in_cached", "in_cache_write",
                                     "in_cache_write_1h", "in_audio",  "in_tool_use",
                                     "in_image",          NULL};
    static const char *const out[] = {"out_visible", "out_reasoning", "out_audio", "out_image",
                                      NULL};
    int64_t sum = 0;
    for (const char *const *name = is_input ? in : out; *name; name++)
        sum += int_of(usage, *name, 0);
    return sum;
}

static const json_t *usage_of(const json_t *answer, const char *call) {
    const json_t *entry;
    size_t i;
    json_array_foreach(member_of(answer, "token_usage_history"), i,
                       entry) if (strcmp(text_of(entry, "call", ""), call) == 0) return entry;
    return NULL;
}

// The last line: the sum, and what is missing from it.
static void show_total(const json_t *tracking, bool is_priced) {
    const json_t *entry;
    int64_t bounded = 0, unextracted = 0;
    size_t i;
    struct buf line;
    json_array_foreach(member_of(tracking, "messages"), i, entry) {
        bounded += json_is_integer(member_of(entry, "possibly_billed_pusd"));
        unextracted += strcmp(text_of(entry, "call_state", ""), "unextracted") == 0;
    }
    struct sum sum = {
        .calls = (int64_t)json_array_size(member_of(tracking, "messages")),
        .amount = is_priced ? member_of(tracking, "total_pusd") : NULL,
        .unpriced = int_of(tracking, "unpriced_calls", 0) - unextracted,
        .unknown = int_of(tracking, "possibly_billed_calls", 0),
        .bound = member_of(tracking, "possibly_billed_pusd"),
    };
    if (sum.unknown > bounded)
        sum.unbounded = sum.unknown - bounded;
    buf_init(&line, 1024);
    buf_text(&line, "total ");
    sum_put(&line, &sum);
    out_printf("%s\n", buf_cstr(&line));
    buf_release(&line);
}

// What became of a call, in one word: the answer, or why it is none.
static const char *state_of(const json_t *entry) {
    const char *role = text_of(entry, "role", "none"), *state = text_of(entry, "call_state", "");
    if (strcmp(role, "none") != 0)
        return role;
    return strcmp(state, "answered") == 0 ? "error" : state;
}

static void show_costs(const json_t *answer) {
    static const struct table_column columns[] = {
        {"CALL", COLUMN_id},        {"MESSAGE", COLUMN_number}, {"STATE", COLUMN_whole},
        {"IN", COLUMN_number},      {"OUT", COLUMN_number},     {"COST", COLUMN_number},
        {"AT MOST", COLUMN_number}, {"SO FAR", COLUMN_number},  {NULL, COLUMN_whole},
    };
    struct table table;
    const json_t *tracking = member_of(answer, "cost_tracking");
    const json_t *entry;
    size_t i;
    char text[SHORT_TEXT_SIZE];
    bool is_priced = false; // a sum of nothing is no sum
    table_begin(&table, columns);
    json_array_foreach(member_of(tracking, "messages"), i, entry) {
        is_priced = is_priced || json_is_integer(member_of(entry, "amount_pusd"));
        const json_t *usage = usage_of(answer, text_of(entry, "call", ""));
        table_row(&table);
        table_cell(&table, 0, "%s", text_of(entry, "call", ""));
        table_cell(&table, 1, "%lld", (long long)int_of(entry, "message", 0));
        table_state(&table, 2, state_of(entry));
        table_cell(&table, 3, "%s", count_text(tokens(usage, true), text));
        table_cell(&table, 4, "%s", count_text(tokens(usage, false), text));
        table_cell(&table, 5, "%s", amount_text(member_of(entry, "amount_pusd"), text));
        if (json_is_integer(member_of(entry, "possibly_billed_pusd")))
            table_cell(&table, 6, "%s",
                       amount_text(member_of(entry, "possibly_billed_pusd"), text));
        table_cell(&table, 7, "%s",
                   is_priced ? amount_text(member_of(entry, "running_total_pusd"), text) : "-");
    }
    out_text("\n");
    table_end(&table);
    show_total(tracking, is_priced);
}

int conversation_show(struct call *call) {
    json_t *arguments = arguments_of("conversation", call->operands[0]);
    arguments_add(arguments, "batch", call_text(call, "batch"));
    if (!call_has(call, "json") && json_object_set_new(arguments, "bodies", json_false()) != 0)
        fail_memory();
    json_t *answer = call_show(call, "conversation.show", arguments);
    if (!answer)
        return 0;
    out_printf("conversation  %s\n", text_of(answer, "conversation", "-"));
    out_field(13, "name", text_of(answer, "name", ""));
    out_field(13, "batch", text_of(answer, "batch", "-"));
    out_field(13, "  named", text_of(answer, "batch_name", ""));
    show_unanswered(answer);
    show_messages(answer);
    show_identifiers(answer);
    show_costs(answer);
    json_decref(answer);
    return 0;
}
