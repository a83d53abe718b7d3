#!/bin/bash
# Processes stand still for longer than anybody waits for them, and go on: a frozen broker meets
# connections that were given up meanwhile, a frozen worker comes back to numbers it has seen.
. "$(dirname "$0")/lib.sh"
"$BIN/make-lines" 300 2 >"$work/first.jsonl"
"$BIN/make-lines" 60 3 >"$work/second.jsonl"
"$BIN/make-lines" 3000 4 >"$work/third.jsonl"
# freeze PROGRAM SECONDS
freeze() {
    pid=$(process "$1")
    kill -STOP "$pid"
    sleep "$2"
    kill -CONT "$pid"
}

# Far less than they stand still.
export COLLOQ_CALL_LIMIT=2s
start_dev "--latency-ms 10"
client batch run "$work/first.jsonl" >"$work/out1.jsonl" 2>"$work/err1.txt"
check "a first batch runs" is "$(wc -l <"$work/out1.jsonl")" 300
# The accountant stands still as well, and is asked meanwhile.
kill -STOP "$(process colloq-accountant)"
client cost >"$work/cost.txt" 2>&1
check "who asks an accountant that stands still is told so" grep -q 'accountant did not answer' "$work/cost.txt"
freeze colloq-worker 8
client cost >/dev/null 2>&1
kill -CONT "$(process colloq-accountant)"
check "it answers when it goes on" until_true 60 client cost
timeout 150 "$BIN/colloq" batch run "$work/second.jsonl" --simulate --data "$data" \
    >"$work/out2.jsonl" 2>"$work/err2.txt"
check "a worker that was away while idle works again" is "$(wc -l <"$work/out2.jsonl")" 60

timeout 150 "$BIN/colloq" batch run "$work/third.jsonl" --simulate --data "$data" \
    >"$work/out3.jsonl" 2>"$work/err3.txt" &
run=$!
until_true 60 test -s "$work/out3.jsonl"
freeze colloq-broker 12
wait "$run"
check "a broker that stood still finds everybody again" is "$(wc -l <"$work/out3.jsonl")" 3000
check "nobody was connected twice" is \
    "$(client stat --json | grep -o '"role":"[a-z]*"' | sort | uniq -d | wc -l)" 0
check "the processes drain with 0" stop_dev
check_bill "bill and ledger agree, and what a broker could not hear in time it hears late"
check "no call is unknown" is "$(sql "SELECT count(*) FROM call WHERE state = 'unknown'")" 0
check "no call was leased again and again" test \
    "$(sql "SELECT count(*) FROM call WHERE state = 'not_started'")" -lt 200
end_test
