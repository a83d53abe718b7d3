#!/bin/bash
# The ledger on a disk of 64 MiB that is filled and drained, again and again: before a batch comes,
# so that a closed accountant lets the calls be made and their records wait; and in the middle of
# its transactions, without even the reserve's room. Each time it is said why nothing is recorded,
# questions are answered, no record is lost and none is booked twice.
#   CYCLES: how often (4); LINES_WANTED: lines of each batch (400; so small a disk holds 20,000 calls
#   in all: with 100 cycles, 60).
. "$(dirname "$0")/small-disk.sh"
cycles=${CYCLES:-4} lines=${LINES_WANTED:-400}
export COLLOQ_LEDGER_FOLDER=$disk/ledger COLLOQ_LEDGER_RESERVE=8MiB COLLOQ_LANE_CONCURRENCY=4
closed=0 ends=0
start_dev "--latency-ms 5"
waiting() { [ "$(stat_number records_pending)" -ge "$1" ]; }
is_open() { stat_has 'accountant +[0-9]' && ! stat_has 'accountant +closed'; }
submit() {
    : >"$work/out.jsonl"
    client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
    run=$!
}

# Closed before the batch comes: its calls are made, and their records wait in the journal.
before() {
    fill
    check "cycle $1: the accountant is closed and says so" until_true 60 stat_has 'accountant +closed, disk full'
    applied=$(stat_number records_applied)
    submit
    check "cycle $1: records wait for the ledger" until_true 60 waiting "$lines"
    check "cycle $1: the client says why" until_true 60 grep -q 'disk is full' "$work/err.txt"
    check "cycle $1: the ledger has taken none" is "$(stat_number records_applied)" "$applied"
    check "cycle $1: and says so" sh -c "'$BIN/colloq' ledger status --simulate --data '$data' | grep -q 'closed .*disk full'"
    check "cycle $1: questions are answered" quietly client cost
    closed=$((closed + 1))
    drain
}

# Full in the middle of it, the reserve's room included: the accountant may end at any write.
amid() {
    submit
    until_true 60 has_lines 5
    fill
    check "cycle $1: in the middle of the batch" kill -0 "$run"
    check "cycle $1: the reserve is given up" until_true 60 test ! -e "$disk/ledger/ledger.reserve"
    for _ in 1 2 3 4 5 6; do # its room is taken, too
        fill
        sleep 0.2
    done
    closed=$((closed + 1))
    drain
}

kinds=(before amid)
for ((cycle = 1; cycle <= cycles; cycle++)); do
    answer_lines $((cycle * lines)) "$lines" 1000 >"$work/job.jsonl"
    ${kinds[$(((cycle - 1) % 2))]} "$cycle"
    wait "$run"
    check "cycle $cycle: the batch ends well" is $? 0
    check "cycle $cycle: each line has its result" is "$(jobs_in "$work/out.jsonl")" "$lines"
    check "cycle $cycle: the accountant is open again" until_true 60 is_open
done
check "the reserve is there again" until_true 60 test -e "$disk/ledger/ledger.reserve"
check "the processes drain with 0" stop_dev
ends=$(grep -c 'colloq-accountant ended' "$work/dev.out")
check "each line was called once" is "$(sql "SELECT count(*) FROM call")" $((cycles * lines))
check "no record is in quarantine or conflict" is \
    "$(sql "SELECT (SELECT count(*) FROM quarantine) + (SELECT count(*) FROM conflict)")" 0
check "the sums are those of the calls" is "$(sql "SELECT sum(calls) FROM sum_by_model")" $((cycles * lines))
check "the file is whole" is "$(sql "PRAGMA integrity_check")" ok
check_bill "bill and ledger agree call by call"
echo "$cycles cycles: $closed times the disk was full; $ends restarts of the accountant; the ledger \
is $(($(stat -c %s "$disk/ledger/ledger.db") / 1024)) KiB of 65536"
end_test
