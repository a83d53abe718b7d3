// What jobs wait for, for people: one text for each reason of the core's closed list, and whether
// only a person can move what waits for it.
//   {"reason","text","jobs","until_ms" (Unix time at which the first of them goes on; null: not
//    known),"needs_person"}
#ifndef BROKER_WAIT_H
#define BROKER_WAIT_H

#include "broker/reply.h"

// What a job waits for; null: it does not wait.
json_t *job_wait_json(struct loop *loop, const struct job *job);
// What a batch waits for: a list.
json_t *waits_json(struct loop *loop, uint32_t batch);

#endif
