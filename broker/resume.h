// Queries of a submission about what is on its way: whether a file was submitted before, and
// whether a conversation that it continues is busy.
//   batch.known {key, heads: SHA-256 in hex, at most 100}
//     {"by_key": [{"batch","state","jobs"}…] (one at most), "by_head": [the same…]}
//   conversation.live {conversation}
//     {"batch" (whose turns are here; null: there are none), "is_running" (some of them are not
//      dead or parked, about which a person has to decide), "waits_for" (what the first of them
//      waits for, as in a batch's list; null: it does not wait)}
#ifndef BROKER_RESUME_H
#define BROKER_RESUME_H

#include "broker/reply.h"

void batch_known(struct loop *loop, const json_t *arguments, struct reply *reply);
void conversation_live(struct loop *loop, const json_t *arguments, struct reply *reply);

#endif
