#!/bin/bash
# The accountant stands still under full load. Calls go on until the journal has no room for further
# answers, lines are taken in up to their share, and file and write-ahead log stay within the budget
# all the time. When it is back everything is settled, and bill and ledger agree.
#   MINUTES: how long it stands still (a few seconds); BUDGET_MIB: of the journal (64);
#   LINES_WANTED: lines; LINE_BYTES, ANSWER_BYTES: their sizes.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-4000} budget=$((${BUDGET_MIB:-64} * 1048576))
seq 1 "$lines" | awk -v line="${LINE_BYTES:-8000}" -v answer="${ANSWER_BYTES:-8000}" '
    BEGIN { while (length(pad) < line) pad = pad "some words of padding " }
    { printf "{\"custom_id\":\"n%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":" \
        "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\"," \
        "\"content\":\"number %d: %s @sim:body_%d\"}]}}\n", $1, $1, pad, answer }' >"$work/job.jsonl"
export COLLOQ_JOURNAL_MAX=$budget
# The calls that were ever made; true when none came since the last time. (Each answer takes its
# time: the accountant is asked too.)
calls_stand() {
    before=$calls calls=$(stat_number calls_marked)
    [ "$before" = "$calls" ]
}

# Writes the largest size that file and log have together, until told to stop.
sample() {
    largest=0
    while [ ! -e "$work/enough" ]; do
        size=$(file_bytes "$data"/journal.db "$data"/journal.db-wal)
        [ "$size" -le "$largest" ] || largest=$size
        echo "$largest" >"$work/largest.new" && mv "$work/largest.new" "$work/largest"
        sleep 0.05
    done
}

start_dev ""
: >"$work/out.jsonl"
sample &
sampler=$!
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!
until_true 60 has_lines 50
calls=0 accountant=$(process colloq-accountant)
kill -STOP "$accountant"
begin=$(date +%s)
check "the calls stop, and stat says why" until_true $((60 + ${MINUTES:-0} * 60)) stat_has 'journal_full'
check "none is made beyond that" until_true 60 calls_stand
stopped_at=$calls
check "the client says why it waits" until_true 60 grep -qE 'journal|accountant' "$work/err.txt"
while [ $(($(date +%s) - begin)) -lt $((${MINUTES:-0} * 60)) ]; do sleep 1; done
[ -z "${MINUTES:-}" ] || check "none until it is back" is "$(stat_number calls_marked)" "$stopped_at"
waited=$(($(date +%s) - begin)) pending=$(stat_number records_pending)
kill -CONT "$accountant"
wait "$run"
check "the batch ends well" is $? 0
check "each line has its result" is "$(jobs_in "$work/out.jsonl")" "$lines"
touch "$work/enough"
wait "$sampler"
largest=$(cat "$work/largest")
check "file and log were never larger than the budget" test "$largest" -le "$budget"
check "and the budget was used" test "$largest" -ge $((budget / 4))
check "the processes drain with 0" stop_dev
check "no process died of it" is "$(grep -c ' ended (' "$work/dev.out")" 0
check "each line was called once" is "$(sql "SELECT count(*) FROM call")" "$lines"
check_bill "bill and ledger agree call by call"
echo "the accountant stood still for $waited s; $pending records waited after $stopped_at calls; the \
journal had $((largest / 1024)) KiB of $((budget / 1024)) at most"
end_test
