#!/bin/bash
# Processes are killed while a batch runs: what was accepted is all there in the end, and every
# request that the provider billed has its row.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-4000}
"$BIN/make-lines" "$lines" 11 >"$work/job.jsonl"
export COLLOQ_CALL_LIMIT=8s
start_dev "--latency-ms 20 --error-rate 1%"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!
lines_done() { [ "$(wc -l <"$work/out.jsonl")" -ge "$1" ]; }
at=0 kills=0
for program in colloq-broker colloq-worke colloq-extract colloq-accoun colloq-broker colloq-worke; do
    at=$((at + lines / 10))
    until_true 60 lines_done "$at" || break
    until_true 10 pkill -KILL -P "$dev_pid" "$program" && kills=$((kills + 1))
done
wait "$run"
code=$?
check "every kill hit a process in the middle of the run" is "$kills" 6
check "the run ends as documented" test "$code" -eq 0 -o "$code" -eq 1
check "every line has one result" is \
    "$(grep -o '"job":"[^"]*"' "$work/out.jsonl" | sort -u | wc -l)" "$lines"
summary=$(tail -n 1 "$work/err.txt")
check "the processes drain with 0" stop_dev
check "every billed request has its row" is "$(sql "SELECT count(*) FROM bill WHERE
    json_extract(line,'\$.billed') AND NOT EXISTS
    (SELECT 1 FROM call c WHERE lower(hex(c.id)) = json_extract(line,'\$.call'))")" 0
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
check "no job has two answers" is \
    "$(sql "SELECT count(*) FROM (SELECT job FROM call WHERE role = 'answer' GROUP BY job HAVING count(*) > 1)")" 0
dump_calls >"$work/calls.jsonl"
check "bill and ledger agree, but for the calls out at a kill" \
    "$BIN/compare-bill" --unknown-max 200 --superfluous-max 50 "$data/bill.jsonl" "$work/calls.jsonl"
echo "$summary"
end_test
