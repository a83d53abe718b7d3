// How a submission finds the conversation that a line continues. Three questions: the ledger, which
// one is meant; the broker, whether turns of it are on their way; and the ledger again, what its
// last turn is, which nothing can change now but who continues it at the same moment (and then the
// broker refuses the chunk). While it is busy that begins anew. No I/O; time is an argument.
#ifndef WORKERS_INGRESS_RESOLVE_H
#define WORKERS_INGRESS_RESOLVE_H

#include "common/buf.h"
#include "common/id.h"
#include "common/limits.h"
#include "workers/ingress/validate.h"

//            found           not here            found
//   LEDGER ────────▶ BROKER ──────────▶ AGAIN ────────────▶ DONE
//      ▲  └────────────┼────────────────┴─ it cannot be ───▶ DONE
//      └──── it is busy ┘
enum resolve_state { RESOLVE_IDLE, RESOLVE_LEDGER, RESOLVE_BROKER, RESOLVE_AGAIN, RESOLVE_DONE };

struct resolve {
    enum resolve_state state;
    struct buf name; // as the line has it
    char asking[UUID_TEXT_SIZE];
    bool is_validation; // nothing will be continued: whether it is busy does not matter
    bool is_asked;
    bool is_busy;
    bool needs_person;               // what it is busy with does not move by itself
    char busy[DETAIL_BYTES_MAX + 1]; // with what, for people
    uint64_t not_before_ms;
    struct resolved resolved; // its texts are those below
    char found_name[NAME_BYTES_MAX + 1], provider[PROVIDER_BYTES_MAX + 1];
    char api[PROVIDER_BYTES_MAX + 1], model[MODEL_BYTES_MAX + 1];
    char detail[DETAIL_BYTES_MAX + 1];
};

void resolve_init(struct resolve *resolve);
// Accepts a zeroed one.
void resolve_release(struct resolve *resolve);
// batch_id: of the batch that continues the conversation; none while validating.
void resolve_start(struct resolve *resolve, struct bytes name, struct id batch_id);
// The question that is to be put now, and its arguments (JSON). False: none.
bool resolve_next(struct resolve *resolve, uint64_t now_ms, const char **what,
                  struct buf *arguments);
// Why the line is still held: a code.
const char *resolve_waits_for(const struct resolve *resolve);
// The answer to it.
void resolve_answer(struct resolve *resolve, uint64_t exit, struct bytes detail,
                    struct bytes document, uint64_t now_ms);

#endif
