// The accountant's answers: questions of clients about history, answered by a thread of its own
// over a read-only connection, one snapshot of at most QUERY_SNAPSHOT_MS each. The thread never
// makes the writer wait. This page is the contract for those who ask.
//
// A question is a `query` message (what, arguments: a JSON object; a member that is not needed
// may be left out or null), the answer a frame with one JSON object of at most
// ANSWER_PAGE_BYTES_MAX (one entry that is larger stands alone), or `exit` and `detail`:
//   EX_USAGE      unknown question, an argument is missing or of the wrong type
//   EX_NOINPUT    there is no such batch, conversation, job …; or a prefix is not unique
//   EX_TEMPFAIL   the snapshot's time is over: ask for less (a batch, a smaller page)
//   EX_IOERR      the ledger cannot be read
//   EX_DATAERR    the answer exceeds what a message may hold
// Lists are pages: "next" is a cursor to send as "after" for what follows, null at the end;
// "limit" bounds the entries of a page (default 1000, at most 10000).
//
// Ids: job, batch and conversation are UUID text, a call is 32 hex digits. A batch is named by
// its UUID, a unique prefix of it (8 characters or more), its name or its idempotency key (the
// newest of that name). Instants are Unix ms ("…_ms"), spans are ms. Money is integer pico-USD
// ("…_pusd"); null where there is no amount, never 0: 0 is a price of 0, or the sum of no calls
// at all. Tokens: null where nothing was stated.
//
// SUMS, wherever money is summed up, is these members:
//   "calls", "answer_calls" (role answer), "superfluous_calls", "failed_calls" (state failed, and
//   answers of status 300 or more), "not_started_calls", "unknown_calls", "unextracted_calls",
//   "amount_pusd"              settled: the sum of all amounts; null: no call has one
//   "unpriced_calls"           have usage, or must have, and no price: not in the amount
//   "possibly_billed_calls", "possibly_billed_pusd" (at most; null: none of them has an upper
//                              bound), "possibly_billed_unpriced" (those of them without one)
//   "inconsistent_calls"       counters do not add up to the provider's own total, or leave it to a
//                              guess what is to be paid
//   "tokens": {"in_uncached","in_cached","in_cache_write","in_audio","out_visible",
//              "out_reasoning","out_audio","in_cache_write_1h" (kept for an hour; not in
//              in_cache_write),"web_searches" (no tokens: paid for one by one),
//              "in_tool_use" (what a provider's own tools put in),"in_image","out_image"}
//                             sums of what was stated
//
// batch.list {after?, limit?}, newest first
//   {"batches": [BATCH…], "next"}
// batch.show {batch}
//   BATCH = {"batch", "name", "key", "tags": {…}, "state": "open|sealed|settled|cancelled",
//    "revision", "lines" (0 until sealed), "accepted", "refused",
//    "done", "cut" (of the done: at the length limit), "failed" (outcome dead), "parked",
//    "expired", "cancelled", "skipped", "running" (recorded attempts, no outcome yet),
//    "conversations", "created_ms", "settled_ms" (null: not settled), SUMS…,
//    "failures": [{"outcome","code" (as error.code of batch.results),"reason" (one of the jobs'
//    own),"jobs"}…] (the 20 commonest codes; batch.show only), "quarantined","conflicts"
//    (records about its jobs; batch.show only)}
//   "accepted" counts the jobs that the ledger knows of; those still queued are the broker's.
// batch.results {batch, after?, limit?, order?: "input" (default) | "finished"}
//   {"lines": [RESULT…], "next"}. The answer's text has each RESULT on a line of its own, from
//   the second line on, with a comma behind all but the last: cut there, it is JSONL.
//   One for each accepted line with an outcome. By "finished" a line whose outcome was replaced
//   comes again behind the others; the later one counts. At the end of the list "next" is null
//   and "last" is the cursor of the last entry, to ask again for what finishes later.
//   RESULT = OpenAI's batch output form:
//   {"id": "batch_req_…", "custom_id": …|null,
//    "response": {"status_code","request_id","body": the answer, verbatim JSON (a text if it is
//                 none; of a stream the JSON that it amounts to)} | null,
//    "error": null | {"code","message"},
//    "colloq": {"job","line","conversation","conversation_name","turn","outcome","revision",
//     "reason","provider","api","model_requested","model_served","call","finish",
//     "service_tier","identifiers": {kind: value…} (the first of a kind),
//     "usage": {counters…,"state"} | null,
//     "cost": {"currency":"USD","amount_pusd","stated_pusd","computed_pusd",
//              "state": "priced|unpriced|stated|none","unpriced": why, "price": by which,
//              "total_pusd" (all attempts), "possibly_billed_calls","possibly_billed_pusd"},
//     "attempts","timing": {"marked_ms","started_ms","first_byte_ms",
//     "first_token_ms" (of a stream),"duration_ms","recorded_ms"},"tags": {…} | null}}
//   error.code: for outcome dead what its last call says: the provider's error code, else the
//   call's reason, and where there is none (or what happened was no call) the job's; then
//   turn_parked, batch_cancelled, batch_expired, turn_skipped. error.message: the provider's
//   words, else the worker's, else a code; of a parked turn it names the turn that failed. A dead
//   job whose last attempt was answered (an HTTP error) has that answer as response as well.
//   Members of cost and timing are null where there is no call.
// batch.refused {batch, after?, limit?}
//   {"refused": [{"line","custom_id","conversation_name","reason","detail"}…], "next"}
//
// conversation.list {batch?, after?, limit?}: conversations of more than one turn, by name
//   {"conversations": [{"conversation","name","batch","batch_name","turns" (known),"answered",
//    "last_ms", SUMS…}…], "next"}
// conversation.show {conversation (id; or name, then with batch if it is not unique),
//    bodies?: true (default) | false, after?, limit? (turns of a page; default: all)}
//   {"conversation","name","batch","batch_name","provider","model","tags",
//    "turns": [{"turn","job","custom_id","outcome","reason","answer" (call)}…],
//    "messages": [{"message","turn","role","content"…(the neutral message's members),
//                  "call","at_ms"}…],
//    "extracted_identifiers": {kind: [{"value","provider","source","call","message","at"}…]}
//                               newest first; "at" is Unix ms, "source" a path or header:name
//    "provider_metadata": [{"call","message","provider","api","model_requested",
//      "model_served","status","finish","service_tier","headers": {…},"body": {…}}…],
//    "token_usage_history": [{"message","call","attempt","provider","model", counters…,
//      "total_stated","state": "stated|none|inconsistent","raw": {…}|null}…],
//    "cost_tracking": {"currency":"USD","total_pusd","unpriced_calls","unknown_calls",
//      "possibly_billed_calls","possibly_billed_pusd",
//      "messages": [{"message","call","attempt","call_state","role","amount_pusd",
//        "stated_pusd","computed_pusd","state","price","possibly_billed_pusd","running_total_pusd"}…]},
//    "next","is_cut"}
//   One that a single message cannot hold comes in pages of whole turns: each has every member,
//   of its turns (to join pages: append lists; identifiers, newest first, go before); only
//   cost_tracking's totals are of the whole on every page, and running_total_pusd runs on. Of a
//   turn that is too large alone, is_cut is true, and body and raw are null; if it still is, the
//   headers are {} and its messages have "content": null and "is_cut": true.
//   "message" numbers the messages of a conversation: the question of turn t is 2t-1, its answer
//   2t; all messages of a native request are 1. Calls of every attempt are listed, oldest
//   first, with the number of the answer that they were to give. A single call's conversation is
//   the job's id.
// conversation.resolve {conversation, asking?: the id of the batch that wants to continue it}
//   {"conversation","name","origin" (the batch it began in),"turn" (the last one of other
//    batches),"provider","api","model" (of that turn)}
// batch.known {key, heads: of one line, of two … of at most 100, SHA-256 in hex, in any order}
//   {"by_key": [{"batch","name","state","created_ms","jobs",SUMS…}…] (one at most),
//    "by_head": [the same…] (whose first 100 lines, or all of fewer, have one of the digests; in
//    the order of heads, of the same head the newest first; five at most)}
// job.show {job}
//   {"job","batch","batch_name","line","custom_id","conversation","conversation_name","turn",
//    "provider","api","model","key","outcome","revision","reason","recorded_ms","request":
//    {the submitted line},
//    "attempts": [{"attempt","call","state","role","class","reason","detail","status","worker",
//      "marked_ms","started_ms","first_byte_ms","first_token_ms","duration_ms",
//      "retry_after_ms","model_served",
//      "finish","service_tier","error": {"type","code","message"}|null, counters…,
//      "amount_pusd","stated_pusd","computed_pusd","cost_state","price","possibly_billed",
//      "possibly_billed_pusd","strategy","identifiers": [{"kind","value","source"}…]}…],
//    "quarantined": [{"record","call","why","at_ms"}…],
//    "conflicts": [{"record","call","what","at_ms"}…]}
//
// cost.report {by: "none" (default) | "batch" | "provider" | "model" | "day" | "tag" |
//    "conversation" | "message", batch?, after?, limit?}
//   {"by","currency":"USD","rows": [{KEY…, SUMS…}…], "total": {SUMS…}, "next"}
//   KEY: none: nothing; batch: "batch","batch_name"; provider: "provider","api"; model:
//   "provider","model" (as served, else as asked); day: "day" "2026-11-22" (UTC, of the mark);
//   tag: "tag" "key=value" (a call counts under each tag of its batch and of its line);
//   conversation: "conversation","name","batch"; message: "conversation","turn","message",
//   "job","custom_id". "total" is of everything asked for, on every page; by tag it is the whole,
//   not the sum of the rows.
//
// find {value}: any identifier of an answer, a call, job, batch or conversation id, a
//    conversation's or batch's name, a custom_id
//   {"value","matches": [{"kind" (call_id, job_id, batch_id, conversation_id,
//    conversation_name, batch_name, batch_key, custom_id, or the identifier's kind),
//    "call","job","custom_id","message","turn","conversation","conversation_name","batch",
//    "batch_name","provider","model","state","at_ms","source"}…], "is_cut"}
//   Members that do not apply are null. At most 1000 matches; is_cut: there are more.
//
// ledger.status {}
//   {"ledger","journal","simulated","created_ms","migrations": [{"number","name","at_ms"}…],
//    "records_applied","applied" (highest record number),"calls","jobs","conversations",
//    "batches","quarantined","conflicts","pages","page_bytes","free_pages","catalogue",
//    "is_closed" (the disk is full: no records are taken),"disk_free","needs" (bytes to be free)}
// stat {}
//   {"accountant": {"applied","records","records_per_second" (last 10 s),"transactions",
//    "prepared","quarantined","conflicts","unindexed","queries","cpu_us","is_joined",
//    "is_closed","disk_free","needs"}}
// answer.fields {after?, limit? (answers)}, of the newest answers first
//   {"apis": [{"api","answers","is_incomplete" (there are more fields),"fields": [{"place"
//   ($.choices[*].index, or header:name),
//    "answers" (that hold it),"first_ms","last_ms"}…]}…],"next"}
// check {}
//   {"is_ok","quarantined","conflicts","rollups_differ",
//    "records": [{"record","job","call","why","at_ms"}…],
//    "conflict_rows": [{"record","job","call","what","at_ms"}…],"problems": [text…]}
#ifndef ACCOUNTANT_QUERIES_H
#define ACCOUNTANT_QUERIES_H

#include "common/err.h"
#include "workers/accountant/figures.h"
#include "workers/accountant/findex.h"

struct queries;

// Binds the endpoint, opens the ledger for reading and starts the thread. findex and figures are
// shared with it and must outlive it. ERR_EXISTS: the endpoint is somebody else's.
enum err queries_open(struct queries **queries, const char *endpoint, const char *path,
                      struct findex *findex, struct figures *figures);
// Ends the thread; a query that runs is cut short. Accepts NULL.
void queries_close(struct queries *queries);

#endif
