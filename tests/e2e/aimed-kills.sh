#!/bin/bash
# Kills at the two moments that cost most: a worker that has answers which nobody stored yet, and
# an accountant that has committed what the broker was not told. Others stand still meanwhile, so
# that the moment is hit and can be proven.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-3000}
"$BIN/make-lines" "$lines" 29 >"$work/job.jsonl"
export COLLOQ_CALL_LIMIT=8s
start_dev "--latency-ms 100"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!

# 1. The broker stands still, so no end is stored; the calls finish; then their worker dies.
until_true 60 is_billed $((lines / 4))
broker=$(process colloq-broker)
kill -STOP "$broker"
before=
until_true 60 is_still bill_lines
check "a worker with answers in its hands is killed" kill_process colloq-worker
kill -CONT "$broker"

# 2. The accountant falls behind, then commits what it was sent while the broker stands still; so
# `recorded` is said to nobody, and both die. Nothing is started again until we have looked.
until_true 60 is_billed $((lines / 2))
accountant=$(process colloq-accountant)
kill -STOP "$accountant"
until_true 60 is_billed $((lines / 2 + 200))
kill -STOP "$dev_pid" "$broker"
kill -CONT "$accountant"
copied() {
    mkdir -p "$work/copy"
    cp "$data/$1.db" "$data/$1.db-wal" "$work/copy"
    sqlite3 "$work/copy/$1.db" "$2"
}
recorded=$(copied journal "SELECT recorded FROM meta")
# Its file can be read while nobody writes it.
has_committed() {
    kill -STOP "$accountant"
    applied=$(copied ledger "SELECT applied FROM ledger")
    [ "$applied" -gt "$recorded" ] || { kill -CONT "$accountant" && false; }
}
check "the ledger has more than the journal knows" until_true 60 has_committed
check "an accountant that has committed is killed" kill -KILL "$accountant"
check "and the broker that was not told" kill -KILL "$broker"
kill -CONT "$dev_pid"

wait "$run"
check "the run ends with 0" is $? 0
check "every line has one result" is "$(jobs_in "$work/out.jsonl")" "$lines"
check "the processes drain with 0" stop_dev
check "three of them were killed, and nobody died otherwise" is \
    "$(grep -c ' ended (signal 9)' "$work/dev.out"),$(grep -c ' ended (' "$work/dev.out")" 3,3
check "answers that reached the worker and were lost with it are unknown" test \
    "$(sql "SELECT count(*) FROM call c JOIN bill b ON json_extract(b.line,'\$.call') = lower(hex(c.id))
        WHERE c.state = 'unknown' AND json_extract(b.line,'\$.delivered')")" -gt 0
check "each record has its one row" is "$(sql "SELECT count(*) FROM call")" \
    "$(sql "SELECT count(DISTINCT record) FROM call")"
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger agree, but for the calls out at the worker's death" \
    --unknown-max "$(leases_lost)"
end_test
