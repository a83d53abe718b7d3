#!/bin/bash
# The supervisor is killed while a batch runs: nothing goes on without it, nothing holds the locks
# of the folder, and a new `colloq dev` on it takes everything up where it stood.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-4000}
"$BIN/make-lines" "$lines" 31 >"$work/job.jsonl"
export COLLOQ_CALL_LIMIT=8s
start_dev "--latency-ms 100"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!
for part in 1 2; do
    until_true 60 is_billed $((lines * part / 5))
    children=$(pgrep -P "$dev_pid")
    check "six processes run" is "$(wc -w <<<"$children")" 6
    check "the supervisor is killed" kill -KILL "$dev_pid"
    check "in the middle of the run" kill -0 "$run"
    wait "$dev_pid" 2>/dev/null
    start_dev "--latency-ms 100" # comes in among those that are ending
    # shellcheck disable=SC2086 # a list of numbers
    check "those of before end too" until_true 60 all_over $children
done
wait "$run"
check "the run ends with 0" is $? 0
check "every line has one result" is "$(jobs_in "$work/out.jsonl")" "$lines"
check "the processes drain with 0" stop_dev
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger agree, but for the calls out at a kill" --unknown-max "$(leases_lost)"
tail -n 1 "$work/err.txt"
end_test
