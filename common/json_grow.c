#include "common/json_grow.h"

#include "common/mem.h"

#include <string.h>

// What comes of each value that is taken in, by what is there.
enum taking {
    TAKING_copy,  // into an empty node
    TAKING_merge, // over what is there
    TAKING_add,   // behind what is there
    TAKING_rest,  // over what is there, lists too; but what is marked
};

void grown_init(struct grown *grown) {
    memset(grown, 0, sizeof(*grown));
    buf_init(&grown->pool, GROWN_BYTES_MAX);
    grown_reset(grown);
}

void grown_release(struct grown *grown) {
    mem_free(grown->nodes);
    mem_free(grown->pieces);
    buf_release(&grown->pool);
    memset(grown, 0, sizeof(*grown));
}

static void *room_for_one(void *list, uint32_t count, uint32_t *capacity, size_t size) {
    if (count < *capacity)
        return list;
    *capacity = *capacity ? *capacity * 2 : 64;
    return mem_grow(list, *capacity * size);
}

static uint32_t node_add(struct grown *grown) {
    if (grown->count >= GROWN_NODES_MAX) {
        grown->is_full = true;
        return 0;
    }
    grown->nodes =
        room_for_one(grown->nodes, grown->count, &grown->capacity, sizeof(*grown->nodes));
    grown->nodes[grown->count] = (struct grown_node){0};
    return grown->count++;
}

// A huge document must not hold its memory for ever.
static void give_back(struct grown *grown) {
    enum { KEPT_MAX = 1 << 16 };
    if (grown->capacity <= KEPT_MAX && grown->piece_capacity <= KEPT_MAX &&
        grown->pool.capacity <= ANSWER_BYTES_MAX / 4)
        return;
    grown_release(grown);
    buf_init(&grown->pool, GROWN_BYTES_MAX);
}

void grown_reset(struct grown *grown) {
    give_back(grown);
    buf_reset(&grown->pool);
    grown->count = 0;
    grown->piece_count = 1;
    grown->is_full = false;
    grown->work = 0;
    grown->pieces = room_for_one(grown->pieces, 1, &grown->piece_capacity, sizeof(*grown->pieces));
    grown->pieces[0] = (struct grown_piece){0};
    (void)node_add(grown);
}

enum err grown_state(const struct grown *grown) {
    return grown->is_full ? ERR_TOO_BIG : buf_state(&grown->pool);
}

static bool has_room(struct grown *grown) {
    grown->is_full = grown->is_full || buf_state(&grown->pool) != ERR_OK;
    return !grown->is_full;
}

// ---- values -------------------------------------------------------------------------------------

static uint32_t keep_bytes(struct grown *grown, struct bytes bytes) {
    size_t at = grown->pool.size;
    buf_put(&grown->pool, bytes.at, bytes.size);
    return (uint32_t)at;
}

// Appends a piece of a raw value; two that stand side by side in the pool are one.
static void put_piece(struct grown *grown, uint32_t node, struct bytes raw) {
    struct grown_node *to = &grown->nodes[node];
    struct grown_piece *last = &grown->pieces[to->piece_last];
    bool is_beside = to->piece_last && last->at + last->size == grown->pool.size;
    uint32_t at = keep_bytes(grown, raw);
    if (!has_room(grown) || raw.size == 0)
        return;
    if (is_beside) {
        last->size += (uint32_t)raw.size;
        return;
    }
    grown->pieces = room_for_one(grown->pieces, grown->piece_count, &grown->piece_capacity,
                                 sizeof(*grown->pieces));
    uint32_t piece = grown->piece_count++;
    grown->pieces[piece] = (struct grown_piece){at, (uint32_t)raw.size, 0};
    if (to->piece_last)
        grown->pieces[to->piece_last].next = piece;
    else
        to->piece_first = piece;
    to->piece_last = piece;
}

static void clear(struct grown *grown, uint32_t node, enum json_shape shape) {
    struct grown_node *at = &grown->nodes[node];
    at->first = at->last = at->found = at->piece_first = at->piece_last = 0;
    at->shape = (uint8_t)shape;
}

static bool is_value(const struct grown *grown, uint32_t node, enum json_shape shape,
                     struct bytes raw) {
    const struct grown_node *at = &grown->nodes[node];
    const struct grown_piece *piece = &grown->pieces[at->piece_first];
    return at->shape == (uint8_t)shape && at->piece_first == at->piece_last &&
           (at->piece_first == 0
                ? raw.size == 0
                : bytes_equal(raw, bytes_of(grown->pool.at + piece->at, piece->size)));
}

// What stands between the quotes of a text; a number as it is; nothing of the rest.
static struct bytes inside(const struct json_scan *scan, uint32_t node) {
    struct bytes raw = json_raw(scan, node);
    if (scan->nodes[node].shape == JSON_SHAPE_text)
        return bytes_of(raw.at + 1, raw.size - 2);
    return scan->nodes[node].shape == JSON_SHAPE_number ? raw : bytes_of(NULL, 0);
}

static void set_value(struct grown *grown, uint32_t node, enum json_shape shape, struct bytes raw) {
    if (is_value(grown, node, shape, raw))
        return;
    clear(grown, node, shape);
    put_piece(grown, node, raw);
}

// ---- places -------------------------------------------------------------------------------------

static void become(struct grown *grown, uint32_t node, enum json_shape shape) {
    if (grown->nodes[node].shape != (uint8_t)shape)
        clear(grown, node, shape);
}

// A node behind that sibling; 0: the first.
static uint32_t child_add(struct grown *grown, uint32_t parent, uint32_t before) {
    uint32_t i = has_room(grown) ? node_add(grown) : 0;
    if (i == 0)
        return 0;
    struct grown_node *at = &grown->nodes[parent];
    uint32_t *link = before ? &grown->nodes[before].next : &at->first;
    grown->nodes[i].parent = parent;
    grown->nodes[i].next = *link;
    *link = i;
    if (at->last == before)
        at->last = i;
    at->found = i;
    return i;
}

// Pays for steps of a search. What comes in the order in which it came before is found in one or
// two; for anything else a stream has so many in all.
static bool pay(struct grown *grown, size_t steps) {
    if (steps > GROWN_WORK_MAX - grown->work)
        grown->is_full = true;
    else
        grown->work += (uint32_t)steps;
    return !grown->is_full;
}

static bool has_name(struct grown *grown, const struct grown_node *node, struct bytes name) {
    return node->name_size == name.size && pay(grown, name.size / 64) &&
           bytes_equal(name, bytes_of(grown->pool.at + node->name_at, node->name_size));
}

// Looks from one child on, up to another one (0: to the last).
static uint32_t find_between(struct grown *grown, uint32_t from, uint32_t to, struct bytes name) {
    uint32_t i = from;
    for (; i != to && pay(grown, 1); i = grown->nodes[i].next)
        if (has_name(grown, &grown->nodes[i], name))
            return i;
    return 0;
}

// Begins behind the member that was found last, which is where the next one of a repetition stands.
static uint32_t find_name(struct grown *grown, uint32_t object, struct bytes name) {
    struct grown_node *at = &grown->nodes[object];
    if (at->shape != JSON_SHAPE_object)
        return 0;
    uint32_t from = at->found ? grown->nodes[at->found].next : 0;
    uint32_t i = find_between(grown, from, 0, name);
    i = i ? i : find_between(grown, at->first, from, name);
    at->found = i ? i : at->found;
    return i;
}

// The last element of that key; 0 if there is none, and then *before is the one that it would
// follow.
static uint32_t find_key(struct grown *grown, uint32_t array, uint32_t key, uint32_t *before) {
    struct grown_node *at = &grown->nodes[array];
    bool is_behind = at->found && grown->nodes[at->found].key <= key;
    bool is_last = at->last && grown->nodes[at->last].key < key;
    uint32_t i = is_last ? at->last : is_behind ? at->found : at->first;
    *before = 0;
    for (; i && grown->nodes[i].key < key && pay(grown, 1); i = grown->nodes[i].next)
        *before = i;
    bool is_there = i && grown->nodes[i].key == key;
    for (uint32_t next = is_there ? grown->nodes[i].next : 0;
         next && grown->nodes[next].key == key && pay(grown, 1); next = grown->nodes[i].next)
        i = next;
    at->found = is_there ? i : at->found;
    return is_there ? i : 0;
}

static uint32_t member_add(struct grown *grown, uint32_t object, struct bytes name) {
    uint32_t i = child_add(grown, object, grown->nodes[object].last);
    if (i == 0)
        return 0;
    grown->nodes[i].name_at = keep_bytes(grown, name);
    grown->nodes[i].name_size = (uint32_t)name.size;
    return i;
}

static uint32_t member(struct grown *grown, uint32_t object, struct bytes name) {
    if (!has_room(grown))
        return 0;
    become(grown, object, JSON_SHAPE_object);
    uint32_t i = find_name(grown, object, name);
    return i ? i : member_add(grown, object, name);
}

uint32_t grown_member(struct grown *grown, uint32_t object, const char *name) {
    return member(grown, object, bytes_text(name));
}

uint32_t grown_member_like(struct grown *grown, uint32_t object, const struct json_scan *scan,
                           uint32_t node) {
    const struct json_node *at = &scan->nodes[node];
    return member(grown, object, bytes_of(scan->text.at + at->name_at, at->name_size));
}

uint32_t grown_find(struct grown *grown, uint32_t object, const char *name) {
    return grown_state(grown) == ERR_OK ? find_name(grown, object, bytes_text(name)) : 0;
}

bool grown_has_only(const struct grown *grown, uint32_t object, uint32_t one, uint32_t other) {
    for (uint32_t i = grown->nodes[object].first; i; i = grown->nodes[i].next)
        if (i != one && i != other && grown->nodes[i].shape != JSON_SHAPE_null)
            return false;
    return true;
}

uint32_t grown_element(struct grown *grown, uint32_t array, uint32_t key) {
    if (!has_room(grown))
        return 0;
    become(grown, array, JSON_SHAPE_array);
    uint32_t before, i = find_key(grown, array, key, &before);
    if (i)
        return i;
    i = child_add(grown, array, before);
    grown->nodes[i].key = i ? key : 0;
    return i;
}

uint32_t grown_find_element(struct grown *grown, uint32_t array, uint32_t key) {
    uint32_t before;
    if (grown_state(grown) != ERR_OK || grown->nodes[array].shape != JSON_SHAPE_array)
        return 0;
    return find_key(grown, array, key, &before);
}

uint32_t grown_next(struct grown *grown, uint32_t array) {
    if (!has_room(grown))
        return 0;
    become(grown, array, JSON_SHAPE_array);
    uint32_t last = grown->nodes[array].last;
    uint32_t key = last ? grown->nodes[last].key + 1 : 0;
    uint32_t i = child_add(grown, array, last);
    grown->nodes[i].key = i ? key : 0;
    return i;
}

// ---- taking in ----------------------------------------------------------------------------------

// One container of the document that is taken in, and what it goes to.
struct level {
    uint32_t to;
    uint32_t end;
    enum taking how;
    uint32_t position;
    bool is_placed; // a list whose elements' "index" is their place only
    bool is_keyed;  // an element of such a list, found by it
};

static bool is_empty_text(const struct json_scan *scan, uint32_t node) {
    return scan->nodes[node].shape == JSON_SHAPE_text && scan->nodes[node].size == 2;
}

// The key that an element states; false if it states none.
static bool stated_key(const struct json_scan *scan, uint32_t element, uint32_t *key) {
    int64_t number;
    uint32_t index = json_find(scan, element, "index");
    if (index == 0 || !json_count(scan, index, &number) || number > UINT32_MAX)
        return false;
    *key = (uint32_t)number;
    return true;
}

// Whether a text of an element says something else than that of a piece.
static bool differs(struct grown *grown, uint32_t element, const struct json_scan *scan,
                    uint32_t from, const char *name) {
    uint32_t there = find_name(grown, element, bytes_text(name)),
             said = json_find(scan, from, name);
    if (!there || !said || grown->nodes[there].shape != JSON_SHAPE_text ||
        scan->nodes[said].shape != JSON_SHAPE_text || is_empty_text(scan, said))
        return false;
    const struct grown_piece *piece = &grown->pieces[grown->nodes[there].piece_first];
    return piece->size > 0 && piece->next == 0 &&
           !bytes_equal(bytes_of(grown->pool.at + piece->at, piece->size), inside(scan, said));
}

// Whether a piece begins another call than the one that is there: of another id, or of another
// function. Later pieces of a call do not name the function again, and an id alone says little:
// some servers make a new one for each piece.
static bool begins_another_call(struct grown *grown, uint32_t element, const struct json_scan *scan,
                                uint32_t from) {
    uint32_t function = json_find(scan, from, "function");
    uint32_t name = function ? json_find(scan, function, "name") : 0;
    if (!name || scan->nodes[name].shape != JSON_SHAPE_text || is_empty_text(scan, name))
        return false;
    uint32_t there = find_name(grown, element, bytes_text("function"));
    return differs(grown, element, scan, from, "id") ||
           (there && differs(grown, there, scan, function, "name"));
}

// The element of a stated key. Some servers give all of them the same one: what has another type,
// or begins another call, goes on with none that is there.
static uint32_t element_of(struct grown *grown, const struct json_scan *scan, uint32_t from,
                           uint32_t array, uint32_t key) {
    uint32_t element = grown_element(grown, array, key);
    if (!element)
        return 0;
    if (!begins_another_call(grown, element, scan, from) &&
        !differs(grown, element, scan, from, "type"))
        return element;
    uint32_t other = child_add(grown, array, element);
    grown->nodes[other].key = other ? key : 0;
    return other;
}

static uint32_t place_of(struct grown *grown, const struct json_scan *scan, uint32_t from,
                         struct level *in) {
    const struct json_node *node = &scan->nodes[from];
    uint32_t key;
    if (grown->nodes[in->to].shape == JSON_SHAPE_object) {
        struct bytes name = bytes_of(scan->text.at + node->name_at, node->name_size);
        return in->how == TAKING_copy ? member_add(grown, in->to, name)
                                      : member(grown, in->to, name);
    }
    if (in->how == TAKING_rest)
        return grown_element(grown, in->to, in->position++);
    if (in->how == TAKING_add && stated_key(scan, from, &key))
        return element_of(grown, scan, from, in->to, key);
    return grown_next(grown, in->to);
}

static bool is_one_of(const struct json_scan *scan, uint32_t node, const char *const *names) {
    for (; *names; names++)
        if (json_is_named(scan, node, bytes_text(*names)))
            return true;
    return false;
}

static bool does_grow(const struct json_scan *scan, uint32_t text,
                      const struct grown_growth *growth) {
    return growth->grows ? is_one_of(scan, text, growth->grows)
                         : !growth->whole || !is_one_of(scan, text, growth->whole);
}

static void take_value(struct grown *grown, uint32_t node, const struct json_scan *scan,
                       uint32_t from, enum taking how, const struct grown_growth *growth) {
    enum json_shape shape = (enum json_shape)scan->nodes[from].shape;
    bool is_there = grown->nodes[node].shape != JSON_SHAPE_null;
    if (shape == JSON_SHAPE_null && is_there && how != TAKING_rest)
        return;
    bool is_piece = how == TAKING_add && shape == JSON_SHAPE_text;
    if (is_piece && does_grow(scan, from, growth)) {
        become(grown, node, JSON_SHAPE_text);
        put_piece(grown, node, inside(scan, from));
    } else if (!is_piece || !is_empty_text(scan, from) || !is_there) {
        set_value(grown, node, shape, inside(scan, from));
    }
}

// How the inside of a container is taken into what is there.
static enum taking inside_of(struct grown *grown, uint32_t node, enum json_shape shape,
                             enum taking how) {
    bool is_replaced = how == TAKING_merge && shape == JSON_SHAPE_array;
    if (is_replaced || grown->nodes[node].shape != (uint8_t)shape)
        clear(grown, node, shape);
    return is_replaced ? TAKING_copy : how;
}

// The level of a container that goes to a node.
static struct level enter(struct grown *grown, uint32_t to, const struct json_scan *scan,
                          uint32_t from, const struct level *in,
                          const struct grown_growth *growth) {
    enum json_shape shape = (enum json_shape)scan->nodes[from].shape;
    bool is_added = in->how == TAKING_add;
    uint32_t key;
    return (struct level){
        .to = to,
        .end = scan->nodes[from].end,
        .how = inside_of(grown, to, shape, in->how),
        .is_placed = is_added && shape == JSON_SHAPE_array &&
                     (!growth->placed || is_one_of(scan, from, growth->placed)),
        .is_keyed = in->is_placed && shape == JSON_SHAPE_object && stated_key(scan, from, &key),
    };
}

static void take(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from,
                 enum taking how, const struct grown_growth *growth) {
    struct level levels[JSON_DEPTH_MAX + 1] = {
        {.to = node, .end = scan->nodes[from].end, .how = how}};
    unsigned depth = 0;
    for (uint32_t i = from; i < scan->nodes[from].end && has_room(grown);) {
        while (depth > 0 && i >= levels[depth].end)
            depth--;
        struct level *in = &levels[depth];
        bool is_key = in->is_keyed && json_is_named(scan, i, bytes_text("index"));
        if (is_key || (in->how == TAKING_rest && scan->nodes[i].is_marked)) {
            in->position++;
            i = scan->nodes[i].end;
            continue;
        }
        uint32_t to = i == from ? node : place_of(grown, scan, i, in);
        if (!has_room(grown))
            break;
        if (scan->nodes[i].shape < JSON_SHAPE_array) {
            take_value(grown, to, scan, i, in->how, growth);
            i = scan->nodes[i].end;
            continue;
        }
        levels[depth + 1] = enter(grown, to, scan, i, in, growth);
        depth++;
        i++;
    }
    scan->nodes[from].is_marked = true;
}

static const struct grown_growth all_grows = {0};

void grown_set(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from) {
    if (from == 0)
        return;
    bool is_container = scan->nodes[from].shape >= JSON_SHAPE_array;
    if (is_container || scan->nodes[from].shape == JSON_SHAPE_null)
        clear(grown, node, JSON_SHAPE_null);
    take(grown, node, scan, from, TAKING_copy, &all_grows);
}

void grown_keep(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from) {
    if (from == 0)
        return;
    bool says_nothing = scan->nodes[from].shape == JSON_SHAPE_null || is_empty_text(scan, from);
    if (!says_nothing || grown->nodes[node].shape == JSON_SHAPE_null)
        grown_set(grown, node, scan, from);
    scan->nodes[from].is_marked = true;
}

void grown_merge(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from) {
    if (from != 0)
        take(grown, node, scan, from, TAKING_merge, &all_grows);
}

void grown_grow(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from,
                const struct grown_growth *growth) {
    if (from != 0)
        take(grown, node, scan, from, TAKING_add, growth);
}

void grown_add(struct grown *grown, uint32_t node, struct json_scan *scan, uint32_t from,
               const char *const *whole) {
    const struct grown_growth growth = {.whole = whole};
    grown_grow(grown, node, scan, from, &growth);
}

// Marks containers of which all is marked.
static void mark_emptied(struct json_scan *scan) {
    for (uint32_t i = scan->count; i-- > 0;) {
        struct json_node *node = &scan->nodes[i];
        bool is_left = node->shape < JSON_SHAPE_array || node->count == 0;
        for (uint32_t k = i + 1; !is_left && k < node->end; k = scan->nodes[k].end)
            is_left = !scan->nodes[k].is_marked;
        if (!is_left)
            node->is_marked = true;
    }
}

void grown_rest(struct grown *grown, uint32_t node, struct json_scan *scan) {
    if (scan->count == 0)
        return;
    mark_emptied(scan);
    if (!scan->nodes[0].is_marked)
        take(grown, node, scan, 0, TAKING_rest, &all_grows);
}

void grown_set_text(struct grown *grown, uint32_t node, const char *text) {
    struct buf raw;
    buf_init(&raw, FRAME_BYTES_MAX);
    json_put_text(&raw, bytes_text(text));
    struct bytes all = buf_bytes(&raw);
    if (all.size >= 2)
        set_value(grown, node, JSON_SHAPE_text, bytes_of(all.at + 1, all.size - 2));
    buf_release(&raw);
}

static unsigned containers_above(const struct grown *grown, uint32_t node) {
    unsigned count = 0;
    for (uint32_t i = node; i; i = grown->nodes[i].parent)
        count++;
    return count;
}

unsigned grown_depth(const struct grown *grown) {
    unsigned above = 0, deepest = 0;
    for (uint32_t i = 0;;) {
        bool is_container = grown->nodes[i].shape >= JSON_SHAPE_array;
        deepest = is_container && above == deepest ? above + 1 : deepest;
        if (is_container && grown->nodes[i].first) {
            above++;
            i = grown->nodes[i].first;
            continue;
        }
        for (; i && !grown->nodes[i].next; above--)
            i = grown->nodes[i].parent;
        if (i == 0)
            return deepest;
        i = grown->nodes[i].next;
    }
}

bool grown_set_json(struct grown *grown, uint32_t node, struct bytes json) {
    struct json_scan scan;
    json_scan_init(&scan);
    bool is_json = json_scan(&scan, json, NULL) == ERR_OK &&
                   containers_above(grown, node) + json_depth(&scan) <= JSON_DEPTH_MAX;
    if (is_json) {
        clear(grown, node, JSON_SHAPE_null);
        take(grown, node, &scan, 0, TAKING_copy, &all_grows);
    }
    json_scan_release(&scan);
    return is_json;
}

// ---- writing ------------------------------------------------------------------------------------

static void put_value(const struct grown *grown, const struct grown_node *node, struct buf *out) {
    static const char *const words[] = {"null", "false", "true", "", "\"", "[", "{"};
    buf_text(out, words[node->shape]);
    for (uint32_t i = node->piece_first; i; i = grown->pieces[i].next)
        buf_put(out, grown->pool.at + grown->pieces[i].at, grown->pieces[i].size);
    if (node->shape == JSON_SHAPE_text)
        buf_byte(out, '"');
}

static void put_end(const struct grown_node *node, struct buf *out) {
    if (node->shape >= JSON_SHAPE_array)
        buf_byte(out, node->shape == JSON_SHAPE_array ? ']' : '}');
}

void grown_put(const struct grown *grown, uint32_t node, struct buf *out) {
    if (grown_state(grown) != ERR_OK)
        return;
    for (uint32_t i = node;;) {
        const struct grown_node *at = &grown->nodes[i];
        if (i != node && grown->nodes[at->parent].shape == JSON_SHAPE_object) {
            buf_byte(out, '"');
            buf_put(out, grown->pool.at + at->name_at, at->name_size);
            buf_text(out, "\":");
        }
        put_value(grown, at, out);
        if (at->shape >= JSON_SHAPE_array && at->first) {
            i = at->first;
            continue;
        }
        put_end(at, out);
        while (i != node && !grown->nodes[i].next) {
            i = grown->nodes[i].parent;
            put_end(&grown->nodes[i], out);
        }
        if (i == node)
            return;
        i = grown->nodes[i].next;
        buf_byte(out, ',');
    }
}
