#!/bin/bash
# A batch is submitted and no worker has a key: it is said what to do, and when the key is there
# the batch goes on.
. "$(dirname "$0")/lib.sh"
unset OPENAI_API_KEY OPENAI_API_KEY_FILE
"$BIN/make-lines" 50 5 >"$work/job.jsonl"
"$BIN/provider-sim" --port 0 --port-file "$work/port" --bill "$work/bill.jsonl" &
simulator=$!
until_true 60 test -s "$work/port"
OPENAI_BASE_URL=http://127.0.0.1:$(cat "$work/port")/v1
export OPENAI_BASE_URL
client() { "$BIN/colloq" "$@" --data "$data"; }
start_real() { run_dev --data "$data"; }

start_real
client batch submit "$work/job.jsonl" >"$work/submit.txt" 2>&1
check "the batch is taken" is $? 0
check "stat says what is missing" until_true 60 sh -c \
    "'$BIN/colloq' stat --data '$data' | grep -q no_key"
"$BIN/colloq" batch run "$work/job.jsonl" --data "$data" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!
check "the progress line says what to do" until_true 60 grep -q \
    'no worker has a key for openai: set OPENAI_API_KEY' "$work/err.txt"
kill "$run"
wait "$run"
check "the processes drain with 0" stop_dev
export OPENAI_API_KEY=sk-test-not-a-real-one
start_real
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err2.txt"
check "the same command ends the batch" is $? 0
check "with every line" is "$(wc -l <"$work/out.jsonl")" 50
check "each line was called once" is "$(wc -l <"$work/bill.jsonl")" 50
cat "$data"/log/*.log "$work"/*.txt >"$work/said"
check "the key is nowhere in what was said" is "$(grep -c sk-test "$work/said")" 0
check "the processes drain with 0" stop_dev
kill "$simulator"
end_test
