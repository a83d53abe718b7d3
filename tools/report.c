// cost and find: questions about history.
#include "tools/commands.h"
#include "tools/render.h"

#include <string.h>
#include <sysexits.h>

// ---- cost ---------------------------------------------------------------------------------------

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

static void fill_row(struct table *table, const char *name, const json_t *sums) {
    char text[SUM_TEXT_SIZE];
    table_row(table);
    table_cell(table, 0, "%s", name);
    table_cell(table, 1, "%s", count_text(int_of(sums, "calls", 0), text));
    table_cell(table, 2, "%s", count_text(tokens(sums, "in_"), text));
    table_cell(table, 3, "%s", count_text(tokens(sums, "out_"), text));
    table_cell(table, 4, "%s", sum_text(sums, text));
}

// Rows are told apart by their ids; a row without a name is its id.
static void show_rows(const json_t *answer, const char *by) {
    static const struct table_column columns[] = {
        {"COST OF", COLUMN_text}, {"CALLS", COLUMN_number}, {"IN", COLUMN_number},
        {"OUT", COLUMN_number},   {"COST", COLUMN_sum},     {"ID", COLUMN_id},
        {NULL, COLUMN_whole},
    };
    static const struct table_column without_id[] = {
        {"COST OF", COLUMN_text}, {"CALLS", COLUMN_number}, {"IN", COLUMN_number},
        {"OUT", COLUMN_number},   {"COST", COLUMN_sum},     {NULL, COLUMN_whole},
    };
    struct table table;
    const char *member = id_member(by);
    const json_t *row;
    size_t i;
    table_begin(&table, member ? columns : without_id);
    json_array_foreach(member_of(answer, "rows"), i, row) {
        char name[NAME_BYTES_MAX + CUSTOM_ID_BYTES_MAX + 64];
        name_row(row, by, name, sizeof(name));
        fill_row(&table, name, row);
        if (member)
            table_cell(&table, 5, "%s", text_of(row, member, ""));
    }
    if (strcmp(by, "none") != 0)
        fill_row(&table, "total", member_of(answer, "total"));
    table_end(&table);
}

int cost_report(struct call *call) {
    const char *by = call_text(call, "by") ? call_text(call, "by") : "none";
    json_t *arguments = arguments_of("by", by);
    arguments_add(arguments, "batch", call_text(call, "batch"));
    arguments_add(arguments, "after", call_text(call, "after"));
    arguments_add_int(arguments, "limit", (int64_t)call_count(call, "limit", 100));
    json_t *answer = call_show(call, "cost.report", arguments);
    if (!answer)
        return 0;
    if (int_of(member_of(answer, "total"), "calls", 0) == 0)
        call_say_empty(call, "no call was made here yet, and nothing was spent; begin with:",
                       "batch run FILE.jsonl");
    else
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
    char text[TIME_TEXT_SIZE];
    out_toned(TONE_title, text_of(match, "kind", "?"));
    out_text("\n");
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        out_field(16, lines[i].title, text_of(match, lines[i].member, ""));
    if (json_is_integer(member_of(match, "turn")))
        out_printf("  %-14s %lld (message %lld)\n", "turn", (long long)int_of(match, "turn", 0),
                   (long long)int_of(match, "message", 0));
    if (int_of(match, "at_ms", 0) > 0)
        out_printf("  %-14s %s\n", "at", moment_text(int_of(match, "at_ms", 0), text));
}

int find(struct call *call) {
    const json_t *match;
    size_t i;
    json_t *answer = call_ask(call, "find", arguments_of("value", call->operands[0]));
    size_t count = json_array_size(member_of(answer, "matches"));
    if (call_has(call, "json")) {
        call_show_json(call, answer);
    } else if (count > 0) {
        json_array_foreach(member_of(answer, "matches"), i, match) show_match(match);
        if (flag_of(answer, "is_cut"))
            out_printf("There are more matches than are shown.\n");
    } else {
        char name[512];
        (void)snprintf(name, sizeof(name), "%s", call->operands[0]);
        text_clean(name, false);
        (void)fprintf(stderr,
                      "colloq: nothing is known by %s; an identifier has to be written whole, as "
                      "the provider returned it\n",
                      name);
    }
    json_decref(answer);
    return count > 0 ? 0 : EXIT_SOME_FAILED;
}
