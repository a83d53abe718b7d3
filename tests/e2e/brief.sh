#!/bin/bash
# Nothing runs: a command starts what it needs for its own time, and leaves nothing behind, whether
# it ends, is stopped or is killed. A question starts no worker, and makes nothing where nothing is.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-600}
"$BIN/make-lines" "$lines" 11 >"$work/job.jsonl"
"$BIN/make-lines" 20 12 >"$work/small.jsonl"

# Every process that has this test's folder on its command line.
left() { pgrep -fa -- "--data $data( |\$)"; }
nobody_left() { [ -z "$(left)" ]; }
fails_with() {
    want=$1
    shift
    "$@" >"$work/said.txt" 2>"$work/err.txt"
    is $? "$want"
}
says() { grep -qF -- "$1" "$work/err.txt" || { cat "$work/err.txt"; return 1; }; }

# ---- nothing there --------------------------------------------------------------------------
for question in "cost" "batch list" "stat" "check" "ledger status" "find x" "batch watch x"; do
    # shellcheck disable=SC2086 # words of a command
    check "$question: nothing was ever recorded" fails_with 69 client $question
    check "$question: the folder is named" says "$data (--data)"
done
check "and nothing was made" test ! -e "$data"
check "--no-start starts nothing for a run either" fails_with 69 client batch run "$work/small.jsonl" --no-start
check "and says so" says "--no-start was given"
check "and makes nothing" test ! -e "$data"
check "a stated endpoint that is silent is not replaced" fails_with 69 \
    client batch run "$work/small.jsonl" --endpoint "ipc://$work/nowhere.sock"
check "and is named, with who stated it" says "$work/nowhere.sock (--endpoint)"
export COLLOQ_ENDPOINT=ipc://$work/elsewhere.sock
check "nor is that of the variable" fails_with 69 client cost
check "which is named too" says "elsewhere.sock (COLLOQ_ENDPOINT)"
unset COLLOQ_ENDPOINT
check "still nothing was made" test ! -e "$data"

# ---- a run, and questions days later --------------------------------------------------------
check "a run starts what it needs" fails_with 0 client batch run "$work/small.jsonl"
check "and says so in a line" is "$(grep -c "it was started in $data for this command" "$work/err.txt")" 1
check "every line has a result" is "$(wc -l <"$work/said.txt")" 20
check "when it is over nobody is left" nobody_left
check "a submission starts no worker" fails_with 0 client batch submit "$work/job.jsonl"
check "and says what it waits for" says "No worker runs here: the batch waits"
batch=$(cat "$work/said.txt")
check "nobody is left" nobody_left
billed=$(bill_lines)
check "cost is answered" fails_with 0 client cost --json
check "by the ledger" grep -q '"calls":20' "$work/said.txt"
check "the batch is shown" fails_with 0 client batch show "$batch"
check "nobody is left" nobody_left
check "no question has made a call" is "$(bill_lines)" "$billed"

# ---- two at once ----------------------------------------------------------------------------
client batch list >"$work/one.txt" 2>"$work/one.err" &
one=$!
client cost >"$work/two.txt" 2>"$work/two.err" &
two=$!
wait "$one"
check "of two questions at the same moment the one is answered" is $? 0
wait "$two"
check "and the other" is $? 0
check "nobody is left after both" until_true 60 nobody_left
check "no worker ran for them" is "$(bill_lines)" "$billed"

# ---- killed, and taken up again -------------------------------------------------------------
run() {
    exec "$BIN/colloq" batch run "$work/job.jsonl" --simulate --data "$data" >"$work/out.jsonl" 2>"$work/err.txt"
}
export COLLOQ_LANE_CONCURRENCY=1
run &
run=$!
until_true 60 is_billed $((billed + 20))
kill -STOP "$run"
dev_pid=$(pgrep -f -- "dev --brief all --data $data")
worker=$(process colloq-worker)
kill -STOP "$worker" # so that the batch is not over before the kill
check "a question comes in beside it" fails_with 0 client batch show "$batch" --json
check "and starts nothing itself" is "$(grep -c started "$work/err.txt")" 0
kill -KILL "$run"
kill -CONT "$worker" 2>/dev/null
wait "$run" 2>/dev/null
check "the client was killed in the middle" is $? 137
check "those that it started end by themselves" until_true 60 nobody_left
(run)
check "the same command takes the batch up" is $? 0
check "every line has one result" is "$(jobs_in "$work/out.jsonl")" "$lines"
check "and nobody is left" nobody_left

# ---- a worker for another command's colloq, and a polite end ----------------------------------
# The first stands still in the middle of its answer, which nobody reads: its colloq has no worker.
"$BIN/make-lines" 30 13 >"$work/job.jsonl"
mkfifo "$work/pipe"
client batch results "$batch" >"$work/pipe" 2>"$work/first.err" &
first=$!
exec 9<"$work/pipe"
check "a question has started colloq" until_true 60 grep -q 'was started' "$work/first.err"
(run)
check "a run beside it ends" is $? 0
check "with a worker of its own" says "a worker: one was started"
check "and every result" is "$(jobs_in "$work/out.jsonl")" 30
check "the first still waits for its reader" kill -0 "$first"
cat <&9 >"$work/first.txt"
exec 9<&-
wait "$first"
check "and ends well" is $? 0
check "with its whole answer" is "$(jobs_in "$work/first.txt")" "$lines"
check "nobody is left" until_true 60 nobody_left

# ---- Ctrl-C -----------------------------------------------------------------------------------
"$BIN/make-lines" "$lines" 14 >"$work/job.jsonl"
billed=$(bill_lines)
run &
run=$!
until_true 60 is_billed $((billed + 10))
kill -INT "$run"
wait "$run"
check "a run that is stopped ends with 130" is $? 130
check "it says what becomes of the batch" says "The batch stays"
check "and nobody is left then" nobody_left
(run)
check "the same command ends it" is $? 0
unset COLLOQ_LANE_CONCURRENCY
check_bill "bill and ledger agree, but for calls that a kill has cut" --unknown-max "$(leases_lost)"
check "no job was paid twice" is \
    "$(sql "SELECT count(*) FROM (SELECT job FROM call WHERE role = 'answer' GROUP BY job HAVING count(*) > 1)")" 0
end_test
