#!/bin/bash
# Jobs and batches are called off: what waits is cancelled at once, what is under way is called off
# and recorded as it ends (an answer is an answer), what has ended stays as it is. Turns behind a
# cancelled one go by the batch's policy. A batch that is still being submitted is sealed with it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
start_parts colloq-broker colloq-accountant colloq-extractor colloq-ingress
start_liar worker
single line "hello" >"$work/single.jsonl"
{ turn talk "first"; turn talk "second"; turn talk "third"; } >"$work/talk.jsonl"
# put FILE KEY [OPTIONS]: a batch of it, whose first lease is the one that comes next.
lease=0
put() {
    batch=$(submit "$work/$1" --again --idempotency-key "$2" "${@:3}")
    lease=$((lease + 1))
    heard_of "lease $lease"
    job=$(leased $lease)
}

# One call under way.
put single.jsonl running
check "a call under way is called off" has "its call is called off" "$(client job cancel "$job")"
heard_of "abort $lease"
check "its batch waits for its end" is "$(counts "$batch" live.state)" sealed
tell end $lease failed
check "and settles with that" until_true 60 is_settled "$batch"
check "the line is cancelled" is "$(result "$batch" line error.code)" job_cancelled
check "what it may have cost is said" has "1 cancelled; 1 call; 1 unknown (at most" \
    "$(client batch show "$batch")"
client job cancel "$job" >"$work/said.txt" 2>&1
check "once more there is nothing to cancel" is $? 69

# One that waits for its next attempt.
put single.jsonl waiting
tell end $lease error
heard_of "stored $lease"
check "a job that waits is cancelled at once" has ": cancelled" "$(client job cancel "$job")"
check "and its batch settles" until_true 60 is_settled "$batch"
check "with the attempt that it had" is "$(result "$batch" line colloq.attempts)" 1
check "and no further one" test -z "$(sed -n "s/^lease $((lease + 1)) .*/&/p" "$worker_says")"

# One whose answer was on its way.
put single.jsonl answered
client job cancel "$job" --json >"$work/answer.json"
check "what is said as JSON fits its schema" quietly "$here/check-schema.py" "$root/schemas/cli" job.cancel/1 \
    <"$work/answer.json"
heard_of "abort $lease"
tell end $lease answered
check "an answer that is there is the answer" until_true 60 is_settled "$batch"
check "and the line is done" has "1 done" "$(client batch show "$batch")"
client job cancel "$job" >"$work/said.txt" 2>&1
check "what has ended cannot be cancelled" is $? 69

# A turn, under stop: those behind it are parked until a person sends them without it.
put talk.jsonl stop
client job cancel "$job" >/dev/null
tell end $lease not_started
check "turns behind a cancelled one are parked" until_true 60 is_settled "$batch"
check "all of them" has "1 cancelled" "$(client batch show "$batch")"
check "and say for which" has "turn 1 (line 1) got no answer: job_cancelled" "$(client batch results "$batch")"
second=$(job_of "$batch" talk/2)
check "a person sends the first of them" has "1 job is tried again; 1 parked behind it follow" \
    "$(client dead retry "$second")"
for _ in 1 2; do
    lease=$((lease + 1))
    heard_of "lease $lease"
    tell end $lease answered
done
check "and the next one follows" until_true 60 is_settled "$batch"
check "both are done" has "2 done" "$(client batch show "$batch")"

# A turn, under skip.
put talk.jsonl skip --unanswered skip
client job cancel "$job" >/dev/null
tell end $lease not_started
for _ in 1 2; do
    lease=$((lease + 1))
    heard_of "lease $lease"
    tell end $lease answered
done
check "under skip the turns behind a cancelled one run" until_true 60 is_settled "$batch"
check "both are done, one is cancelled" has "2 done" "$(client batch show "$batch")"

# A whole batch: one line dead, one under way, one that waits, and a conversation.
{ single dead "hello"; single wait "hello"; single run "hello"; cat "$work/talk.jsonl"; } >"$work/all.jsonl"
put all.jsonl all
lease=$((lease + 3))
heard_of "lease $lease"
first=$((lease - 3))
dead=$(leased $first)
tell end $first refused
tell end $((first + 1)) error
heard_of "stored $((first + 1))"
check "a batch is called off" has "cancelled; 2 calls under way are called off" \
    "$(client batch cancel "$batch")"
heard_of "abort $((first + 2))"
heard_of "abort $((first + 3))"
tell end $((first + 2)) answered
tell end $((first + 3)) error
check "and settles" until_true 60 is_settled "$batch"
check "with what each line came to" has "1 done, 1 failed, 4 cancelled" \
    "$(client batch show "$batch" | sed 's/ (1 cut[^)]*)//')"
check "nothing is called any more" test -z "$(sed -n "s/^lease $((lease + 1)) .*/&/p" "$worker_says")"
check "its lines say so" is "$(result "$batch" wait error.code)" batch_cancelled
client dead retry "$dead" >"$work/said.txt" 2>&1
check "its dead line is not tried again" is $? 65
check "since the batch was called off" has "its batch was cancelled" "$(cat "$work/said.txt")"
client batch cancel "$batch" >"$work/said.txt" 2>&1
check "a settled batch cannot be cancelled" is $? 1

# A batch that is still being submitted.
exec 3>&- # the worker ends: nothing is to be called here
no_worker() { ! client stat --json | grep -q '"role":"worker"'; }
until_true 60 no_worker
"$BIN/make-lines" "${LINES_WANTED:-30000}" 5 >"$work/large.jsonl"
"$BIN/colloq" batch submit "$work/large.jsonl" --idempotency-key large --simulate --data "$data" \
    >"$work/id.txt" 2>"$work/submit.txt" &
submitter=$!
newest() { client batch list --limit 1 --json | pick 'batches[0].key'; }
is_open() { [ "$(newest)" = large ]; }
kill -STOP "$submitter"
for _ in $(seq 200); do # a little of it at a time, until the batch is there
    is_open 2>/dev/null && break
    kill -CONT "$submitter"
    sleep 0.05
    kill -STOP "$submitter"
done
large=$(client batch list --limit 1 --json | pick 'batches[0].batch')
check "the submission is stopped halfway" is "$(counts "$large" live.sealed)" 0
client batch cancel "$large" >/dev/null
check "cancelling an open batch seals it" is "$(counts "$large" live.sealed)" 1
kill -CONT "$submitter"
wait "$submitter"
check "the rest of the file is refused" is $? 65
check "and it is said why" has "sealed" "$(cat "$work/submit.txt")"
check "what was taken in is cancelled, and the batch settles" until_true 60 is_settled "$large"
check "every line of it" is "$(counts "$large" cancelled)" "$(counts "$large" accepted)"
check "the ledger adds up" has "ledger       ok" "$(client check)"
stop_parts
end_test
