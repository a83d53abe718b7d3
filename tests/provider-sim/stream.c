#include "tests/provider-sim/stream.h"

#include <assert.h>
#include <string.h>

void stream_begin(struct stream *stream, struct text *out, struct dice dice) {
    struct text ends = stream->ends;
    *stream = (struct stream){.out = out, .dice = dice, .line_end = "\n", .ends = ends};
    text_reset(&stream->ends);
}

void stream_release(struct stream *stream) {
    text_release(&stream->ends);
}

static void keep_alive(struct stream *stream) {
    if (stream->is_array || !dice_hit(&stream->dice, stream->comment_rate))
        return;
    if (dice_hit(&stream->dice, RATE_WHOLE / 2)) {
        text_add(stream->out, stream->comment == NULL ? ": keep-alive" : stream->comment);
        text_add(stream->out, stream->line_end);
    }
    text_add(stream->out, stream->line_end);
}

void stream_open(struct stream *stream, const char *name) {
    keep_alive(stream);
    if (stream->is_array) {
        text_add(stream->out, stream_count(stream) == 0 ? "[" : ",");
        text_add(stream->out, stream->line_end);
        return;
    }
    if (name != NULL) {
        text_add(stream->out, "event: ");
        text_add(stream->out, name);
        text_add(stream->out, stream->line_end);
    }
    text_add(stream->out, "data: ");
}

void stream_close(struct stream *stream) {
    if (!stream->is_array) {
        text_add(stream->out, stream->line_end);
        text_add(stream->out, stream->line_end);
    }
    text_put(&stream->ends, &stream->out->size, sizeof(size_t));
}

void stream_put(struct stream *stream, const char *name, const char *data) {
    stream_open(stream, name);
    text_add(stream->out, data);
    stream_close(stream);
}

void stream_completes(struct stream *stream) {
    if (stream->whole_from == 0)
        stream->whole_from = stream_count(stream) + 1;
}

void stream_end(struct stream *stream) {
    if (stream->is_array)
        text_add(stream->out, "]\n");
}

size_t stream_count(const struct stream *stream) {
    return stream->ends.size / sizeof(size_t);
}

size_t stream_place(const struct stream *stream, size_t count) {
    size_t place = 0;
    assert(count <= stream_count(stream));
    if (count > 0)
        memcpy(&place, stream->ends.at + (count - 1) * sizeof(size_t), sizeof(place));
    return place;
}

void stream_cut(struct stream *stream, size_t count) {
    stream->out->size = stream_place(stream, count);
    stream->ends.size = count * sizeof(size_t);
}
