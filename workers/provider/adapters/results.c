// Which call each result of a tool means. A line may hold hundreds of thousands of either, so the
// calls are sorted once a message, and each result is found in them by halves.
#include "workers/provider/adapters/neutral.h"

#include "common/mem.h"

#include <stdlib.h>

// ---- the calls of a message ---------------------------------------------------------------------

struct known_call {
    struct bytes id, name; // raw; the name is empty where there is none
    size_t place;          // among the calls of the message that have an id
    // Of the first call of a name: how many results of that name, in which content, were met.
    size_t met;
    uint32_t content;
    bool has_result; // of the first call of an id
};

static int compare_bytes(struct bytes a, struct bytes b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.at, b.at, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_places(const struct known_call *a, const struct known_call *b) {
    return (a->place > b->place) - (a->place < b->place);
}

static int compare_names(const void *a, const void *b) {
    const struct known_call *x = a, *y = b;
    int order = compare_bytes(x->name, y->name);
    return order != 0 ? order : compare_places(x, y);
}

static int compare_ids(const void *a, const void *b) {
    const struct known_call *x = a, *y = b;
    int order = compare_bytes(x->id, y->id);
    return order != 0 ? order : compare_places(x, y);
}

// The place of the first of sorted calls that is not before the key; the count: all are.
static size_t find_first(const struct known_call *calls, size_t count, const struct known_call *key,
                         int (*compare)(const void *a, const void *b)) {
    size_t least = 0, end = count;
    while (least < end) {
        size_t middle = least + (end - least) / 2;
        if (compare(&calls[middle], key) < 0)
            least = middle + 1;
        else
            end = middle;
    }
    return least;
}

static size_t elements_of(const struct json_scan *scan, uint32_t list) {
    return list && has_shape(scan, list, JSON_SHAPE_array) ? scan->nodes[list].count : 0;
}

void results_init(struct results *results, const struct json_scan *scan) {
    *results = (struct results){.scan = scan};
}

void results_release(struct results *results) {
    mem_free(results->calls);
    mem_free(results->by_name);
    mem_free(results->by_id);
    results_init(results, results->scan);
}

static struct known_call *sorted(const struct results *results,
                                 int (*compare)(const void *a, const void *b)) {
    struct known_call *calls = mem_array(results->count, sizeof(*calls));
    memcpy(calls, results->calls, results->count * sizeof(*calls));
    qsort(calls, results->count, sizeof(*calls), compare);
    return calls;
}

void results_of(struct results *results, uint32_t assistant) {
    const struct json_scan *scan = results->scan;
    struct call_walk walk;
    struct tool_call call;
    results_release(results);
    calls_walk(&walk, scan, assistant);
    size_t room = elements_of(scan, walk.lists[0]) + elements_of(scan, walk.lists[1]);
    while (next_call(scan, &walk, &call)) {
        if (!call.id)
            continue;
        if (!results->calls)
            results->calls = mem_array(room, sizeof(*results->calls));
        results->calls[results->count] = (struct known_call){
            .id = json_raw(scan, call.id),
            .name = call.name ? json_raw(scan, call.name) : bytes_of(NULL, 0),
            .place = results->count,
        };
        results->count++;
    }
    if (results->count > 0)
        results->by_name = sorted(results, compare_names);
}

// ---- what a result says -------------------------------------------------------------------------

// The id that a result states; 0: none.
static uint32_t stated_id(const struct json_scan *scan, uint32_t part, uint32_t call) {
    static const char *const names[] = {"tool_call_id", "tool_use_id"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint32_t id = stated_in(scan, part, names[i]);
        if (id)
            return id;
    }
    return call && has_shape(scan, call, JSON_SHAPE_text) ? call : 0;
}

// The place among the calls that a result states; false: it is none.
static bool stated_place(const struct json_scan *scan, uint32_t call, size_t *place) {
    enum { DIGITS_MAX = 9 };
    struct bytes raw = json_raw(scan, call);
    if (!has_shape(scan, call, JSON_SHAPE_number) || raw.size > DIGITS_MAX)
        return false;
    *place = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.at[i] < '0' || raw.at[i] > '9')
            return false;
        *place = *place * 10 + (size_t)(raw.at[i] - '0');
    }
    return true;
}

// How many were met in this content before, this one not counted.
static size_t count_on(size_t *met, uint32_t *of, uint32_t content) {
    if (*of != content)
        *met = 0;
    *of = content;
    return (*met)++;
}

// The next call of that name, or of all calls if there is no name; NULL: there is none left.
static const struct known_call *next_of(struct results *results, uint32_t content, uint32_t name) {
    struct known_call key = {.place = 0};
    if (!name) {
        size_t place = count_on(&results->met, &results->content, content);
        return place < results->count ? &results->calls[place] : NULL;
    }
    key.name = json_raw(results->scan, name);
    size_t first = find_first(results->by_name, results->count, &key, compare_names);
    if (first == results->count || !bytes_equal(results->by_name[first].name, key.name))
        return NULL;
    struct known_call *head = &results->by_name[first];
    size_t at = first + count_on(&head->met, &head->content, content);
    bool is_left = at < results->count && bytes_equal(results->by_name[at].name, key.name);
    return is_left ? &results->by_name[at] : NULL;
}

bool result_id(struct results *results, uint32_t content, uint32_t part, struct bytes *id) {
    const struct json_scan *scan = results->scan;
    const struct known_call *found = NULL;
    uint32_t call = stated_in(scan, part, "call"), stated = stated_id(scan, part, call);
    size_t place;
    if (stated) {
        *id = json_raw(scan, stated);
        return has_shape(scan, stated, JSON_SHAPE_text);
    }
    if (!call)
        found = next_of(results, content, stated_in(scan, part, "name"));
    else if (stated_place(scan, call, &place) && place < results->count)
        found = &results->calls[place];
    if (found)
        *id = found->id;
    return found != NULL;
}

bool result_name(struct results *results, struct bytes id, struct bytes *name) {
    const struct known_call key = {.id = id};
    if (results->count == 0)
        return false;
    if (!results->by_id)
        results->by_id = sorted(results, compare_ids);
    size_t first = find_first(results->by_id, results->count, &key, compare_ids);
    if (first == results->count || !bytes_equal(results->by_id[first].id, id))
        return false;
    *name = results->by_id[first].name;
    return name->size > 0;
}

// ---- what is heard, message by message ----------------------------------------------------------

void heard_walk(struct heard *heard, uint32_t content) {
    *heard = (struct heard){.content = content};
}

// The next part that is a result, or is none; false at the end.
static bool next_part(const struct json_scan *scan, struct heard *heard, bool is_result) {
    uint32_t content = heard->content, end = next_in(scan, content);
    do
        heard->part = heard->part ? next_in(scan, heard->part) : first_in(content);
    while (heard->part < end && is_part(scan, heard->part, "tool_result") != is_result);
    return heard->part < end;
}

bool next_heard(struct results *results, struct heard *heard) {
    const struct json_scan *scan = results->scan;
    if (!has_shape(scan, heard->content, JSON_SHAPE_array)) {
        bool is_first = heard->part == 0;
        heard->part = heard->content;
        return is_first;
    }
    if (!heard->is_behind_results && next_part(scan, heard, true)) {
        uint32_t is_error = stated_in(scan, heard->part, "is_error");
        heard->result = stated_in(scan, heard->part, "content");
        heard->is_error = is_error && has_shape(scan, is_error, JSON_SHAPE_true);
        if (!result_id(results, heard->content, heard->part, &heard->id))
            heard->refusal = "tool_result_without_call";
        return !heard->refusal;
    }
    if (!heard->is_behind_results)
        *heard = (struct heard){.content = heard->content, .is_behind_results = true};
    return next_part(scan, heard, false);
}

const char *put_each_message(struct results *results, const struct json_scan *scan,
                             uint32_t messages, put_message *put, void *talk) {
    const char *refusal = NULL;
    results_init(results, scan);
    for (uint32_t i = first_in(messages); !refusal && i < next_in(scan, messages);
         i = next_in(scan, i)) {
        refusal = put(talk, i);
        if (is_said(scan, json_find(scan, i, "role"), "assistant"))
            results_of(results, i);
    }
    results_release(results);
    return refusal;
}

// ---- whether each call has one ------------------------------------------------------------------

static void note_result(struct known_call *by_id, size_t count, struct bytes id) {
    const struct known_call key = {.id = id};
    size_t first = find_first(by_id, count, &key, compare_ids);
    if (first < count && bytes_equal(by_id[first].id, id))
        by_id[first].has_result = true;
}

static void note_results(struct results *results, struct known_call *by_id, uint32_t message) {
    const struct json_scan *scan = results->scan;
    uint32_t content = stated_in(scan, message, "content");
    struct bytes id;
    if (!content || !has_shape(scan, content, JSON_SHAPE_array))
        return;
    for (uint32_t i = first_in(content); i < next_in(scan, content); i = next_in(scan, i))
        if (is_part(scan, i, "tool_result") && result_id(results, content, i, &id))
            note_result(by_id, results->count, id);
}

// A call without a name is none that anybody made.
static bool lacks_one(const struct known_call *by_id, size_t count) {
    const struct known_call *first = by_id;
    for (size_t i = 0; i < count; i++) {
        if (!bytes_equal(by_id[i].id, first->id))
            first = &by_id[i];
        if (by_id[i].name.size > 0 && !first->has_result)
            return true;
    }
    return false;
}

// Whether the calls of a message have their results before the assistant speaks again.
static bool is_answered(struct results *results, uint32_t messages, uint32_t assistant) {
    const struct json_scan *scan = results->scan;
    results_of(results, assistant);
    if (results->count == 0)
        return true;
    struct known_call *by_id = sorted(results, compare_ids);
    for (uint32_t i = next_in(scan, assistant); i < next_in(scan, messages); i = next_in(scan, i)) {
        if (is_said(scan, json_find(scan, i, "role"), "assistant"))
            break;
        note_results(results, by_id, i);
    }
    bool lacks = lacks_one(by_id, results->count);
    mem_free(by_id);
    return !lacks;
}

bool results_are_there(const struct json_scan *scan, uint32_t messages) {
    struct results results;
    bool are_there = true;
    results_init(&results, scan);
    for (uint32_t i = first_in(messages); are_there && i < next_in(scan, messages);
         i = next_in(scan, i))
        if (is_said(scan, json_find(scan, i, "role"), "assistant"))
            are_there = is_answered(&results, messages, i);
    results_release(&results);
    return are_there;
}
