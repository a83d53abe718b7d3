#include "workers/accountant/context/full.h"

#include "common/asked.h"
#include "common/id.h"
#include "common/limits.h"
#include "common/rating.h"
#include "workers/accountant/turn.h"

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

// What earlier turns state. Where two batches continued it at once, that of the turn whose answer
// came counts.
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

// False if nobody can say what the request would cost.
static bool find_tier(struct ledger *ledger, const struct provider_api *api, struct bytes params,
                      struct bytes *tier) {
    *tier = bytes_text("");
    return params.size == 0 || (json_scan(&ledger->scan, params, NULL) == ERR_OK &&
                                asked_tier(api, &ledger->scan, 0, &ledger->text, tier));
}

// The parameters count with the context that holds them, as the provider reads both.
static void bound_cost(struct ledger *ledger, const struct prepare_item *asked, struct bytes params,
                       struct bytes context, struct prepared_item *prepared) {
    struct json_scan *scan = &ledger->scan;
    struct rating rating;
    struct bytes tier;
    int64_t most = OUTPUT_TOKENS_MAX;
    const struct provider_api *api =
        ledger->catalogue ? catalogue_api(ledger->catalogue, asked->provider, asked->api) : NULL;
    if (!api || json_scan(scan, context, NULL) != ERR_OK)
        return;
    int64_t input = asked_input_max(api, scan, 0, context.size);
    if (!find_tier(ledger, api, params, &tier))
        return;
    if (params.size > 0 && json_scan(scan, params, NULL) == ERR_OK) {
        int64_t said = input - api->input_tokens_added; // which comes once
        input = input < 0 ? -1 : asked_input_max(api, scan, 0, (size_t)said);
        most = asked_output_max(api, ASKED_turn, scan, 0);
    }
    rating_upper_bound_in(ledger->catalogue, asked->provider, asked->model, tier, input, most,
                          ledger->now_ms, &rating);
    if (rating.is_priced)
        prepared->cost_max_pusd = rating.pusd;
}

static void refuse(struct prepared_item *prepared, struct buf *context, const char *reason,
                   const char *detail) {
    buf_reset(context);
    prepared->refused = bytes_text(reason);
    prepared->detail = bytes_text(detail);
}

// Whether another batch has the answer to this turn, or to a later one: somebody continued the
// conversation at the same time, and this turn does not know what was said meanwhile.
static enum err has_moved(struct ledger *ledger, const struct prepare_item *asked,
                          int64_t conversation, bool *out) {
    sqlite3_stmt *find = ledger->sql[SQL_moved];
    db_bind_i64(find, 1, conversation);
    db_bind_u64(find, 2, asked->turn);
    db_bind_id(find, 3, &asked->batch_id);
    enum err e = db_step(find);
    *out = e == ERR_OK;
    if (e == ERR_OK)
        db_reset(find);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

// The ledger's part: what came before. A conversation that it does not know has no history.
static enum err put_before(struct ledger *ledger, const struct prepare_item *asked,
                           struct bytes line, struct settings *settings, struct buf *context,
                           bool *is_moved) {
    int64_t conversation;
    struct id origin = id_is_none(asked->origin_id) ? asked->batch_id : asked->origin_id;
    enum err e =
        names_find_conversation(&ledger->names, origin, asked->conversation, &conversation);
    bool is_known = e == ERR_OK;
    if (e != ERR_OK && e != ERR_NOT_FOUND)
        return e;
    *is_moved = false;
    e = is_known ? has_moved(ledger, asked, conversation, is_moved) : ERR_OK;
    if (e == ERR_OK && is_known)
        e = read_settings(ledger, conversation, asked->turn, settings);
    take_stated(settings, line);
    put_head(context, asked->model, settings);
    if (e == ERR_OK && is_known)
        e = put_history(ledger, conversation, asked->turn, context);
    return e;
}

enum err context_full(struct ledger *ledger, const struct prepare_item *asked, struct bytes line,
                      struct buf *context, struct prepared_item *prepared) {
    struct settings settings;
    struct turn_says says;
    bool is_assistant, is_moved = false;
    *prepared = (struct prepared_item){.job = asked->job, .ask = asked->ask, .cost_max_pusd = -1};
    buf_reset(context);
    if (!turn_says_open(&says, line, &ledger->scan)) {
        refuse(prepared, context, "no_input", "the turn's input is neither a text nor parts");
        return ERR_OK;
    }
    for (int i = 0; i < SETTINGS; i++)
        buf_init(&settings.raw[i], LINE_BYTES_MAX);
    enum err e = put_before(ledger, asked, line, &settings, context, &is_moved);
    while (turn_says_next(&says, context, &is_assistant))
        buf_byte(context, ',');
    if (buf_state(context) == ERR_OK)
        context->size--;
    buf_text(context, "]}");
    if (e == ERR_OK && is_moved) {
        refuse(prepared, context, "conversation_moved",
               "another batch has continued the conversation meanwhile: drop this job, and submit "
               "its turns in a file of their own");
    } else if (e == ERR_OK && buf_state(context) != ERR_OK) {
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
