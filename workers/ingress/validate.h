// Judges the lines of one submission: what each is, where it goes (provider, API, model), and,
// if it cannot run, why, in a code and in words. Pure given the catalogue: the same lines in the
// same order are judged the same way, so that a file sent again rebuilds what was decided.
#ifndef WORKERS_INGRESS_VALIDATE_H
#define WORKERS_INGRESS_VALIDATE_H

#include "common/catalogue.h"
#include "common/envelope.h"
#include "workers/ingress/refusal.h"

struct validator;

// provider: for lines that name none; may be empty. *out is the caller's (validator_free).
struct validator *validator_new(struct bytes provider, struct id batch_id);
// Accepts NULL.
void validator_free(struct validator *validator);
// The catalogue by which lines are judged from now on; it must outlive its use.
void validator_catalogue(struct validator *validator, const struct catalogue *catalogue);

// Judges the next line, which is not blank, and fills *item but for its trace context; the
// job gets job_id. Refused: item->refused and item->detail say why. The item's texts are views
// that die with the line, with the catalogue and with the next call.
enum refusal validator_line(struct validator *validator, uint64_t number, struct bytes raw,
                            struct id job_id, int64_t now_ms, struct put_item *item);
// Likewise for a line of which nothing could be kept.
void validator_long_line(struct validator *validator, uint64_t number, struct id job_id,
                         struct put_item *item);

#endif
