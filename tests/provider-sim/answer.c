#include "tests/provider-sim/answer.h"

#include "tests/provider-sim/answer_messages.h"
#include "tests/provider-sim/moment.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *reason_of(int status) {
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Payload Too Large"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {529, "Overloaded"},
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

static void answer_limits(uint64_t salt, struct text *out) {
    text_add(out, "x-ratelimit-limit-requests: 30000\r\n"
                  "x-ratelimit-limit-tokens: 150000000\r\n"
                  "x-ratelimit-remaining-requests: ");
    text_number(out, 29999 - salt % 512);
    text_add(out, "\r\nx-ratelimit-remaining-tokens: ");
    text_number(out, 149999999 - salt % 65536);
    text_add(out, "\r\nx-ratelimit-reset-requests: 2ms\r\n"
                  "x-ratelimit-reset-tokens: 0s\r\n");
}

static void chat_headers(const struct answer *answer, struct text *out) {
    text_add(out, "openai-organization: simulated-org\r\nopenai-processing-ms: ");
    text_number(out, answer->processing_ms);
    text_add(out, "\r\nopenai-version: 2020-10-01\r\nx-request-id: ");
    text_span(out, answer->request_id);
    text_add(out, "\r\ncf-cache-status: DYNAMIC\r\nx-content-type-options: nosniff\r\ncf-ray: ");
    text_hex(out, (const uint8_t *)&answer->salt, 8);
    text_add(out, "-SIM\r\n");
    if (answer->status == 200)
        answer_limits(answer->salt, out);
}

void answer_head(const struct answer *answer, struct text *out) {
    text_add(out, "HTTP/1.1 ");
    text_number(out, (uint64_t)answer->status);
    text_add(out, " ");
    text_add(out, reason_of(answer->status));
    text_add(out, "\r\nDate: ");
    text_add(out, answer->date);
    text_add(out, "\r\nContent-Type: ");
    text_add(out, answer->content_type);
    if (answer->is_chunked) {
        text_add(out, "\r\nTransfer-Encoding: chunked");
    } else {
        text_add(out, "\r\nContent-Length: ");
        text_number(out, answer->body.size);
    }
    text_add(out, answer->is_last ? "\r\nConnection: close" : "\r\nConnection: keep-alive");
    text_add(out, "\r\nServer: provider-sim\r\n");
    if (answer->api == API_MESSAGES)
        messages_headers(answer, out);
    else
        chat_headers(answer, out);
    text_span(out, answer->more_headers);
    text_add(out, "\r\n");
}

static void chunk_put(struct text *out, struct span bytes) {
    char line[24];
    int size = snprintf(line, sizeof(line), "%zx\r\n", bytes.size);
    assert(size > 0);
    text_put(out, line, (size_t)size);
    text_span(out, bytes);
    text_add(out, "\r\n");
}

void answer_chunks(struct span body, struct dice *dice, struct text *out) {
    while (body.size > 0) {
        size_t size = body.size < 64 ? body.size : 1 + dice_below(dice, (uint32_t)body.size);
        chunk_put(out, (struct span){body.at, size});
        body.at += size;
        body.size -= size;
    }
}

void answer_whole(const struct answer *answer, struct dice *dice, struct text *out) {
    answer_head(answer, out);
    if (!answer->is_chunked) {
        text_span(out, answer->body);
        return;
    }
    answer_chunks(answer->body, dice, out);
    text_add(out, "0\r\n\r\n");
}

static void error_member(struct text *body, const char *name, const char *value) {
    text_add(body, ",\n    \"");
    text_add(body, name);
    text_add(body, "\": ");
    if (value == NULL) {
        text_add(body, "null");
        return;
    }
    text_add(body, "\"");
    text_json(body, span_of(value));
    text_add(body, "\"");
}

void answer_error(struct text *body, const char *message, const char *type, const char *param,
                  const char *code) {
    text_add(body, "{\n  \"error\": {\n    \"message\": \"");
    text_json(body, span_of(message));
    text_add(body, "\"");
    error_member(body, "type", type);
    error_member(body, "param", param);
    error_member(body, "code", code);
    text_add(body, "\n  }\n}\n");
}

static void retry_seconds(struct text *headers, uint32_t wait_ms) {
    text_add(headers, "Retry-After: ");
    text_number(headers, (wait_ms + 999) / 1000);
    text_add(headers, "\r\n");
}

static void retry_milliseconds(struct text *headers, uint32_t wait_ms) {
    text_add(headers, "retry-after-ms: ");
    text_number(headers, wait_ms);
    text_add(headers, "\r\n");
}

static void retry_date(struct text *headers, uint32_t wait_ms, int64_t unix_ms) {
    char date[32];
    moment_http_date(unix_ms + wait_ms + 999, date);
    text_add(headers, "Retry-After: ");
    text_add(headers, date);
    text_add(headers, "\r\n");
}

// A duration as Go writes it: 850ms, 1.25s, 1m30s.
static void retry_reset(struct text *headers, uint32_t wait_ms) {
    char duration[32];
    if (wait_ms < 1000)
        snprintf(duration, sizeof(duration), "%ums", wait_ms);
    else if (wait_ms < 60000)
        snprintf(duration, sizeof(duration), "%u.%03us", wait_ms / 1000, wait_ms % 1000);
    else
        snprintf(duration, sizeof(duration), "%um%us", wait_ms / 60000, wait_ms / 1000 % 60);
    text_add(headers, "x-ratelimit-limit-requests: 30,000\r\n"
                      "x-ratelimit-remaining-requests: 0\r\n"
                      "x-ratelimit-reset-requests: ");
    text_add(headers, duration);
    text_add(headers, "\r\n");
}

void answer_retry(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    switch (dice_below(dice, 6)) {
    case 0:
        retry_seconds(headers, wait_ms);
        return;
    case 1:
        retry_milliseconds(headers, wait_ms);
        return;
    case 2:
        retry_milliseconds(headers, wait_ms);
        retry_seconds(headers, wait_ms);
        return;
    case 3:
        retry_date(headers, wait_ms, unix_ms);
        return;
    case 4:
        retry_reset(headers, wait_ms);
        return;
    default: // a limit that does not say for how long
        return;
    }
}
