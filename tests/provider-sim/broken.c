// Answers as they leave: whole, or broken in one of many ways.
#include "tests/provider-sim/service.h"

#include <assert.h>

// A body's bytes up to where a client could not take it for a whole one.
static size_t rest_limit(const struct service *service, const struct answer *answer) {
    const struct stream *stream = &service->stream;
    if (!answer->is_stream)
        return answer->body.size;
    return stream->whole_from > 0 ? stream_place(stream, stream->whole_from - 1) : 0;
}

static uint32_t below(struct dice *dice, size_t bound) {
    return bound == 0 ? 0 : dice_below(dice, (uint32_t)bound);
}

// Head and a part of the body, of which the rest never comes.
static void serve_cut(struct service *service, struct answer *answer, struct dice *dice,
                      struct served *served, struct text *out) {
    enum fault fault = served->charge.fault;
    size_t from = out->size, limit = rest_limit(service, answer);
    answer->is_last = false;
    answer->is_chunked = fault == FAULT_CUT_CHUNKED || answer->is_stream;
    answer_head(answer, out);
    size_t head_size = out->size - from;
    if (fault == FAULT_CUT_HEAD) {
        out->size = from + 1 + dice_below(dice, (uint32_t)head_size - 4);
    } else if (answer->is_stream) {
        answer_chunks((struct span){answer->body.at, below(dice, limit)}, dice, out);
    } else if (fault == FAULT_CUT_CHUNKED) {
        answer_chunks(answer->body, dice, out);
        if (dice_hit(dice, RATE_WHOLE / 2))
            out->size =
                from + head_size + dice_below(dice, (uint32_t)(out->size - head_size - from));
    } else {
        text_put(out, answer->body.at, dice_below(dice, (uint32_t)answer->body.size));
    }
    served->ending = fault == FAULT_HANG_MIDWAY ? ENDING_HANG
                     : fault == FAULT_CUT_RESET ? ENDING_RESET
                                                : ENDING_CLOSE;
}

// 200, complete as HTTP, and of no use.
static void serve_malformed(struct service *service, struct answer *answer, struct dice *dice,
                            const struct served *served, struct text *out) {
    enum fault fault = served->charge.fault;
    struct text *body = &service->body;
    if (fault == FAULT_MALFORMED_TRUNCATED) {
        // At least the last brace and the line feed behind it are missing.
        body->size = answer->is_stream ? below(dice, rest_limit(service, answer))
                                       : 1 + dice_below(dice, (uint32_t)body->size - 2);
    } else if (fault == FAULT_MALFORMED_GARBAGE) {
        for (size_t i = 0; i < body->size; i++)
            body->at[i] = (char)dice_below(dice, 256);
        body->at[0] = (char)0xff; // no JSON begins so
    } else if (fault == FAULT_MALFORMED_HTML) {
        text_reset(body);
        text_add(body, "<!doctype html><title>Just a moment</title><p>checking your browser</p>\n");
        answer->content_type = "text/html; charset=utf-8";
    } else {
        text_reset(body);
    }
    answer->body = text_view(body);
    answer_whole(answer, dice, out);
}

// Head and chunks, without the last one.
static void serve_open_end(struct answer *answer, struct dice *dice, struct text *out) {
    answer->is_last = false;
    answer_head(answer, out);
    answer_chunks(answer->body, dice, out);
}

// A stream that does not come to its end.
static void serve_stream_fault(struct service *service, struct answer *answer, struct dice *dice,
                               struct served *served, struct text *out) {
    struct stream *stream = &service->stream;
    enum fault fault = served->charge.fault;
    size_t whole = stream->whole_from;
    size_t count = whole > 1 ? 1 + below(dice, whole - 1) : 0;
    size_t next = stream_place(stream, count + 1) - stream_place(stream, count);
    assert(whole > 0 && whole <= stream_count(stream));
    stream_cut(stream, count);
    if (fault == FAULT_STREAM_TORN)
        service->body.size += 1 + below(dice, next - 5);
    if (fault == FAULT_STREAM_ERROR || fault == FAULT_ERROR_IN_200) {
        struct problem problem =
            problem_named(dice_hit(dice, RATE_WHOLE / 2) ? PROBLEM_OVERLOAD : PROBLEM_SERVER);
        problem.request_id = answer->request_id;
        served->api->stream_error(&service->reply, &problem, stream);
        stream_end(stream);
    }
    answer->body = text_view(&service->body);
    if (fault != FAULT_STREAM_TORN && fault != FAULT_STREAM_STALL) {
        answer_whole(answer, dice, out);
        return;
    }
    serve_open_end(answer, dice, out);
    served->ending = fault == FAULT_STREAM_STALL ? ENDING_HANG : ENDING_CLOSE;
}

// Blank lines before the body tell a client that waits that it is not forgotten.
static size_t pad_front(struct service *service, const struct served *served) {
    uint64_t drawn = service->reply.shape >> 8 & 7;
    if (!served->api->may_pad || drawn < 4)
        return 0;
    text_reset(&service->pretty);
    text_put(&service->pretty, "\n\n\n\n", drawn - 3);
    text_span(&service->pretty, text_view(&service->body));
    struct text body = service->body;
    service->body = service->pretty;
    service->pretty = body;
    return drawn - 3;
}

void serve_processed(struct service *service, struct dice *dice, struct served *served,
                     struct text *out) {
    enum fault fault = served->charge.fault;
    enum fault_group group = fault_group(fault);
    const struct asked *asked = service->reply.asked;
    served->charge.status = 200;
    size_t early = asked->wants_stream   ? service->stream.early
                   : group == GROUP_NONE ? pad_front(service, served)
                                         : 0;
    struct answer answer = answer_begin(service, served, 200);
    answer.model = asked->model;
    answer.is_flex = service->reply.is_flex;
    if (asked->wants_stream) {
        answer.is_stream = answer.is_chunked = true;
        answer.content_type = service->stream.is_array ? "application/json; charset=UTF-8"
                                                       : "text/event-stream; charset=utf-8";
    }
    if (group == GROUP_LATE_CLOSE || fault == FAULT_HANG) {
        served->charge.status = 0;
        served->ending = fault == FAULT_HANG         ? ENDING_HANG
                         : fault == FAULT_LATE_RESET ? ENDING_RESET
                                                     : ENDING_CLOSE;
    } else if (group == GROUP_CUT || fault == FAULT_HANG_MIDWAY) {
        serve_cut(service, &answer, dice, served, out);
    } else if (group == GROUP_MALFORMED) {
        serve_malformed(service, &answer, dice, served, out);
    } else if (asked->wants_stream && fault != FAULT_NONE) {
        serve_stream_fault(service, &answer, dice, served, out);
    } else {
        bool is_chunked = dice_hit(dice, service->options->chunked_rate);
        answer.is_chunked = answer.is_chunked || is_chunked;
        answer.early = early;
        served->early_bytes = answer_whole(&answer, dice, out);
    }
}
