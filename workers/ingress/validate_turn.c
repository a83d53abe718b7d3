// Turns of conversations: what a line says as a turn, which conversation it belongs to, and where
// it goes.
#include "workers/ingress/judge.h"

#include "common/id.h"
#include "common/mem.h"
#include "workers/provider/adapter.h"

#include <assert.h>

// Parts of an input are objects that say their type; tags are strings.
static enum refusal check_inside(struct validator *v, enum member member) {
    const struct json_node *nodes = v->scan.nodes;
    uint32_t list = v->at[member];
    if (list == 0 || nodes[list].shape == JSON_SHAPE_text)
        return REFUSAL_none;
    for (uint32_t i = list + 1; i < nodes[list].end; i = nodes[i].end) {
        if (member == MEMBER_tags ? nodes[i].shape == JSON_SHAPE_text
                                  : json_find(&v->scan, i, "type") != 0)
            continue;
        buf_text(&v->words, member == MEMBER_tags ? "\"tags\" must be an object of strings"
                                                  : "a part of \"input\" must be an object with "
                                                    "a \"type\"");
        return REFUSAL_wrong_type;
    }
    if (member == MEMBER_tags && nodes[list].size > TAGS_BYTES_MAX) {
        buf_printf(&v->words, "\"tags\" have more than %d bytes", TAGS_BYTES_MAX);
        return REFUSAL_name_too_long;
    }
    return REFUSAL_none;
}

// ---- turns --------------------------------------------------------------------------------------

static struct conversation *conversation_of(struct validator *v, struct id id) {
    if (idmap_get(&v->conversation_ids, id, &v->conversation) == ERR_OK)
        return &v->conversations[v->conversation];
    if (idmap_put(&v->conversation_ids, id, v->conversation_count) != ERR_OK)
        return NULL;
    if (v->conversation_count == v->conversation_capacity) {
        v->conversation_capacity = v->conversation_capacity ? v->conversation_capacity * 2 : 64;
        v->conversations =
            mem_grow(v->conversations, v->conversation_capacity * sizeof(*v->conversations));
    }
    v->conversation = v->conversation_count++;
    v->conversations[v->conversation] = (struct conversation){.route = NONE};
    return &v->conversations[v->conversation];
}

// Remembers the line's route for later turns: its number, or NONE when there are too many.
static uint32_t remember_route(struct validator *v) {
    const struct route_found *found = &v->route;
    struct bytes parts[] = {found->provider, found->api, found->model};
    uint32_t number;
    buf_reset(&v->scratch[3]);
    for (int i = 0; i < 3; i++) {
        buf_put(&v->scratch[3], parts[i].at, parts[i].size);
        buf_byte(&v->scratch[3], 0);
    }
    struct id id = fingerprint(buf_bytes(&v->scratch[3]));
    if (idmap_get(&v->route_ids, id, &number) == ERR_OK)
        return number;
    if (idmap_put(&v->route_ids, id, v->route_count) != ERR_OK)
        return NONE;
    if (v->route_count == v->route_capacity) {
        v->route_capacity = v->route_capacity ? v->route_capacity * 2 : 8;
        v->routes = mem_grow(v->routes, v->route_capacity * sizeof(*v->routes));
    }
    v->routes[v->route_count] = (struct known_route){
        .text = mem_copy(v->scratch[3].at, v->scratch[3].size),
        .provider_size = (uint32_t)found->provider.size,
        .api_size = (uint32_t)found->api.size,
        .model_size = (uint32_t)found->model.size,
    };
    return v->route_count++;
}

static void recall_route(const struct validator *v, uint32_t number, struct route_wish *wish) {
    if (number == NONE)
        return;
    const struct known_route *route = &v->routes[number];
    const char *api = route->text + route->provider_size + 1;
    wish->earlier_provider = bytes_of(route->text, route->provider_size);
    wish->earlier_api = bytes_of(api, route->api_size);
    wish->earlier_model = bytes_of(api + route->api_size + 1, route->model_size);
}

// Whether the API can take what the turn says. Settings of an earlier turn are judged with that
// one: where a later turn goes to another API, its adapter may still refuse them before it calls.
static enum refusal check_taken(struct validator *v) {
    const struct provider_api *api = v->route.entry;
    const struct adapter *adapter = adapter_for(api->shape);
    if (!adapter) {
        buf_printf(&v->words, "this API is not served yet: %s %s", api->provider, api->api);
        return REFUSAL_api_not_served;
    }
    return adapter->takes(api, &v->scan, &v->words) ? REFUSAL_none : REFUSAL_not_taken;
}

static enum refusal find_turn_route(struct validator *v, struct conversation *conversation) {
    struct route_wish wish = {
        .model = member_text(v, MEMBER_model, 2),
        .api = member_text(v, MEMBER_api, 3),
        .provider = bytes_text(v->provider),
        .is_turn = true,
    };
    recall_route(v, conversation->route, &wish);
    enum refusal refusal = route_find(v->catalogue, &wish, &v->route, &v->words);
    bool is_restated = wish.model.size > 0 || wish.api.size > 0;
    if (refusal == REFUSAL_none)
        refusal = check_taken(v);
    if (refusal != REFUSAL_none || !is_restated)
        return refusal;
    conversation->route = remember_route(v);
    return conversation->route == NONE ? REFUSAL_too_many_models : REFUSAL_none;
}

// A turn without a custom_id gets conversation/turn, by which its result is known.
static void make_custom_id(struct validator *v, struct put_item *item) {
    buf_reset(&v->made_up);
    buf_printf(&v->made_up, "%.*s/%llu", (int)item->conversation.size,
               (const char *)item->conversation.at, (unsigned long long)item->turn);
    item->custom_id = buf_bytes(&v->made_up);
}

// Takes the id and the next turn of a conversation.
static void name_turn(const struct conversation *conversation, struct put_item *item) {
    const struct continued *continued = conversation->continued;
    item->turn = conversation->turns + 1;
    if (!continued || continued->refusal != REFUSAL_none)
        return;
    item->conversation_id = continued->id;
    item->origin_id = continued->origin;
    item->conversation = bytes_text(continued->name);
}

static bool says_continue(const struct validator *v) {
    uint32_t node = v->at[MEMBER_continue];
    return node != 0 && v->scan.nodes[node].shape == JSON_SHAPE_true;
}

enum refusal find_conversation(struct validator *v, struct put_item *item, bool may_ask,
                               struct conversation **out) {
    struct bytes name = member_text(v, MEMBER_conversation, 1);
    uint32_t known;
    if (name.size == 0 || v->scan.nodes[v->at[MEMBER_conversation]].is_odd)
        return REFUSAL_no_conversation;
    enum refusal refusal = check_name(v, name, "conversation", NAME_BYTES_MAX);
    if (refusal != REFUSAL_none)
        return refusal;
    item->conversation = name;
    item->conversation_id = uuid_named(v->batch_id, name);
    bool is_new = idmap_get(&v->conversation_ids, item->conversation_id, &known) != ERR_OK;
    // Nor would there be room for what the ledger says of it, and it would be asked for ever.
    if (is_new && idmap_is_full(&v->conversation_ids))
        return REFUSAL_too_many_conversations;
    if (is_new && may_ask && (v->continues || says_continue(v))) {
        buf_reset(&v->wanted);
        buf_put(&v->wanted, name.at, name.size);
        return REFUSAL_unresolved;
    }
    *out = conversation_of(v, item->conversation_id);
    assert(*out);
    name_turn(*out, item);
    return REFUSAL_none;
}

// ---- conversations that are continued -----------------------------------------------------------

struct bytes validator_wants(const struct validator *v) {
    return buf_bytes(&v->wanted);
}

void conversation_release(struct conversation *conversation) {
    if (!conversation->continued)
        return;
    mem_free(conversation->continued->name);
    mem_free(conversation->continued->detail);
    mem_free(conversation->continued);
}

void validator_resolved(struct validator *v, const struct resolved *resolved) {
    struct conversation *conversation =
        conversation_of(v, uuid_named(v->batch_id, validator_wants(v)));
    assert(conversation && !conversation->continued); // else nobody had asked
    struct continued *continued = mem_new(sizeof(*continued));
    *continued = (struct continued){
        .id = resolved->conversation,
        .origin = resolved->origin,
        .refusal = resolved->refusal,
        .name = mem_copy(resolved->name.at, resolved->name.size),
        .detail = mem_copy(resolved->detail.at, resolved->detail.size),
    };
    conversation->continued = continued;
    conversation->turns = resolved->turn;
    if (resolved->refusal != REFUSAL_none)
        return;
    v->route = (struct route_found){
        .provider = resolved->provider, .api = resolved->api, .model = resolved->model};
    conversation->route = remember_route(v);
}

// ---- what a turn says ---------------------------------------------------------------------------

static bool is_empty(const struct validator *v, uint32_t said) {
    const struct json_node *node = &v->scan.nodes[said];
    return node->shape == JSON_SHAPE_text ? node->size == 2
                                          : node->shape != JSON_SHAPE_array || node->count == 0;
}

static bool has_role(const struct validator *v, uint32_t message, const char *role) {
    uint32_t node = json_find(&v->scan, message, "role");
    return node != 0 && v->scan.nodes[node].shape == JSON_SHAPE_text &&
           v->scan.nodes[node].size == strlen(role) + 2 &&
           memcmp(json_raw(&v->scan, node).at + 1, role, strlen(role)) == 0;
}

// Messages from before the conversation, the question last.
static enum refusal check_messages(struct validator *v, const struct conversation *conversation) {
    const struct json_node *nodes = v->scan.nodes;
    uint32_t list = v->at[MEMBER_messages], last = 0;
    if (conversation->turns > 0 || conversation->continued)
        return REFUSAL_messages_not_first;
    for (uint32_t i = list + 1; i < nodes[list].end; i = nodes[i].end) {
        uint32_t content = json_find(&v->scan, i, "content");
        bool is_said = content != 0 && nodes[content].shape != JSON_SHAPE_null;
        last = i;
        if (has_role(v, i, "assistant") && (is_said || json_find(&v->scan, i, "tool_calls")))
            continue;
        if ((has_role(v, i, "user") || has_role(v, i, "tool")) && is_said && !is_empty(v, content))
            continue;
        buf_text(&v->words, has_role(v, i, "system") || has_role(v, i, "developer")
                                ? "what the model is told of its task stands in \"system\", not "
                                  "among the \"messages\""
                                : "a message is {\"role\": \"user\", \"assistant\" or \"tool\", "
                                  "\"content\": …}, and says something");
        return REFUSAL_wrong_type;
    }
    if (last != 0 && !has_role(v, last, "assistant"))
        return REFUSAL_none;
    buf_text(&v->words, "the last of the \"messages\" is the question: of role user or tool");
    return REFUSAL_wrong_type;
}

static enum refusal check_said(struct validator *v, const struct conversation *conversation) {
    uint32_t input = v->at[MEMBER_input];
    if (input != 0 && v->at[MEMBER_messages] != 0) {
        buf_text(&v->words, "a turn has \"input\" or \"messages\", not both");
        return REFUSAL_wrong_type;
    }
    if (v->at[MEMBER_messages] != 0)
        return check_messages(v, conversation);
    if (input == 0 || is_empty(v, input))
        return REFUSAL_no_input;
    return check_inside(v, MEMBER_input);
}

enum refusal judge_turn(struct validator *v, struct put_item *item) {
    struct conversation *conversation = NULL;
    enum refusal refusal = find_conversation(v, item, true, &conversation);
    if (refusal != REFUSAL_none)
        return refusal;
    if (conversation->refused_line != 0) {
        buf_printf(&v->words, "earlier turn refused, line %llu",
                   (unsigned long long)conversation->refused_line);
        return REFUSAL_earlier_turn_refused;
    }
    const struct continued *continued = conversation->continued;
    if (continued && continued->refusal != REFUSAL_none) {
        buf_text(&v->words, continued->detail);
        return continued->refusal;
    }
    if (!continued && says_continue(v)) {
        buf_text(&v->words, "\"continue\" stands in the first line of its conversation");
        return REFUSAL_wrong_type;
    }
    refusal = check_said(v, conversation);
    if (refusal == REFUSAL_none)
        refusal = check_inside(v, MEMBER_tags);
    if (refusal == REFUSAL_none)
        refusal = find_turn_route(v, conversation);
    if (refusal == REFUSAL_none && v->at[MEMBER_params] != 0)
        refusal = check_stream(v, v->at[MEMBER_params]);
    if (refusal == REFUSAL_none && item->custom_id.size == 0)
        make_custom_id(v, item);
    return refusal;
}
