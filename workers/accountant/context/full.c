#include "workers/accountant/context/full.h"

#include "common/id.h"
#include "common/limits.h"
#include "common/rating.h"

// What holds from a turn on, until it is stated again. Raw JSON; empty: never stated.
enum setting { SETTING_system, SETTING_params, SETTING_tools, SETTINGS };
static const char *const setting_names[SETTINGS] = {"system", "params", "tools"};

struct settings {
    struct buf raw[SETTINGS];
};

uint64_t context_tokens(uint64_t bytes) {
    return (bytes * 2 + 6) / 7;
}

static void settings_release(struct settings *settings) {
    for (int i = 0; i < SETTINGS; i++)
        buf_release(&settings->raw[i]);
}

// A setting of null takes an earlier one back.
static void take_stated(struct settings *settings, struct bytes line) {
    for (int i = 0; i < SETTINGS; i++) {
        struct bytes value;
        if (!json_member(line, setting_names[i], &value))
            continue;
        buf_reset(&settings->raw[i]);
        if (!bytes_is(value, "null"))
            buf_put(&settings->raw[i], value.at, value.size);
    }
}

static enum err read_settings(struct ledger *ledger, int64_t conversation, uint64_t turn,
                              struct settings *settings) {
    sqlite3_stmt *row = ledger->sql[SQL_settings];
    enum err e;
    db_bind_i64(row, 1, conversation);
    db_bind_u64(row, 2, turn);
    while ((e = db_step(row)) == ERR_OK) {
        e = unsqueeze(&ledger->squeezer, db_bytes(row, 0), &ledger->unsqueezed);
        if (e != ERR_OK) {
            db_reset(row);
            return ERR_IO;
        }
        take_stated(settings, buf_bytes(&ledger->unsqueezed));
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err put_history(struct ledger *ledger, int64_t conversation, uint64_t turn,
                            struct buf *context) {
    sqlite3_stmt *row = ledger->sql[SQL_history];
    enum err e;
    db_bind_i64(row, 1, conversation);
    db_bind_u64(row, 2, turn);
    while ((e = db_step(row)) == ERR_OK) {
        e = unsqueeze(&ledger->squeezer, db_bytes(row, 0), &ledger->unsqueezed);
        if (e != ERR_OK) {
            db_reset(row);
            return ERR_IO;
        }
        buf_put(context, ledger->unsqueezed.at, ledger->unsqueezed.size);
        buf_byte(context, ',');
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static void put_head(struct buf *context, struct bytes model, const struct settings *settings) {
    buf_text(context, "{\"model\":");
    json_put_text(context, model);
    for (int i = 0; i < SETTINGS; i++) {
        if (settings->raw[i].size == 0)
            continue;
        buf_printf(context, ",\"%s\":", setting_names[i]);
        buf_put(context, settings->raw[i].at, settings->raw[i].size);
    }
    buf_text(context, ",\"messages\":[");
}

// Tokens that the answer may have at most, by the request's own limit where it states one.
static int64_t output_max(struct ledger *ledger, struct bytes params) {
    static const char *const names[] = {"max_completion_tokens", "max_output_tokens", "max_tokens"};
    int64_t most = OUTPUT_TOKENS_MAX, choices = 1;
    if (params.size == 0 || json_scan(&ledger->scan, params, NULL) != ERR_OK)
        return most;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint32_t node = json_find(&ledger->scan, 0, names[i]);
        if (node != 0 && json_count(&ledger->scan, node, &most))
            break;
    }
    uint32_t node = json_find(&ledger->scan, 0, "n");
    if (node == 0 || !json_count(&ledger->scan, node, &choices) || choices < 1)
        choices = 1;
    return most > INT64_MAX / choices ? INT64_MAX : most * choices;
}

static struct bytes tier_of(struct ledger *ledger, struct bytes params) {
    if (params.size == 0 || json_scan(&ledger->scan, params, NULL) != ERR_OK)
        return bytes_text("");
    uint32_t node = json_find(&ledger->scan, 0, "service_tier");
    buf_reset(&ledger->text);
    return node ? json_text(&ledger->scan, node, &ledger->text) : bytes_text("");
}

// Whether a message's content is a text, or parts that are texts only. Their tokens are bounded by
// their bytes; what an image, a file or audio comes to is not.
static bool is_all_text(const struct json_scan *scan, uint32_t content) {
    const struct json_node *nodes = scan->nodes;
    if (nodes[content].shape != JSON_SHAPE_array)
        return nodes[content].shape != JSON_SHAPE_object;
    for (uint32_t part = content + 1; part < nodes[content].end; part = nodes[part].end) {
        uint32_t type = json_find(scan, part, "type");
        struct bytes name = type ? json_raw(scan, type) : bytes_text("");
        if (!bytes_is(name, "\"text\"") && !bytes_is(name, "\"refusal\""))
            return false;
    }
    return true;
}

// Every message of the context; what cannot be looked at has no bound either.
static bool is_bounded(struct json_scan *scan, struct bytes context) {
    uint32_t messages;
    if (json_scan(scan, context, NULL) != ERR_OK || !(messages = json_find(scan, 0, "messages")))
        return false;
    for (uint32_t i = messages + 1; i < scan->nodes[messages].end; i = scan->nodes[i].end) {
        uint32_t content = json_find(scan, i, "content");
        if ((content && !is_all_text(scan, content)) || json_find(scan, i, "audio"))
            return false;
    }
    return true;
}

// A token stands for at least one byte, so a context has at most as many tokens as bytes.
static void bound_cost(struct ledger *ledger, const struct prepare_item *asked, struct bytes params,
                       struct bytes context, struct prepared_item *prepared) {
    struct rating rating;
    prepared->cost_max_pusd = -1;
    if (!ledger->catalogue || !is_bounded(&ledger->scan, context))
        return;
    int64_t most = output_max(ledger, params);
    rating_upper_bound_in(ledger->catalogue, asked->provider, asked->model, tier_of(ledger, params),
                          (int64_t)context.size, most, ledger->now_ms, &rating);
    if (rating.is_priced)
        prepared->cost_max_pusd = rating.pusd;
}

static void refuse(struct prepared_item *prepared, struct buf *context, const char *reason,
                   const char *detail) {
    buf_reset(context);
    prepared->refused = bytes_text(reason);
    prepared->detail = bytes_text(detail);
}

// The ledger's part: what came before. A conversation that it does not know has no history.
static enum err put_before(struct ledger *ledger, const struct prepare_item *asked,
                           struct bytes line, struct settings *settings, struct buf *context) {
    int64_t conversation;
    enum err e = names_find_conversation(&ledger->names, asked->batch_id, asked->conversation,
                                         &conversation);
    bool is_known = e == ERR_OK;
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return e;
    e = is_known ? read_settings(ledger, conversation, asked->turn, settings) : ERR_OK;
    take_stated(settings, line);
    put_head(context, asked->model, settings);
    if (e == ERR_OK && is_known)
        e = put_history(ledger, conversation, asked->turn, context);
    return e;
}

enum err context_full(struct ledger *ledger, const struct prepare_item *asked, struct bytes line,
                      struct buf *context, struct prepared_item *prepared) {
    struct settings settings;
    struct bytes input;
    *prepared = (struct prepared_item){.job = asked->job, .ask = asked->ask, .cost_max_pusd = -1};
    buf_reset(context);
    if (!json_is_complete(line) || !json_member(line, "input", &input) || input.size == 0 ||
        (input.at[0] != '"' && input.at[0] != '[')) {
        refuse(prepared, context, "no_input", "the turn's input is neither a text nor parts");
        return ERR_OK;
    }
    for (int i = 0; i < SETTINGS; i++)
        buf_init(&settings.raw[i], LINE_BYTES_MAX);
    enum err e = put_before(ledger, asked, line, &settings, context);
    buf_text(context, "{\"role\":\"user\",\"content\":");
    buf_put(context, input.at, input.size);
    buf_text(context, "}]}");
    if (e == ERR_OK && buf_state(context) != ERR_OK) {
        refuse(prepared, context, "context_too_large",
               "the conversation's history exceeds what a request may hold");
    } else if (e == ERR_OK) {
        prepared->tokens_estimate = context_tokens(context->size);
        prepared->strategy = bytes_text("full");
        prepared->context = digest_of(buf_bytes(context));
        bound_cost(ledger, asked, buf_bytes(&settings.raw[SETTING_params]), buf_bytes(context),
                   prepared);
    }
    settings_release(&settings);
    return e;
}
