// cost and find: questions about history.
#include "tools/commands.h"
#include "tools/render.h"

#include <string.h>
#include <sysexits.h>

// ---- cost ---------------------------------------------------------------------------------------

static const char *const groupings[] = {"none", "batch",        "provider", "model",
                                        "day",  "conversation", "message",  "tag"};

static void check_grouping(const char *by) {
    for (size_t i = 0; i < sizeof(groupings) / sizeof(groupings[0]); i++)
        if (strcmp(by, groupings[i]) == 0)
            return;
    fail(EX_USAGE, "--by is batch, provider, model, day, tag, conversation or message");
}

// What a row is about, for people: by its name where it has one.
static void name_row(const json_t *row, const char *by, char *text, size_t size) {
    if (strcmp(by, "model") == 0)
        (void)snprintf(text, size, "%s/%s", text_of(row, "provider", "?"),
                       text_of(row, "model", "?"));
    else if (strcmp(by, "provider") == 0)
        (void)snprintf(text, size, "%s %s", text_of(row, "provider", "?"), text_of(row, "api", ""));
    else if (strcmp(by, "batch") == 0)
        (void)snprintf(text, size, "%s", text_of(row, "batch_name", ""));
    else if (strcmp(by, "conversation") == 0)
        (void)snprintf(text, size, "%s", text_of(row, "name", ""));
    else if (strcmp(by, "message") == 0 && *text_of(row, "custom_id", ""))
        (void)snprintf(text, size, "%s", text_of(row, "custom_id", ""));
    else if (strcmp(by, "message") == 0)
        (void)snprintf(text, size, "%s, turn %lld", text_of(row, "job", "?"),
                       (long long)int_of(row, "turn", 0));
    else if (strcmp(by, "none") == 0)
        (void)snprintf(text, size, "everything");
    else
        (void)snprintf(text, size, "%s", text_of(row, by, "?"));
}

// The member that holds a row's id; NULL: such rows have none.
static const char *id_member(const char *by) {
    static const struct {
        const char *by, *member;
    } ids[] = {{"batch", "batch"}, {"conversation", "conversation"}, {"message", "job"}};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (strcmp(by, ids[i].by) == 0)
            return ids[i].member;
    return NULL;
}

static int64_t tokens(const json_t *sums, const char *direction) {
    const char *name;
    const json_t *count;
    int64_t sum = 0;
    json_object_foreach((json_t *)member_of(sums, "tokens"), name,
                        count) if (strncmp(name, direction, strlen(direction)) == 0) sum +=
        json_integer_value(count);
    return sum;
}

// What may come on top of a sum: the bound of the possibly billed calls, as far as they have one.
static void may_add_text(const json_t *sums, char *text, size_t size) {
    char amount[SHORT_TEXT_SIZE], count[SHORT_TEXT_SIZE];
    int64_t calls = int_of(sums, "possibly_billed_calls", 0);
    int64_t unpriced = int_of(sums, "possibly_billed_unpriced", 0);
    const json_t *bound = member_of(sums, "possibly_billed_pusd");
    text[0] = 0;
    if (calls > 0 && (unpriced >= calls || !json_is_integer(bound)))
        (void)snprintf(text, size, "?");
    else if (calls > 0 && unpriced > 0)
        (void)snprintf(text, size, "\u2264 %s + %s unpriced", amount_text(bound, amount),
                       count_text(unpriced, count));
    else if (calls > 0)
        (void)snprintf(text, size, "\u2264 %s", amount_text(bound, amount));
}

static void fill_row(struct table *table, const char *name, const json_t *sums) {
    char text[128];
    table_row(table);
    table_cell(table, 0, "%s", name);
    table_cell(table, 1, "%s", count_text(int_of(sums, "calls", 0), text));
    table_cell(table, 2, "%s", count_text(tokens(sums, "in_"), text));
    table_cell(table, 3, "%s", count_text(tokens(sums, "out_"), text));
    table_cell(table, 4, "%s", sum_text(sums, text));
    table_cell(table, 5, "%s", count_text(int_of(sums, "unpriced_calls", 0), text));
    may_add_text(sums, text, sizeof(text));
    table_cell(table, 6, "%s", text);
}

// Rows are told apart by their ids where there is room for those, else by names; a row without
// a name is its id, which is never cut.
static void show_rows(const json_t *answer, const char *by) {
    static const struct table_column columns[] = {
        {"COST OF", false, true}, {"CALLS", true, false}, {"IN", true, false},
        {"OUT", true, false},     {"COST", true, false},  {"UNPRICED", true, false},
        {"MAY ADD", true, false}, {"ID", false, false},   {NULL, false, false},
    };
    struct table table;
    const char *member = id_member(by);
    const json_t *row;
    size_t i;
    table_begin(&table, columns);
    bool has_ids = member && (table.width == 0 || table.width >= WIDE_COLUMNS);
    if (!has_ids)
        table.column_count--;
    json_array_foreach(member_of(answer, "rows"), i, row) {
        char name[NAME_BYTES_MAX + CUSTOM_ID_BYTES_MAX + 64];
        name_row(row, by, name, sizeof(name));
        bool is_nameless = member && *name == 0;
        if (is_nameless && !has_ids)
            table.columns[0].may_shrink = false;
        fill_row(&table, is_nameless ? text_of(row, member, "?") : name, row);
        if (has_ids)
            table_cell(&table, 7, "%s", text_of(row, member, ""));
    }
    if (strcmp(by, "none") != 0)
        fill_row(&table, "total", member_of(answer, "total"));
    table_end(&table);
}

int cost_report(struct call *call) {
    const char *by = call_text(call, "by") ? call_text(call, "by") : "none";
    check_grouping(by);
    json_t *arguments = arguments_of("by", by);
    arguments_add(arguments, "batch", call_text(call, "batch"));
    arguments_add(arguments, "after", call_text(call, "after"));
    arguments_add_int(arguments, "limit", (int64_t)call_count(call, "limit", 100));
    json_t *answer = call_show(call, "cost.report", arguments);
    if (!answer)
        return 0;
    show_rows(answer, by);
    call_say_more(call, text_of(answer, "next", NULL));
    json_decref(answer);
    return 0;
}

// ---- find ---------------------------------------------------------------------------------------

static void show_match(const json_t *match) {
    static const struct {
        const char *member;
        const char *title;
    } lines[] = {
        {"call", "  call"},
        {"job", "  job"},
        {"custom_id", "  custom_id"},
        {"conversation", "  conversation"},
        {"conversation_name", "    named"},
        {"batch", "  batch"},
        {"batch_name", "    named"},
        {"provider", "  provider"},
        {"model", "  model"},
        {"state", "  state"},
        {"source", "  source"},
    };
    char text[SHORT_TEXT_SIZE];
    out_printf("%s\n", text_of(match, "kind", "?"));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        out_field(16, lines[i].title, text_of(match, lines[i].member, ""));
    if (json_is_integer(member_of(match, "turn")))
        out_printf("  %-14s %lld (message %lld)\n", "turn", (long long)int_of(match, "turn", 0),
                   (long long)int_of(match, "message", 0));
    if (int_of(match, "at_ms", 0) > 0)
        out_printf("  %-14s %s\n", "at", time_text(int_of(match, "at_ms", 0), text));
}

int find(struct call *call) {
    const json_t *match;
    size_t i;
    json_t *answer = call_ask(call, "find", arguments_of("value", call->operands[0]));
    size_t count = json_array_size(member_of(answer, "matches"));
    if (call_has(call, "json")) {
        out_json(answer);
    } else if (count > 0) {
        json_array_foreach(member_of(answer, "matches"), i, match) show_match(match);
        if (flag_of(answer, "is_cut"))
            out_printf("There are more matches than are shown.\n");
    } else {
        (void)fprintf(stderr, "colloq: nothing is known by %s\n", call->operands[0]);
    }
    json_decref(answer);
    return count > 0 ? 0 : EXIT_SOME_FAILED;
}
