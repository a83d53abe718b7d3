#include "broker/reply.h"

#include "common/id.h"
#include "common/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

void put(json_t *object, const char *name, json_t *new_value) {
    int rc = json_object_set_new(object, name, new_value);
    assert(rc == 0);
    (void)rc;
}

json_t *number(uint64_t value) {
    return json_integer((json_int_t)value);
}

json_t *text(const char *value) {
    json_t *string = json_string(value);
    return string ? string : json_string("");
}

json_t *text_view(struct bytes value) {
    json_t *string = value.size ? json_stringn((const char *)value.at, value.size) : NULL;
    return string ? string : json_null();
}

json_t *uuid(struct id id) {
    char at[UUID_TEXT_SIZE];
    uuid_text(id, at);
    return json_string(at);
}

void reply_fail(struct reply *reply, unsigned exit, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text_vprint(reply->detail, sizeof(reply->detail), format, args);
    va_end(args);
    reply->exit = exit;
}

const char *argument(const json_t *arguments, const char *name) {
    const char *value = json_string_value(json_object_get(arguments, name));
    return value ? value : "";
}

uint64_t argument_number(const json_t *arguments, const char *name, uint64_t otherwise) {
    const json_t *value = json_object_get(arguments, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return otherwise;
    return (uint64_t)json_integer_value(value);
}

uint32_t reply_batch(const struct loop *loop, const char *name, struct reply *reply) {
    uint32_t found = 0;
    size_t size = strlen(name);
    for (uint32_t slot = 1; size >= 4 && slot <= core_batch_slots(loop->core); slot++) {
        const struct batch *batch = core_batch(loop->core, slot);
        char at[UUID_TEXT_SIZE];
        if (batch->state < BATCH_OPEN || batch->state == BATCH_GONE)
            continue;
        uuid_text(batch->id, at);
        if (strncmp(at, name, size) != 0)
            continue;
        if (found) {
            reply_fail(reply, EX_DATAERR, "several batches begin with '%.*s': give more of the id",
                       text_fit(name, 40), name);
            return 0;
        }
        found = slot;
    }
    if (!found)
        reply_fail(reply, EX_UNAVAILABLE, "no batch '%.*s' is on its way", text_fit(name, 40),
                   name);
    return found;
}

uint32_t reply_job(const struct loop *loop, const char *name, struct reply *reply) {
    struct id id;
    if (!id_parse(bytes_text(name), &id)) {
        reply_fail(reply, EX_USAGE, "'%.*s' is not a job id", text_fit(name, 60), name);
        return 0;
    }
    for (uint32_t slot = 1; slot <= core_job_slots(loop->core); slot++)
        if (core_job(loop->core, slot)->state != JOB_FREE &&
            id_equal(core_job(loop->core, slot)->id, id))
            return slot;
    reply_fail(reply, EX_UNAVAILABLE, "no job '%.*s' is on its way", text_fit(name, 60), name);
    return 0;
}
