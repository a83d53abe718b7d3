#include "tests/provider-sim/compare.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void *grown(void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 1024;
    return memory_resize(array, *capacity * size);
}

static const char *keep(struct comparison *comparison, const char *string) {
    comparison->texts = grown(comparison->texts, comparison->texts_count,
                              &comparison->texts_capacity, sizeof(*comparison->texts));
    struct text *text = &comparison->texts[comparison->texts_count++];
    *text = (struct text){0};
    text_put(text, string, strlen(string) + 1);
    return text->at;
}

struct fields {
    json_t *object;
    const char *missing; // the first field that is absent or of the wrong type
};

static json_t *field(struct fields *fields, const char *name, bool is_good(const json_t *value)) {
    json_t *value = json_object_get(fields->object, name);
    if ((value == NULL || !is_good(value)) && fields->missing == NULL)
        fields->missing = name;
    return value;
}

static bool is_string(const json_t *value) {
    return json_is_string(value);
}

static bool is_whole_or_null(const json_t *value) {
    return json_is_integer(value) || json_is_null(value);
}

static bool is_flag(const json_t *value) {
    return json_is_boolean(value) || (json_is_integer(value) && (json_integer_value(value) == 0 ||
                                                                 json_integer_value(value) == 1));
}

static const char *field_text(struct fields *fields, const char *name) {
    const char *text = json_string_value(field(fields, name, is_string));
    return text == NULL ? "" : text;
}

// null and -1 stand for "not stated".
static int64_t field_number(struct fields *fields, const char *name, bool *is_stated) {
    json_int_t number = json_integer_value(field(fields, name, is_whole_or_null));
    bool is_null = json_is_null(json_object_get(fields->object, name));
    *is_stated = !is_null && number >= 0;
    return *is_stated ? number : 0;
}

static int64_t field_count(struct fields *fields, const char *name) {
    bool is_stated;
    return field_number(fields, name, &is_stated);
}

// A counter that older bills and ledgers do not have.
static int64_t field_maybe(struct fields *fields, const char *name) {
    return json_object_get(fields->object, name) == NULL ? 0 : field_count(fields, name);
}

static bool field_flag(struct fields *fields, const char *name) {
    json_t *value = field(fields, name, is_flag);
    return json_is_true(value) || json_integer_value(value) == 1;
}

static void take_bill(struct comparison *comparison, struct fields *fields) {
    comparison->bill = grown(comparison->bill, comparison->bill_count, &comparison->bill_capacity,
                             sizeof(*comparison->bill));
    struct billed *billed = &comparison->bill[comparison->bill_count++];
    *billed = (struct billed){
        .call = keep(comparison, field_text(fields, "call")),
        .fault = keep(comparison, field_text(fields, "fault")),
        .n = (uint64_t)field_count(fields, "n"),
        .status = field_count(fields, "status"),
        .is_billed = field_flag(fields, "billed"),
        .is_delivered = field_flag(fields, "delivered"),
        .input = field_count(fields, "input_tokens"),
        .cached = field_count(fields, "cached_tokens"),
        .written = field_count(fields, "cache_write_tokens"),
        .written_1h = field_count(fields, "cache_write_1h_tokens"),
        .searches = field_count(fields, "web_searches"),
        .output = field_count(fields, "output_tokens"),
        .reasoning = field_count(fields, "reasoning_tokens"),
        .tool_use = field_maybe(fields, "tool_use_tokens"),
    };
    billed->pusd = field_number(fields, "pusd", &billed->has_price);
}

static void take_row(struct comparison *comparison, struct fields *fields) {
    comparison->rows = grown(comparison->rows, comparison->rows_count, &comparison->rows_capacity,
                             sizeof(*comparison->rows));
    struct row *row = &comparison->rows[comparison->rows_count++];
    *row = (struct row){
        .call = keep(comparison, field_text(fields, "call")),
        .job = keep(comparison, field_text(fields, "job")),
        .state = keep(comparison, field_text(fields, "state")),
        .status = field_count(fields, "http_status"),
        .in_uncached = field_count(fields, "in_uncached"),
        .in_cached = field_count(fields, "in_cached"),
        .in_cache_write = field_count(fields, "in_cache_write"),
        .in_cache_write_1h = field_count(fields, "in_cache_write_1h"),
        .in_tool_use = field_maybe(fields, "in_tool_use"),
        .web_searches = field_count(fields, "web_searches"),
        .out_visible = field_count(fields, "out_visible"),
        .out_reasoning = field_count(fields, "out_reasoning"),
        .is_possibly_billed = field_flag(fields, "is_possibly_billed"),
        .is_answer = field_flag(fields, "is_answer"),
    };
    row->pusd = field_number(fields, "amount_pusd", &row->has_amount);
}

static bool take_line(struct comparison *comparison, const char *path, uint64_t number,
                      struct span line, void take(struct comparison *, struct fields *)) {
    json_error_t error;
    struct fields fields = {.object =
                                json_loadb(line.at, line.size, JSON_REJECT_DUPLICATES, &error)};
    if (fields.object == NULL || !json_is_object(fields.object)) {
        fprintf(stderr, "compare-bill: %s:%llu: no JSON object: %s\n", path,
                (unsigned long long)number, fields.object == NULL ? error.text : "");
        json_decref(fields.object);
        return false;
    }
    take(comparison, &fields);
    if (fields.missing != NULL)
        fprintf(stderr, "compare-bill: %s:%llu: %s is missing or of the wrong type\n", path,
                (unsigned long long)number, fields.missing);
    json_decref(fields.object);
    return fields.missing == NULL;
}

static bool read_lines(struct comparison *comparison, const char *path,
                       void take(struct comparison *, struct fields *)) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "compare-bill: cannot open %s\n", path);
        return false;
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    bool is_good = true;
    for (uint64_t number = 1; is_good && (size = getline(&line, &capacity, file)) > 0; number++) {
        struct span span = {line, (size_t)size - (line[size - 1] == '\n')};
        if (span.size > 0)
            is_good = take_line(comparison, path, number, span, take);
    }
    is_good = is_good && !ferror(file);
    memory_free(line);
    if (file != stdin)
        (void)fclose(file);
    return is_good;
}

bool comparison_read_bill(struct comparison *comparison, const char *path) {
    return read_lines(comparison, path, take_bill);
}

bool comparison_read_rows(struct comparison *comparison, const char *path) {
    return read_lines(comparison, path, take_row);
}

void comparison_release(struct comparison *comparison) {
    for (size_t i = 0; i < comparison->texts_count; i++)
        text_release(&comparison->texts[i]);
    memory_free(comparison->texts);
    memory_free(comparison->bill);
    memory_free(comparison->rows);
}
