#include "workers/ingress/judge.h"

#include "common/asked.h"
#include "common/id.h"
#include "common/mem.h"
#include "common/rating.h"
#include "common/wire.h"
#include "workers/provider/adapter.h"

#include <assert.h>

// ---- the members of a line ----------------------------------------------------------------------

static const struct {
    const char *name;
    unsigned shapes;
    unsigned kinds;
    const char *words;
} members[MEMBERS] = {
#define X(name, shapes, kinds, words) {#name, shapes, kinds, words},
    MEMBER_MAP(X)
#undef X
};

// ---- the validator ------------------------------------------------------------------------------

struct validator *validator_new(struct bytes provider, struct id batch_id, bool continues) {
    struct validator *v = mem_new(sizeof(*v));
    v->provider = mem_copy(provider.at, provider.size);
    v->batch_id = batch_id;
    v->continues = continues;
    idmap_init(&v->custom_ids, CUSTOM_IDS_MAX);
    idmap_init(&v->conversation_ids, CONVERSATIONS_MAX);
    idmap_init(&v->route_ids, ROUTES_MAX);
    json_scan_init(&v->scan);
    for (int i = 0; i < SCRATCHES; i++)
        buf_init(&v->scratch[i], LINE_BYTES_MAX);
    buf_init(&v->made_up, CUSTOM_ID_BYTES_MAX);
    buf_init(&v->wanted, NAME_BYTES_MAX);
    buf_init(&v->words, DETAIL_BYTES_MAX);
    return v;
}

void validator_free(struct validator *v) {
    if (!v)
        return;
    for (uint32_t i = 0; i < v->route_count; i++)
        mem_free(v->routes[i].text);
    mem_free(v->routes);
    for (uint32_t i = 0; i < v->conversation_count; i++)
        conversation_release(&v->conversations[i]);
    mem_free(v->conversations);
    mem_free(v->provider);
    idmap_release(&v->custom_ids);
    idmap_release(&v->conversation_ids);
    idmap_release(&v->route_ids);
    json_scan_release(&v->scan);
    for (int i = 0; i < SCRATCHES; i++)
        buf_release(&v->scratch[i]);
    buf_release(&v->made_up);
    buf_release(&v->wanted);
    buf_release(&v->words);
    mem_free(v);
}

void validator_catalogue(struct validator *v, const struct catalogue *catalogue) {
    v->catalogue = catalogue;
}

struct id fingerprint(struct bytes text) {
    struct digest digest = digest_of(text);
    struct id id;
    memcpy(id.at, digest.at, sizeof(id.at));
    return id;
}

// The text of a member, or nothing where it is absent or no string.
struct bytes member_text(struct validator *v, enum member member, unsigned scratch) {
    uint32_t node = v->at[member];
    if (node == 0 || v->scan.nodes[node].shape != JSON_SHAPE_text)
        return bytes_of(NULL, 0);
    assert(scratch < SCRATCHES);
    buf_reset(&v->scratch[scratch]);
    return json_text(&v->scan, node, &v->scratch[scratch]);
}

// ---- reading ------------------------------------------------------------------------------------

static enum refusal note_member(struct validator *v, uint32_t node) {
    for (int i = 0; i < MEMBERS; i++) {
        if (json_is_named(&v->scan, node, bytes_text(members[i].name))) {
            v->at[i] = node;
            return REFUSAL_none;
        }
    }
    return REFUSAL_unknown_member;
}

// Finds the members and what kind of line it is. A stranger among the members of a turn is
// refused: a word that is misspelt would go unheard, and be paid for.
static enum refusal find_members(struct validator *v) {
    const struct json_node *nodes = v->scan.nodes;
    uint32_t stranger = 0;
    if (nodes[0].shape != JSON_SHAPE_object)
        return REFUSAL_not_object;
    for (uint32_t i = 1; i < nodes[0].end; i = nodes[i].end)
        if (note_member(v, i) != REFUSAL_none)
            stranger = i;
    bool is_turn = v->at[MEMBER_input] || v->at[MEMBER_conversation];
    bool is_call = v->at[MEMBER_body] || v->at[MEMBER_url] || v->at[MEMBER_method] ||
                   (v->at[MEMBER_params] && !is_turn);
    if (is_call == is_turn) {
        if (is_call)
            buf_text(&v->words, "a line is a call (\"body\") or a turn (\"input\"), not both");
        return REFUSAL_unknown_kind;
    }
    v->kind = is_call ? LINE_call : LINE_turn;
    v->body = v->at[MEMBER_body] || !v->at[MEMBER_params] ? MEMBER_body : MEMBER_params;
    if (stranger == 0 || v->kind == LINE_call)
        return REFUSAL_none;
    struct bytes name =
        bytes_of(v->scan.text.at + nodes[stranger].name_at, nodes[stranger].name_size);
    name = bytes_cut(name, 64);
    buf_printf(&v->words, "a conversation turn has no member \"%.*s\"", (int)name.size,
               (const char *)name.at);
    return REFUSAL_unknown_member;
}

static enum refusal check_types(struct validator *v) {
    for (int i = 0; i < MEMBERS; i++) {
        uint32_t node = v->at[i];
        if (node == 0)
            continue;
        if (!(members[i].kinds & v->kind)) {
            // A call may have members of any name; those of a turn mean nothing there.
            if (v->kind == LINE_turn) {
                buf_printf(&v->words, "a conversation turn has no member \"%s\"", members[i].name);
                return REFUSAL_unknown_member;
            }
            continue;
        }
        if (!(members[i].shapes >> v->scan.nodes[node].shape & 1u)) {
            buf_printf(&v->words, "\"%s\" must be %s", members[i].name, members[i].words);
            return REFUSAL_wrong_type;
        }
        if (v->scan.nodes[node].is_odd && v->scan.nodes[node].shape == JSON_SHAPE_text) {
            buf_printf(&v->words, "\"%s\" holds \\u0000 or half a character", members[i].name);
            return REFUSAL_wrong_type;
        }
    }
    return REFUSAL_none;
}

enum refusal check_name(struct validator *v, struct bytes name, const char *what, size_t size_max) {
    if (name.size <= size_max)
        return REFUSAL_none;
    buf_printf(&v->words, "\"%s\" has more than %zu bytes", what, size_max);
    return REFUSAL_name_too_long;
}

// ---- calls --------------------------------------------------------------------------------------

// The member of a call's body if it is there, and null counts as absent; 0 otherwise.
static uint32_t body_member(struct validator *v, const char *name) {
    uint32_t node = json_find(&v->scan, v->at[v->body], name);
    return node != 0 && v->scan.nodes[node].shape == JSON_SHAPE_null ? 0 : node;
}

// An answer in pieces is for APIs that have been taught to give one.
enum refusal check_stream(struct validator *v, uint32_t object) {
    uint32_t node = json_find(&v->scan, object, "stream");
    enum json_shape shape = node ? (enum json_shape)v->scan.nodes[node].shape : JSON_SHAPE_null;
    if (shape == JSON_SHAPE_null || shape == JSON_SHAPE_false)
        return REFUSAL_none;
    if (shape != JSON_SHAPE_true) {
        buf_text(&v->words, "\"stream\" must be true or false");
        return REFUSAL_wrong_type;
    }
    return api_streams(v->route.entry) ? REFUSAL_none : REFUSAL_stream_not_served;
}

// The model of a call: its url's where that has one, which its body may say again; else its body's.
static enum refusal find_model(struct validator *v, const char *name, struct bytes *model) {
    struct bytes in_url;
    uint32_t node = body_member(v, "model");
    bool has_url = catalogue_url_model(v->catalogue, member_text(v, MEMBER_url, 4), &in_url);
    if (node != 0 && (v->scan.nodes[node].shape != JSON_SHAPE_text || v->scan.nodes[node].is_odd)) {
        buf_printf(&v->words, "\"%s.model\" must be a string", name);
        return REFUSAL_wrong_type;
    }
    buf_reset(&v->scratch[1]);
    *model = node ? json_text(&v->scan, node, &v->scratch[1]) : bytes_of(NULL, 0);
    if (!has_url)
        return model->size > 0 ? REFUSAL_none : REFUSAL_no_model;
    struct bytes provider, plain = *model;
    (void)catalogue_split_model(v->catalogue, *model, &provider, &plain);
    if (plain.size > 0 && !bytes_equal(plain, in_url)) {
        buf_printf(&v->words, "the \"url\" and \"%s.model\" name different models", name);
        return REFUSAL_wrong_type;
    }
    if (plain.size == 0)
        *model = in_url;
    return REFUSAL_none;
}

static enum refusal check_body(struct validator *v, struct bytes *model) {
    const struct json_node *nodes = v->scan.nodes;
    const char *name = members[v->body].name;
    if (v->at[v->body] == 0 || nodes[v->at[v->body]].shape != JSON_SHAPE_object) {
        buf_printf(&v->words, "a call needs a \"%s\" that is an object", name);
        return REFUSAL_wrong_type;
    }
    enum refusal refusal = find_model(v, name, model);
    if (refusal != REFUSAL_none)
        return refusal;
    uint32_t messages = body_member(v, "messages");
    if (messages != 0 && nodes[messages].shape != JSON_SHAPE_array) {
        buf_printf(&v->words, "\"%s.messages\" must be a list", name);
        return REFUSAL_wrong_type;
    }
    return REFUSAL_none;
}

// What the API needs of every request. The provider would refuse it too, but later.
static enum refusal check_fields(struct validator *v) {
    if (!api_takes_fields(v->route.entry, &v->scan, v->at[v->body], &v->words))
        return REFUSAL_not_taken;
    for (const char *const *name = v->route.entry->required_fields; *name; name++)
        if (body_member(v, *name) == 0) {
            buf_printf(&v->words, "\"%s\" has no \"%s\", which %s %s needs", members[v->body].name,
                       *name, v->route.entry->provider, v->route.entry->api);
            return REFUSAL_missing_field;
        }
    return REFUSAL_none;
}

static void estimate(struct validator *v, int64_t now_ms, struct put_item *item) {
    size_t bytes = v->scan.nodes[v->at[v->body]].size;
    struct rating rating;
    struct bytes tier;
    item->tokens_estimate = (uint64_t)bytes / BYTES_PER_TOKEN + 1;
    if (!asked_tier(v->route.entry, &v->scan, v->at[v->body], &v->scratch[2], &tier))
        return;
    rating_upper_bound_in(v->catalogue, item->provider, item->model, tier,
                          asked_input_max(v->route.entry, &v->scan, v->at[v->body], bytes),
                          asked_output_max(v->route.entry, ASKED_native, &v->scan, v->at[v->body]),
                          now_ms, &rating);
    item->cost_max_pusd = rating.is_priced ? rating.pusd : -1;
}

static enum refusal judge_call(struct validator *v, struct put_item *item) {
    struct bytes model;
    enum refusal refusal = check_body(v, &model);
    if (refusal != REFUSAL_none)
        return refusal;
    struct bytes method = member_text(v, MEMBER_method, 2);
    if (v->at[MEMBER_method] && !bytes_is(method, "POST"))
        return REFUSAL_wrong_method;
    if (item->custom_id.size == 0)
        return REFUSAL_no_custom_id;
    struct route_wish wish = {
        .url = member_text(v, MEMBER_url, 2),
        .api = member_text(v, MEMBER_api, 3),
        .member = v->body == MEMBER_body ? NULL : members[v->body].name,
        .provider = bytes_text(v->provider),
        .model = model,
    };
    if (wish.url.size == 0 && wish.api.size == 0 && !wish.member)
        return REFUSAL_no_url;
    item->turn = 1;
    item->conversation_id = item->job_id;
    refusal = route_find(v->catalogue, &wish, &v->route, &v->words);
    if (refusal == REFUSAL_none)
        refusal = check_stream(v, v->at[v->body]);
    return refusal == REFUSAL_none ? check_fields(v) : refusal;
}

// ---- a line -------------------------------------------------------------------------------------

// Reads the line into its members.
static enum refusal read_line(struct validator *v, struct bytes raw) {
    size_t at = 0;
    memset(v->at, 0, sizeof(v->at));
    if (json_scan(&v->scan, raw, &at) != ERR_OK) {
        v->kind = 0;
        if (!utf8_is_valid(raw))
            return REFUSAL_invalid_utf8;
        if (raw.size >= 3 && memcmp(raw.at, "\xef\xbb\xbf", 3) == 0)
            buf_text(&v->words, "the file starts with a byte order mark; remove it");
        else if (json_is_complete(raw)) // which does not look at names
            buf_printf(&v->words, "a name stands twice in an object, at byte %zu of the line",
                       at + 1);
        else
            buf_printf(&v->words, "not valid JSON at byte %zu of the line", at + 1);
        return REFUSAL_not_json;
    }
    enum refusal refusal = find_members(v);
    return refusal == REFUSAL_none ? check_types(v) : refusal;
}

static enum refusal check_names(struct validator *v, const struct put_item *item) {
    enum refusal refusal = check_name(v, v->route.model, "model", MODEL_BYTES_MAX);
    uint32_t first = 0;
    if (refusal != REFUSAL_none)
        return refusal;
    uint32_t number = v->number < UINT32_MAX ? (uint32_t)v->number : UINT32_MAX;
    struct id id = fingerprint(item->custom_id);
    switch (idmap_put(&v->custom_ids, id, number)) {
    case ERR_OK:
        return REFUSAL_none;
    case ERR_EXISTS:
        (void)idmap_get(&v->custom_ids, id, &first);
        buf_printf(&v->words, "this custom_id stands in line %u already", (unsigned)first);
        return REFUSAL_duplicate_custom_id;
    default:
        return REFUSAL_too_many_custom_ids;
    }
}

static void refuse(struct validator *v, enum refusal refusal, struct put_item *item) {
    if (buf_state(&v->words) != ERR_OK || v->words.size == 0) {
        buf_reset(&v->words);
        buf_text(&v->words, refusal_text(refusal));
    }
    item->refused = bytes_text(refusal_code(refusal));
    item->detail = buf_bytes(&v->words);
    item->provider = item->api = item->key = item->model = bytes_of(NULL, 0);
    item->cost_max_pusd = -1;
    if (v->conversation != NONE) {
        struct conversation *conversation = &v->conversations[v->conversation];
        if (conversation->refused_line == 0)
            conversation->refused_line = v->number;
    } else if (item->conversation.size == 0) {
        item->conversation_id = item->job_id;
    }
}

// A refused line that names a conversation takes it along, whatever else is wrong with it.
static void note_conversation(struct validator *v, struct put_item *item) {
    struct conversation *conversation;
    size_t said = v->words.size;
    if (v->conversation == NONE && v->at[MEMBER_conversation] != 0 &&
        find_conversation(v, item, false, &conversation) != REFUSAL_none)
        v->words.size = v->words.failed ? 0 : said;
}

static enum refusal judge(struct validator *v, struct bytes raw, struct put_item *item) {
    enum refusal refusal = read_line(v, raw);
    struct bytes custom_id = member_text(v, MEMBER_custom_id, 0);
    if (custom_id.size > 0 && !v->scan.nodes[v->at[MEMBER_custom_id]].is_odd) {
        if (custom_id.size <= CUSTOM_ID_BYTES_MAX)
            item->custom_id = custom_id;
        else if (refusal == REFUSAL_none)
            refusal = check_name(v, custom_id, "custom_id", CUSTOM_ID_BYTES_MAX);
    }
    if (refusal == REFUSAL_none)
        refusal = v->kind == LINE_call ? judge_call(v, item) : judge_turn(v, item);
    return refusal == REFUSAL_none ? check_names(v, item) : refusal;
}

enum refusal validator_line(struct validator *v, uint64_t number, struct bytes raw,
                            struct id job_id, int64_t now_ms, struct put_item *item) {
    assert(v->catalogue);
    *item = (struct put_item){.line = number, .job_id = job_id, .cost_max_pusd = -1};
    v->number = number;
    v->conversation = NONE;
    v->route = (struct route_found){.entry = NULL};
    buf_reset(&v->words);
    enum refusal refusal = judge(v, raw, item);
    if (refusal == REFUSAL_unresolved)
        return refusal;
    if (refusal != REFUSAL_none) {
        note_conversation(v, item);
        refuse(v, refusal, item);
        return refusal;
    }
    item->provider = v->route.provider;
    item->api = v->route.api;
    item->key = bytes_text("default");
    item->model = v->route.model;
    if (v->kind == LINE_call)
        estimate(v, now_ms, item);
    else
        v->conversations[v->conversation].turns++;
    return REFUSAL_none;
}

void validator_long_line(struct validator *v, uint64_t number, struct id job_id,
                         struct put_item *item) {
    *item = (struct put_item){.line = number, .job_id = job_id};
    v->number = number;
    v->conversation = NONE;
    buf_reset(&v->words);
    buf_printf(&v->words, "longer than %d bytes", LINE_BYTES_MAX);
    refuse(v, REFUSAL_line_too_long, item);
}
