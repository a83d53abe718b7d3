#!/bin/bash
# Processes stand still (SIGSTOP) for longer than a call may take, in the middle of a batch, and go
# on. A worker that sleeps with answers in its hands has them made again by another one; when it
# wakes, its own are late: priced, findable, and in no result. The sleep of the accountant, the
# extractor and the ingress costs time and nothing else.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-9000} concurrency=100
# The answers to the first single calls are so large that a connection holds only two or three: the
# others stay in the hands of a worker whose broker does not listen.
"$BIN/make-lines" "$lines" 37 |
    sed "1,$((lines / 4))s/\"content\":\"/&@sim:body_100000 /" >"$work/job.jsonl"
export COLLOQ_CALL_LIMIT=4s COLLOQ_LANE_CONCURRENCY=$concurrency
start_dev "--latency-ms 250"
worker_rows() { client stat --json | grep -o '"role":"worker"' | wc -l; }
both_there() { [ "$(worker_rows)" -eq 2 ]; }
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!
# Longer than the call's limit and the margin, after which another worker gets the call, and longer
# than the time until a peer counts as silent.
LEASED_S=11 SILENT_S=8

# As many calls are out as may be once the provider stands still and the worker has nothing to do;
# then they all end while the broker stands still, so that the worker has more to hand over than
# the connection takes. It has read all answers once neither the provider nor it is at work.
until_true 60 is_billed 100
broker=$(process colloq-broker)
worker=$(process colloq-worker)
simulator=$(process provider-sim)
kill -STOP "$simulator"
before=
check "calls wait for their answers" until_true 60 is_still "work_done $worker"
kill -STOP "$broker"
kill -CONT "$simulator"
before=
check "they end while the broker stands still" until_true 60 is_still "work_done $worker $simulator"
check "a worker stands still with answers in its hands" kill -STOP "$worker"
kill -CONT "$broker"
# A second worker, not dev's, that comes now, so that the first has all the calls: it finds the
# simulator as dev's does.
OPENAI_API_KEY=simulated OPENAI_BASE_URL=http://127.0.0.1:$(cat "$data/provider-sim.port")/v1 \
    "$BIN/colloq-worker" --simulate --data "$data" 2>"$work/worker.log" &
second=$!
sleep "$LEASED_S"
kill -CONT "$worker"
check "two workers are there" until_true 60 both_there
check "and goes on in the middle of the run" kill -0 "$run"

until_true 60 is_billed $((lines / 2))
others="$(process colloq-accountant) $(process colloq-extractor) $(process colloq-ingress)"
# shellcheck disable=SC2086
check "accountant, extractor and ingress stand still" kill -STOP $others
sleep "$SILENT_S"
# shellcheck disable=SC2086
kill -CONT $others
check "and go on in the middle of the run" kill -0 "$run"
wait "$run"
check "the run ends with 0" is $? 0
check "every line has one result" is "$(jobs_in "$work/out.jsonl")" "$lines"
check "nobody was taken for somebody else" both_there
kill "$second" && wait "$second"
check "the second worker drains with 0" is $? 0
check "the processes drain with 0" stop_dev
check "nobody died of it" is "$(grep -c ' ended (' "$work/dev.out")" 0
late=$(sql "SELECT count(*) FROM call WHERE role = 'superfluous'")
echo "late answers: $late"
check "answers came late" test "$late" -gt 0
check "and are priced" is \
    "$(sql "SELECT count(*) FROM call WHERE role = 'superfluous' AND amount_pusd IS NULL")" 0
check "and are in no conversation" is "$(sql "SELECT count(*) FROM message m JOIN call c USING (call)
    WHERE c.role = 'superfluous'")" 0
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
# At most so many calls were out in the worker: as many as five lanes allow.
check_bill "bill and ledger agree, but for the calls out at the freeze" \
    --unknown-max $((5 * concurrency)) --superfluous-max $((5 * concurrency))
tail -n 1 "$work/err.txt"
end_test
