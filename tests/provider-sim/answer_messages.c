#include "tests/provider-sim/answer_messages.h"

#include "tests/provider-sim/moment.h"

#include <string.h>

// ---- headers ------------------------------------------------------------------------------------

static void limit_lines(const char *name, uint64_t limit, uint64_t remaining, const char *reset,
                        struct text *out) {
    text_add(out, "anthropic-ratelimit-");
    text_add(out, name);
    text_add(out, "-limit: ");
    text_number(out, limit);
    text_add(out, "\r\nanthropic-ratelimit-");
    text_add(out, name);
    text_add(out, "-remaining: ");
    text_number(out, remaining);
    text_add(out, "\r\nanthropic-ratelimit-");
    text_add(out, name);
    text_add(out, "-reset: ");
    text_add(out, reset);
    text_add(out, "\r\n");
}

void messages_headers(const struct answer *answer, struct text *out) {
    text_add(out, "request-id: ");
    text_span(out, answer->request_id);
    text_add(out, "\r\nanthropic-organization-id: 51b00000-0000-4000-8000-000000000001\r\n"
                  "cf-cache-status: DYNAMIC\r\nx-robots-tag: none\r\n"
                  "server-timing: x-originResponse;dur=");
    text_number(out, answer->processing_ms);
    text_add(out, "\r\ncf-ray: ");
    text_hex(out, (const uint8_t *)&answer->salt, 8);
    text_add(out, "-SIM\r\n");
    if (answer->status != 200)
        return;
    char reset[32];
    moment_rfc3339(answer->unix_ms, reset);
    limit_lines("requests", 20000, 19999 - answer->salt % 512, reset, out);
    limit_lines("input-tokens", 10000000, 9999000 - answer->salt % 64 * 1000, reset, out);
    limit_lines("output-tokens", 2000000, 1999000 - answer->salt % 64 * 1000, reset, out);
    limit_lines("tokens", 12000000, 11998000 - answer->salt % 64 * 1000, reset, out);
}

void messages_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    char reset[32];
    switch (dice_below(dice, 4)) {
    case 0:
        text_add(headers, "retry-after: ");
        text_number(headers, (wait_ms + 999) / 1000);
        text_add(headers, "\r\n");
        return;
    case 1:
        text_add(headers, "retry-after-ms: ");
        text_number(headers, wait_ms);
        text_add(headers, "\r\n");
        return;
    case 2:
        moment_rfc3339(unix_ms + wait_ms + 999, reset);
        limit_lines("requests", 20000, 0, reset, headers);
        return;
    default:
        return;
    }
}

// ---- errors -------------------------------------------------------------------------------------

static const char *type_of(int status) {
    static const struct {
        int status;
        const char *type;
    } types[] = {
        {401, "authentication_error"}, {402, "billing_error"},     {403, "permission_error"},
        {404, "not_found_error"},      {413, "request_too_large"}, {429, "rate_limit_error"},
        {504, "timeout_error"},        {529, "overloaded_error"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].status == status)
            return types[i].type;
    return status >= 500 ? "api_error" : "invalid_request_error";
}

void messages_error(struct text *body, int status, const char *message, const char *error_code,
                    struct span request_id) {
    text_add(body, "{\"type\":\"error\",\"error\":{\"type\":\"");
    text_add(body, type_of(status));
    text_add(body, "\",\"message\":\"");
    text_json(body, span_of(message));
    text_add(body, "\"");
    if (error_code != NULL) {
        text_add(body, ",\"details\":{\"error_code\":\"");
        text_add(body, error_code);
        text_add(body, "\"}");
    }
    text_add(body, "},\"request_id\":\"");
    text_span(body, request_id);
    text_add(body, "\"}");
}

// ---- answers ------------------------------------------------------------------------------------

void messages_tokens(struct reply *reply, const struct options *options, struct dice *dice) {
    const struct asked *asked = reply->asked;
    struct tokens *tokens = &reply->tokens;
    int64_t percent = dice_below(dice, 100), hour_percent = dice_below(dice, 101);
    tokens->searches = asked->wants_search ? 1 : 0;
    if (!options->has_cache || !asked->wants_cache ||
        tokens->input < (int64_t)options->cache_from_tokens)
        return;
    int64_t written = (tokens->input - tokens->cached) * percent / 100;
    tokens->written_1h = asked->wants_hour ? written * hour_percent / 100 : 0;
    tokens->written = written - tokens->written_1h;
}

static void put_call(const struct reply *reply, struct dice *dice, struct text *out) {
    char id[22];
    dice_name(dice, id, sizeof(id));
    text_add(out, "{\"type\":\"tool_use\",\"id\":\"toolu_01");
    text_put(out, id, sizeof(id));
    text_add(out, "\",\"name\":\"");
    text_span(out, reply->asked->tool);
    text_add(out, "\",\"input\":");
    text_span(out, text_view(&reply->said));
    text_add(out, ",\"caller\":{\"type\":\"direct\"}}");
}

static void put_content(const struct reply *reply, struct dice *dice, struct text *out) {
    char signature[64];
    if (reply->tokens.reasoning > 0) {
        dice_name(dice, signature, sizeof(signature));
        text_add(out,
                 "{\"type\":\"thinking\",\"thinking\":\"thought for a while\",\"signature\":\"");
        text_put(out, signature, sizeof(signature));
        text_add(out, "\"},");
    }
    if (reply->is_call) {
        put_call(reply, dice, out);
        return;
    }
    text_add(out, "{\"type\":\"text\",\"text\":\"");
    text_json(out, text_view(&reply->said));
    text_add(out, "\"}");
}

static void put_count(struct text *out, const char *name, int64_t count) {
    text_add(out, name);
    text_number(out, (uint64_t)count);
}

static void put_usage(const struct reply *reply, struct text *out) {
    const struct tokens *tokens = &reply->tokens;
    int64_t written = tokens->written + tokens->written_1h;
    put_count(out, ",\"usage\":{\"input_tokens\":", tokens->input - tokens->cached - written);
    put_count(out, ",\"cache_creation_input_tokens\":", written);
    put_count(out, ",\"cache_read_input_tokens\":", tokens->cached);
    put_count(out, ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":", tokens->written);
    put_count(out, ",\"ephemeral_1h_input_tokens\":", tokens->written_1h);
    put_count(out, "},\"output_tokens\":", tokens->output);
    if (tokens->reasoning > 0) {
        put_count(out, ",\"output_tokens_details\":{\"thinking_tokens\":", tokens->reasoning);
        text_add(out, "}");
    }
    if (tokens->searches > 0) {
        put_count(out, ",\"server_tool_use\":{\"web_search_requests\":", tokens->searches);
        text_add(out, ",\"web_fetch_requests\":0}");
    }
    text_add(out, ",\"service_tier\":\"standard\",\"inference_geo\":\"");
    text_add(out, reply->is_us ? "us\"}" : "global\"}");
}

static const char *stop_reason(const struct reply *reply) {
    if (strcmp(reply->finish, "tool_calls") == 0)
        return "tool_use";
    return strcmp(reply->finish, "length") == 0 ? "max_tokens" : "end_turn";
}

void messages_json(const struct reply *reply, struct span response_id, struct dice *dice,
                   struct text *out) {
    text_add(out, "{\"model\":\"");
    text_span(out, reply->model);
    text_add(out, "\",\"id\":\"");
    text_span(out, response_id);
    text_add(out, "\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[");
    put_content(reply, dice, out);
    text_add(out, "],\"stop_reason\":\"");
    text_add(out, stop_reason(reply));
    text_add(out, "\",\"stop_sequence\":null");
    put_usage(reply, out);
    text_add(out, "}");
}
