#!/bin/bash
# The journal on a disk of 64 MiB that is filled and drained, again and again, while batches run:
# by a file that takes all that is free; so that not even the reserve's room is left; and by the
# journal itself, whose accountant stands still. Each time it is said why nothing moves, everything
# goes on by itself, each line has its one result, and bill and ledger agree in the end.
#   CYCLES: how often (3); LINES_WANTED: lines of each batch.
. "$(dirname "$0")/small-disk.sh"
cycles=${CYCLES:-3} lines=${LINES_WANTED:-2000}
export COLLOQ_JOURNAL_FOLDER=$disk/journal COLLOQ_JOURNAL_RESERVE=8MiB COLLOQ_LANE_CONCURRENCY=8
closed=0 full=0 largest=0
start_dev "--latency-ms 20"

note_size() {
    size=$(file_bytes "$disk"/journal/journal.db "$disk"/journal/journal.db-wal)
    [ "$size" -le "$largest" ] || largest=$size
}

# What a closed broker gives back may be enough for it to open again: then that is filled as well.
fill_until_closed() {
    for _ in 1 2 3 4 5; do
        fill
        until_true 10 stat_has 'broker +closed, disk full' && return
    done
    return 1
}

# The disk is full while calls are out: the broker closes, says so, and opens when there is room.
by_file() {
    until_true 60 has_lines 20
    check "cycle $1: the broker is closed and says so" fill_until_closed
    check "cycle $1: the client says why it waits" until_true 60 grep -q 'disk' "$work/err.txt"
    closed=$((closed + 1))
    note_size
    drain
}

# Whoever fills the disk takes the reserve's room too: now not even ends can be stored, and the
# broker may end at any write. What a worker holds it keeps.
to_the_brim() {
    until_true 60 has_lines 20
    fill
    check "cycle $1: the reserve is given up" until_true 60 test ! -e "$disk/journal/journal.reserve"
    check "cycle $1: in the middle of the batch" kill -0 "$run"
    for _ in 1 2 3 4 5; do
        fill
        sleep 0.2
    done
    closed=$((closed + 1))
    note_size
    drain
}

# The accountant stands still: records fill the journal until no call may leave.
by_load() {
    until_true 60 has_lines 20
    kill -STOP "$(process colloq-accountant)"
    check "cycle $1: the calls stop, and stat says why" until_true 60 stat_has 'journal_full'
    check "cycle $1: but the disk is not full of it" stat_has 'broker +up'
    full=$((full + 1))
    note_size
    kill -CONT "$(process colloq-accountant)"
}

kinds=(by_file by_load to_the_brim)
for ((cycle = 1; cycle <= cycles; cycle++)); do
    answer_lines $((cycle * lines)) "$lines" 20000 >"$work/job.jsonl"
    : >"$work/out.jsonl"
    client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
    run=$!
    ${kinds[$(((cycle - 1) % 3))]} "$cycle"
    wait "$run"
    check "cycle $cycle: the batch ends well" is $? 0
    check "cycle $cycle: each line has its result" is "$(jobs_in "$work/out.jsonl")" "$lines"
    note_size
done
check "the reserve is there again" until_true 60 test -e "$disk/journal/journal.reserve"
check "the journal gives back what it does not need" until_true 60 \
    sh -c "[ \$(stat -c %s '$disk/journal/journal.db') -le 4194304 ]"
check "the processes drain with 0" stop_dev
check "each line was called once" is "$(sql "SELECT count(*) FROM call WHERE role = 'answer'")" $((cycles * lines))
check_bill "bill and ledger agree call by call"
echo "$cycles cycles: $closed times the disk was full, $full times the journal; its largest size was \
$((largest / 1024)) KiB of 65536; $(grep -c 'colloq-broker ended' "$work/dev.out") restarts of the broker"
end_test
