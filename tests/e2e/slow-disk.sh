#!/bin/bash
# Each sync of the journal's and the ledger's disk takes 200 ms, a thousand times a good disk's, while a
# batch runs. Everybody waits longer for the broker than it usually takes, and nobody may conclude from
# that that somebody is dead, that a call's time is over, or that an end was not stored.
. "$(dirname "$0")/lib.sh"
strace -o /dev/null true 2>/dev/null || {
    echo "skipped: this container lets nobody trace processes"
    exit 77
}
"$BIN/make-lines" 600 1 >"$work/job.jsonl"

# slow PROGRAM: its syncs from now on.
slow() {
    strace -f -o "$work/$1.syncs" -e trace=fsync,fdatasync -e inject=fsync,fdatasync:delay_exit=200000 \
        -p "$(process "$1")" 2>"$work/$1.strace" &
    check "$1 is traced" until_true 30 grep -q attached "$work/$1.strace"
}

# Much longer than a sync, and shorter than silence by which a process counts as gone.
export COLLOQ_CALL_LIMIT=5s
start_dev "--latency-ms 10"
slow colloq-broker
slow colloq-accountant
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the batch ends well" is $? 0
check "each line has its result" is "$(jobs_in "$work/out.jsonl")" 600
for program in colloq-broker colloq-accountant; do
    check "the disk of $program was slow" grep -qE 'sync.*DELAYED' "$work/$program.syncs"
done
check "the processes drain with 0" stop_dev
check "no process died of it" is "$(grep -c ' ended (' "$work/dev.out")" 0
check "nobody was taken for gone" is "$(grep -c 'ev=worker.replaced' "$data/log/colloq-broker.log")" 0
check "each line was called once" is "$(sql "SELECT count(*) FROM call")" 600
check "no end was concluded" is "$(sql "SELECT count(*) FROM call WHERE state <> 'answered'")" 0
check_bill "bill and ledger agree call by call"
end_test
