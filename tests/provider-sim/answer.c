#include "tests/provider-sim/answer.h"

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
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Payload Too Large"},
        {422, "Unprocessable Entity"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {498, "Capacity Exceeded"},
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

void header_text(struct text *out, const char *name, struct span value) {
    text_add(out, name);
    text_add(out, ": ");
    text_span(out, value);
    text_add(out, "\r\n");
}

void header_number(struct text *out, const char *name, uint64_t value) {
    text_add(out, name);
    text_add(out, ": ");
    text_number(out, value);
    text_add(out, "\r\n");
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
    answer->api->headers(answer, out);
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

static void put_part(const struct answer *answer, struct span part, struct dice *dice,
                     struct text *out) {
    if (answer->is_chunked)
        answer_chunks(part, dice, out);
    else
        text_span(out, part);
}

size_t answer_whole(const struct answer *answer, struct dice *dice, struct text *out) {
    size_t from = out->size, early = answer->early;
    answer_head(answer, out);
    put_part(answer, (struct span){answer->body.at, early}, dice, out);
    size_t early_size = early > 0 ? out->size - from : 0;
    put_part(answer, (struct span){answer->body.at + early, answer->body.size - early}, dice, out);
    if (answer->is_chunked)
        text_add(out, "0\r\n\r\n");
    return early_size;
}

void retry_seconds(struct text *headers, uint32_t wait_ms) {
    header_number(headers, "Retry-After", (wait_ms + 999) / 1000);
}

void retry_milliseconds(struct text *headers, uint32_t wait_ms) {
    header_number(headers, "retry-after-ms", wait_ms);
}

void retry_date(struct text *headers, uint32_t wait_ms, int64_t unix_ms) {
    char date[32];
    moment_http_date(unix_ms + wait_ms + 999, date);
    text_add(headers, "Retry-After: ");
    text_add(headers, date);
    text_add(headers, "\r\n");
}

void retry_duration(struct text *out, uint32_t wait_ms) {
    char duration[32];
    if (wait_ms < 1000)
        snprintf(duration, sizeof(duration), "%ums", wait_ms);
    else if (wait_ms < 60000)
        snprintf(duration, sizeof(duration), "%u.%03us", wait_ms / 1000, wait_ms % 1000);
    else
        snprintf(duration, sizeof(duration), "%um%us", wait_ms / 60000, wait_ms / 1000 % 60);
    text_add(out, duration);
}

void retry_plain(struct text *headers, uint32_t wait_ms, int64_t unix_ms, struct dice *dice) {
    (void)unix_ms;
    uint32_t drawn = dice_below(dice, 3);
    if (drawn == 0)
        retry_seconds(headers, wait_ms);
    else if (drawn == 1)
        retry_milliseconds(headers, wait_ms);
}
