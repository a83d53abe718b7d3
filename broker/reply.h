// What an answer to a query is made of, and the words that its handlers share: JSON values, and
// the batch or job that an argument means.
#ifndef BROKER_REPLY_H
#define BROKER_REPLY_H

#include "broker/loop.h"

#include <jansson.h>

// A handler fills one: a body, or an exit code with its detail for people.
struct reply {
    unsigned exit;
    char detail[256];
    json_t *body;
};

// Names are literals and texts were validated as UTF-8, so neither fails.
void put(json_t *object, const char *name, json_t *new_value);
json_t *number(uint64_t value);
json_t *text(const char *value);
json_t *text_view(struct bytes value); // null for an empty one
json_t *uuid(struct id id);

void reply_fail(struct reply *reply, unsigned exit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The argument of that name; empty if it is none, or no text.
const char *argument(const json_t *arguments, const char *name);
uint64_t argument_number(const json_t *arguments, const char *name, uint64_t otherwise);
// The batch of a UUID, or of a prefix that only one batch has; 0: none (reply says why).
uint32_t reply_batch(const struct loop *loop, const char *name, struct reply *reply);
// The job of an id; 0: none is on its way (reply says why).
uint32_t reply_job(const struct loop *loop, const char *name, struct reply *reply);

#endif
