// Queries about single jobs and about those without an answer, and what people decide about them.
//   job.live {job}      the job's live state
//   job.cancel {job}    {"job","state"}
//   dead.list {batch?, reason?, after?, limit?}: the dead and parked, of a batch in the order of
//     its lines
//     {"dead": [{"job","batch","line","turn","conversation","custom_id","state","reason",
//       "attempts","refused" (why it cannot be retried now, a code)}…], "next"}
//   dead.show {job}: as job.live, and "custom_id", "behind" (turns that are parked for it),
//     "refused" and "refused_text"
//   dead.retry {job | batch and/or reason, after?, before?, interval_us?, dry_run?},
//   dead.drop  {the same but before and interval_us}
//     {"taken" (jobs that were, or on a dry run would be), "behind" (that go or follow with them),
//      "refused": [{"job","code","text"}…] (the first few), "refused_count", "next"}
//     Both look at a bounded number of jobs: next is the cursor (after) for the next question.
//     Of retries, the n-th waits n * interval_us; before is how many earlier questions took.
#ifndef BROKER_JOBS_H
#define BROKER_JOBS_H

#include "broker/reply.h"

void job_live(struct loop *loop, const json_t *arguments, struct reply *reply);
void job_cancel(struct loop *loop, const json_t *arguments, struct reply *reply);
void dead_list(struct loop *loop, const json_t *arguments, struct reply *reply);
void dead_show(struct loop *loop, const json_t *arguments, struct reply *reply);
void dead_retry(struct loop *loop, const json_t *arguments, struct reply *reply);
void dead_drop(struct loop *loop, const json_t *arguments, struct reply *reply);

#endif
