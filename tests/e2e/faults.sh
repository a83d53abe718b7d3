#!/bin/bash
# A provider at its worst: cut and malformed answers, hangs, closed connections, refused requests.
# Every line still gets its one result, what may have been billed is said, and the bill's money is
# the ledger's plus exactly the rows that are flagged.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-4000}
"$BIN/make-lines" "$lines" 23 >"$work/job.jsonl"
export COLLOQ_CALL_LIMIT=3s
start_dev "--error-rate 2% --429-rate 1% --cut-rate 0.5% --malformed-rate 0.5% \
--late-close-rate 0.5% --hang-rate 0.2% --refuse-rate 0.5% --reject-rate 1% --seed 5"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "a run with failed lines ends with 1" is $? 1
summary=$(tail -n 1 "$work/err.txt")
check "every line has one result" is "$(jobs_in "$work/out.jsonl")" "$lines"
check "the processes drain with 0" stop_dev

count() { sql "SELECT count(*) FROM $1"; }
dead=$(count "job WHERE outcome = 'dead'")
parked=$(count "job WHERE outcome = 'parked'")
billed=$(count "call WHERE is_possibly_billed = 1")
check "some lines failed and some turns were parked behind them" test "$dead" -gt 0 -a "$parked" -gt 0
check "the last line says how many failed" has ", $(group "$dead") failed" "$summary"
check "and how many were parked" has ", $(group "$parked") parked" "$summary"
check "and how many calls may have been billed" has " + $(group "$billed") unknown (at most" "$summary"
check "parked turns say so in their results" is \
    "$(grep -c '"code":"turn_parked"' "$work/out.jsonl")" "$parked"
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger differ by the flagged rows only"
echo "$summary"
end_test
