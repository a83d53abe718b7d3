#include "workers/ingress/split.h"

#include "common/limits.h"

void split_init(struct split *split) {
    *split = (struct split){.lines = 0};
    buf_init(&split->held, LINE_BYTES_MAX);
}

void split_release(struct split *split) {
    buf_release(&split->held);
}

static void hold(struct split *split, struct bytes part) {
    split->is_inside = true;
    if (split->is_too_long)
        return;
    buf_put(&split->held, part.at, part.size);
    split->is_too_long = buf_state(&split->held) != ERR_OK;
}

static void finish(struct split *split, struct bytes raw, bool has_newline,
                   struct split_line *line) {
    *line = (struct split_line){
        .raw = split->is_too_long ? bytes_of(NULL, 0) : raw,
        .number = ++split->lines,
        .is_too_long = split->is_too_long,
        .has_newline = has_newline,
    };
    split->is_too_long = false;
    split->is_inside = false;
}

bool split_next(struct split *split, struct bytes *input, struct split_line *line) {
    if (input->size == 0)
        return false;
    if (!split->is_inside)
        buf_reset(&split->held);
    const uint8_t *newline = memchr(input->at, '\n', input->size);
    struct bytes part = bytes_of(input->at, newline ? (size_t)(newline - input->at) : input->size);
    size_t used = part.size + (newline ? 1 : 0);
    *input = bytes_of(input->at + used, input->size - used);
    if (!newline || split->is_inside || part.size > LINE_BYTES_MAX)
        hold(split, part);
    if (!newline)
        return false;
    finish(split, split->is_inside ? buf_bytes(&split->held) : part, true, line);
    return true;
}

bool split_last(struct split *split, struct split_line *line) {
    if (!split->is_inside)
        return false;
    finish(split, buf_bytes(&split->held), false, line);
    return true;
}

bool split_is_blank(struct bytes raw) {
    for (size_t i = 0; i < raw.size; i++)
        if (raw.at[i] != ' ' && raw.at[i] != '\t' && raw.at[i] != '\r')
            return false;
    return true;
}
