// Judges the lines of one submission: what each is, where it goes (provider, API, model), and,
// if it cannot run, why, in a code and in words. Pure given the catalogue: the same lines in the
// same order are judged the same way, so that a file sent again rebuilds what was decided.
#ifndef WORKERS_INGRESS_VALIDATE_H
#define WORKERS_INGRESS_VALIDATE_H

#include "common/catalogue.h"
#include "common/envelope.h"
#include "workers/ingress/refusal.h"

struct validator;

// A conversation of the ledger that a line continues, or why it cannot be.
struct resolved {
    enum refusal refusal;
    struct bytes detail;               // of a refusal, for people
    struct id conversation, origin;    // origin: the batch in which it began
    struct bytes name;                 // which it has there
    uint32_t turn;                     // its last one
    struct bytes provider, api, model; // of that turn
};

// provider: for lines that name none; may be empty. continues: every conversation is one of the
// ledger. *out is the caller's (validator_free).
struct validator *validator_new(struct bytes provider, struct id batch_id, bool continues);
// Accepts NULL.
void validator_free(struct validator *validator);
// The catalogue by which lines are judged from now on; it must outlive its use.
void validator_catalogue(struct validator *validator, const struct catalogue *catalogue);

// What the line that was judged last, with REFUSAL_unresolved, calls the conversation that it
// continues. The same line is judged again after validator_resolved; as long as it was not, it has
// changed nothing.
struct bytes validator_wants(const struct validator *validator);
void validator_resolved(struct validator *validator, const struct resolved *resolved);

// Judges the next line, which is not blank, and fills *item but for its trace context; the
// job gets job_id. Refused: item->refused and item->detail say why. The item's texts are views
// that die with the line, with the catalogue and with the next call.
enum refusal validator_line(struct validator *validator, uint64_t number, struct bytes raw,
                            struct id job_id, int64_t now_ms, struct put_item *item);
// Likewise for a line of which nothing could be kept.
void validator_long_line(struct validator *validator, uint64_t number, struct id job_id,
                         struct put_item *item);

#endif
