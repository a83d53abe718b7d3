#!/bin/bash
# The main job on mixed lines with faults: nothing lost, nothing paid twice, the bill adds up, and
# each call that hung or was cut is a row that says so.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-20000}
"$BIN/make-lines" "$lines" "${SEED:-7}" >"$work/job.jsonl"

export COLLOQ_STALL_LIMIT=2s COLLOQ_FIRST_BYTE_LIMIT=2s
start_dev "--error-rate 2% --429-rate 1% --hang-rate 0.5% --cut-rate 0.5% --length-rate 1% \
--seed ${SEED:-7}"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the run ends with 0" is $? 0
summary=$(tail -n 1 "$work/err.txt")
check "every accepted line has one result line" is "$(wc -l <"$work/out.jsonl")" "$lines"
check "the result lines are of different jobs" \
    is "$(jobs_in "$work/out.jsonl")" "$lines"
check "the processes drain with 0" stop_dev

calls=$(sql "SELECT count(*) FROM call")
billed=$(sql "SELECT count(*) FROM bill")
cut=$(sql "SELECT count(*) FROM job WHERE is_cut = 1")
usd=$(sql "SELECT sum(amount_pusd) FROM call")
possibly=$(sql "SELECT count(*) FROM call WHERE is_possibly_billed = 1")
unpriced=$(sql "SELECT count(*) FROM call WHERE cost_state = 'unpriced' AND is_possibly_billed = 0")
silent() {
    sql "SELECT count(*) FROM call WHERE reason = '$1' AND state = 'failed' AND class = 'retryable'
        AND is_possibly_billed = 1 AND duration_ms >= 2000"
}
check "the last line counts lines truthfully" grep -q "^$(group "$lines") lines: $(group "$lines") done" \
    <(echo "$summary")
check "and those cut at the length limit" grep -q "($(group "$cut") cut at the length limit)" \
    <(echo "$summary")
without=
[ "$unpriced" -eq 0 ] || without=" + $(group "$unpriced") unpriced"
check "and calls, and money to the cent, and what is missing from it" grep -qF \
    "; $(group "$calls") calls; $(awk -v p="$usd" 'BEGIN { printf "$%.2f", p / 1e12 }')$without$(
        [ "$possibly" -eq 0 ] || echo " + $(group "$possibly") unknown (at most ")" <(echo "$summary")
check "answers that stood still in their middle are failed calls" test "$(silent stall_timeout)" -gt 0
check "and so are those that never began" test "$(silent first_byte_timeout)" -gt 0
check "each request is a call row" is "$billed" "$calls"
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger agree call by call"
check "no job was paid twice" is \
    "$(sql "SELECT count(*) FROM (SELECT job FROM call WHERE role = 'answer' GROUP BY job HAVING count(*) > 1)")" 0
echo "$summary"
end_test
