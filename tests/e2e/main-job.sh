#!/bin/bash
# The main job on mixed lines with faults: nothing lost, nothing paid twice, the bill adds up.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-20000}
"$BIN/make-lines" "$lines" "${SEED:-7}" >"$work/job.jsonl"

start_dev "--error-rate 2% --429-rate 1% --length-rate 1% --seed ${SEED:-7}"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the run ends with 0" is $? 0
summary=$(tail -n 1 "$work/err.txt")
check "every accepted line has one result line" is "$(wc -l <"$work/out.jsonl")" "$lines"
check "the result lines are of different jobs" \
    is "$(grep -o '"job":"[^"]*"' "$work/out.jsonl" | sort -u | wc -l)" "$lines"
check "the processes drain with 0" stop_dev

calls=$(sql "SELECT count(*) FROM call")
billed=$(sql "SELECT count(*) FROM bill")
cut=$(sql "SELECT count(*) FROM job WHERE is_cut = 1")
usd=$(sql "SELECT sum(amount_pusd) FROM call")
group() { echo "$1" | sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta'; }
check "the last line counts lines truthfully" grep -q "^$(group "$lines") lines: $(group "$lines") done" \
    <(echo "$summary")
check "and those cut at the length limit" grep -q "($(group "$cut") cut at the length limit)" \
    <(echo "$summary")
check "and calls" grep -q "; $(group "$calls") calls" <(echo "$summary")
check "and money, to the cent" grep -qF "$(awk -v p="$usd" 'BEGIN { printf "$%.2f", p / 1e12 }'), 0 unpriced" \
    <(echo "$summary")
check "each request is a call row" is "$billed" "$calls"
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
dump_calls >"$work/calls.jsonl"
check "bill and ledger agree call by call" "$BIN/compare-bill" "$data/bill.jsonl" "$work/calls.jsonl"
check "no job was paid twice" is \
    "$(sql "SELECT count(*) FROM (SELECT job FROM call WHERE role = 'answer' GROUP BY job HAVING count(*) > 1)")" 0
echo "$summary"
end_test
