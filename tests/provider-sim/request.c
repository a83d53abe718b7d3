#include "tests/provider-sim/request.h"

#include "tests/provider-sim/limits.h"

#include <string.h>

// 00-<32 hex digits: trace>-<16 hex digits: span>-01
enum { TRACEPARENT_SIZE = 55, TRACEPARENT_SPAN_AT = 36, TRACEPARENT_SPAN_SIZE = 16 };

static enum request_state request_refuse(struct request *request, int status, const char *why) {
    request->state = REQUEST_REFUSED;
    request->status = status;
    request->why = why;
    return request->state;
}

struct span request_part(const struct text *in, struct part part) {
    return (struct span){in->at + part.from, part.size};
}

struct span request_body(const struct request *request, const struct text *in) {
    return (struct span){in->at + request->head_size, request->body_size};
}

// What may stand in a header's name or a method.
static bool is_token(struct span span) {
    for (size_t i = 0; i < span.size; i++) {
        char c = span.at[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return span.size > 0;
}

static struct span trimmed(struct span span) {
    while (span.size > 0 && (span.at[0] == ' ' || span.at[0] == '\t'))
        span.at++, span.size--;
    while (span.size > 0 && (span.at[span.size - 1] == ' ' || span.at[span.size - 1] == '\t'))
        span.size--;
    return span;
}

static bool has_control(struct span span) {
    for (size_t i = 0; i < span.size; i++)
        if (((unsigned char)span.at[i] < 0x20 && span.at[i] != '\t') || span.at[i] == 0x7f)
            return true;
    return false;
}

// Only digits; false beyond 15 of them.
static bool number_of(struct span span, uint64_t *out) {
    *out = 0;
    for (size_t i = 0; i < span.size; i++) {
        if (span.at[i] < '0' || span.at[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(span.at[i] - '0');
    }
    return span.size > 0 && span.size <= 15;
}

static struct part part_of(const struct text *in, struct span span) {
    return (struct part){(size_t)(span.at - in->at), span.size};
}

static bool request_length(struct request *request, struct span value) {
    uint64_t length;
    if (!number_of(value, &length) || (request->has_length && request->length != length))
        return request_refuse(request, 400, "Content-Length is no number"), false;
    request->has_length = true;
    request->length = length;
    if (length > BODY_BYTES_MAX)
        return request_refuse(request, 413, "the body is too large"), false;
    return true;
}

static bool request_header(struct request *request, const struct text *in, struct span name,
                           struct span value) {
    if (span_is_nocase(name, "content-length"))
        return request_length(request, value);
    if (span_is_nocase(name, "transfer-encoding")) {
        if (!span_is_nocase(value, "chunked"))
            return request_refuse(request, 501, "unknown transfer encoding"), false;
        request->is_chunked = true;
    } else if (span_is_nocase(name, "connection")) {
        if (span_is_nocase(value, "close"))
            request->is_kept_alive = false;
    } else if (span_is_nocase(name, "expect")) {
        request->wants_continue = span_is_nocase(value, "100-continue");
    } else if (span_is_nocase(name, "authorization")) {
        request->keys[KEY_BEARER] = part_of(in, value);
    } else if (span_is_nocase(name, "x-client-request-id")) {
        request->call = part_of(in, value);
        request->has_call = request->has_client_id = true;
    } else if (span_is_nocase(name, "anthropic-version")) {
        request->version = part_of(in, value);
    } else if (span_is_nocase(name, "x-api-key")) {
        request->keys[KEY_ANTHROPIC] = part_of(in, value);
    } else if (span_is_nocase(name, "x-goog-api-key")) {
        request->keys[KEY_GOOGLE] = part_of(in, value);
    } else if (span_is_nocase(name, "api-key")) {
        request->keys[KEY_AZURE] = part_of(in, value);
    } else if (span_is_nocase(name, "traceparent") && value.size == TRACEPARENT_SIZE &&
               !request->has_client_id) {
        request->call =
            part_of(in, (struct span){value.at + TRACEPARENT_SPAN_AT, TRACEPARENT_SPAN_SIZE});
        request->has_call = true;
    }
    return true;
}

// METHOD SP target SP HTTP/1.x
static bool request_line(struct request *request, const struct text *in, struct span line) {
    const char *first = memchr(line.at, ' ', line.size);
    const char *last = memrchr(line.at, ' ', line.size);
    if (first == NULL || last == first)
        return request_refuse(request, 400, "malformed request line"), false;
    const char *end = line.at + line.size;
    struct span method = {line.at, (size_t)(first - line.at)};
    struct span target = {first + 1, (size_t)(last - first - 1)};
    struct span version = {last + 1, (size_t)(end - last - 1)};
    if (!is_token(method) || target.size == 0 || memchr(target.at, ' ', target.size) != NULL ||
        has_control(target) || !span_begins(version, "HTTP/"))
        return request_refuse(request, 400, "malformed request line"), false;
    if (!span_is(version, "HTTP/1.1") && !span_is(version, "HTTP/1.0"))
        return request_refuse(request, 505, "this server speaks HTTP/1.1"), false;
    request->method = part_of(in, method);
    request->target = part_of(in, target);
    request->is_kept_alive = span_is(version, "HTTP/1.1");
    return true;
}

static bool request_header_line(struct request *request, const struct text *in, struct span line) {
    const char *colon = memchr(line.at, ':', line.size);
    if (colon == NULL)
        return request_refuse(request, 400, "a header without a colon"), false;
    struct span name = {line.at, (size_t)(colon - line.at)};
    struct span value =
        trimmed((struct span){colon + 1, (size_t)(line.at + line.size - colon - 1)});
    if (!is_token(name) || has_control(value))
        return request_refuse(request, 400, "a malformed header"), false;
    return request_header(request, in, name, value);
}

static enum request_state request_parse_head(struct request *request, const struct text *in) {
    const char *at = in->at;
    const char *end = in->at + request->head_size - 2; // without the empty line
    for (int count = 0; at < end; count++) {
        if (count > HEADERS_MAX)
            return request_refuse(request, 431, "too many headers");
        const char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
        if (stop == NULL)
            return request_refuse(request, 400, "a bare line feed");
        struct span line = {at, (size_t)(stop - at)};
        if (count == 0 ? !request_line(request, in, line) : !request_header_line(request, in, line))
            return REQUEST_REFUSED;
        at = stop + 2;
    }
    if (request->is_chunked && request->has_length)
        return request_refuse(request, 400, "both a length and a transfer encoding");
    request->taken = request->head_size;
    request->state = REQUEST_BODY;
    return request->state;
}

static enum request_state request_read_head(struct request *request, const struct text *in) {
    size_t from = request->searched;
    const char *empty =
        in->size > from ? memmem(in->at + from, in->size - from, "\r\n\r\n", 4) : NULL;
    if (empty == NULL) {
        request->searched = in->size > 3 ? in->size - 3 : 0;
        return in->size > HEAD_BYTES_MAX ? request_refuse(request, 431, "the headers are too large")
                                         : REQUEST_HEAD;
    }
    request->head_size = (size_t)(empty - in->at) + 4;
    if (request->head_size > HEAD_BYTES_MAX)
        return request_refuse(request, 431, "the headers are too large");
    return request_parse_head(request, in);
}

// A chunk's size, in hex, before any extension.
static bool chunk_size_of(struct span line, uint64_t *out) {
    const char *semicolon = memchr(line.at, ';', line.size);
    if (semicolon != NULL)
        line.size = (size_t)(semicolon - line.at);
    line = trimmed(line);
    *out = 0;
    for (size_t i = 0; i < line.size; i++) {
        char c = line.at[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return false;
        *out = *out << 4 | digit;
    }
    return line.size > 0 && line.size <= 8;
}

// Takes a line off the chunked body; false if it is not complete, or refused.
static bool chunk_line(struct request *request, const struct text *in, struct span *line) {
    struct span rest = {in->at + request->taken, in->size - request->taken};
    const char *stop = rest.size > 0 ? memmem(rest.at, rest.size, "\r\n", 2) : NULL;
    size_t size = stop == NULL ? rest.size : (size_t)(stop - rest.at);
    if (size > CHUNK_LINE_BYTES_MAX)
        request_refuse(request, 400, "a chunk's line is too long");
    if (stop == NULL || request->state == REQUEST_REFUSED)
        return false;
    *line = (struct span){rest.at, size};
    request->taken += size + 2;
    return true;
}

static bool chunk_data(struct request *request, struct text *in) {
    size_t here = in->size - request->taken;
    size_t size = here < request->chunk_left ? here : (size_t)request->chunk_left;
    memmove(in->at + request->head_size + request->body_size, in->at + request->taken, size);
    request->body_size += size;
    request->taken += size;
    request->chunk_left -= size;
    if (request->chunk_left == 0)
        request->chunk = CHUNK_END;
    return request->chunk == CHUNK_END;
}

// One step through the chunked body; false when there is nothing to go on with.
static bool chunk_step(struct request *request, struct text *in) {
    struct span line;
    if (request->chunk == CHUNK_DATA)
        return chunk_data(request, in);
    if (!chunk_line(request, in, &line))
        return false;
    if (request->chunk == CHUNK_SIZE) {
        if (!chunk_size_of(line, &request->chunk_left))
            return request_refuse(request, 400, "a malformed chunk"), false;
        if (request->body_size + request->chunk_left > BODY_BYTES_MAX)
            return request_refuse(request, 413, "the body is too large"), false;
        request->chunk = request->chunk_left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
    } else if (request->chunk == CHUNK_END) {
        if (line.size > 0)
            return request_refuse(request, 400, "a malformed chunk"), false;
        request->chunk = CHUNK_SIZE;
    } else if (line.size == 0) {
        request->state = REQUEST_WHOLE;
        return false;
    }
    return true;
}

enum request_state request_read(struct request *request, struct text *in) {
    if (request->state == REQUEST_HEAD)
        request->state = request_read_head(request, in);
    if (request->state != REQUEST_BODY)
        return request->state;
    if (request->is_chunked) {
        while (chunk_step(request, in))
            continue;
        return request->state;
    }
    size_t here = in->size - request->head_size;
    request->body_size = here < request->length ? here : (size_t)request->length;
    request->taken = request->head_size + request->body_size;
    if (request->body_size == request->length)
        request->state = REQUEST_WHOLE;
    return request->state;
}
