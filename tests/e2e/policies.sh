#!/bin/bash
# What becomes of the turns behind one without an answer: with skip they run without it, and it can
# be revived no more; with fail they are dead with it, and are retried in their order; stop, the
# default, is in dead.sh.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
{
    turn talk "first"
    turn talk "second @sim:http_400*1"
    turn talk "third"
    turn talk "fourth"
} >"$work/job.jsonl"
sed 's/\*1/*1 for the other batch/' "$work/job.jsonl" >"$work/other.jsonl"
start_dev

client batch run "$work/job.jsonl" --unanswered skip >"$work/skip.jsonl" 2>"$work/skip.txt"
check "with skip a run with a dead turn ends with 1" is $? 1
check "and only that one failed" has "4 lines: 3 done" "$(tail -n 1 "$work/skip.txt")"
skip=$(client batch list --json | pick 'batches[0].batch')
second=$(job_of "$skip" talk/2)
shows=$(client conversation show talk --batch "$skip")
check "the conversation went on without the turn" has "turn 3 of this conversation, 5 messages" "$shows"
check "without its question, too" test -z "$(grep -x 'second @sim.*' <<<"$shows" | sed -n 2p)"
check "and says so" has "no answer     turn 2: dead, permanent_error" "$shows"
check "batch show names the policy" has "turns behind one without answer: skip" "$(client batch show "$skip")"
client dead retry "$second" >"$work/said.txt" 2>&1
check "it cannot be revived" is $? 65
check "since a later turn was called without it" has "only a fork" "$(cat "$work/said.txt")"
check "dead show says so before" has "not now: a later turn" "$(client dead show "$second")"
kill_process colloq-broker
until_true 60 client stat
check "a restart does not forget that" has "not now: a later turn" "$(client dead show "$second")"
check "it can be dropped" has "1 job is dropped" "$(client dead drop "$second")"

client batch run "$work/other.jsonl" --unanswered fail >"$work/fail.jsonl" 2>"$work/fail.txt"
check "with fail a run with a dead turn ends with 1" is $? 1
check "those behind it failed too" has "4 lines: 1 done" "$(tail -n 1 "$work/fail.txt")"
check "and are none of them parked" has ", 3 failed; 2 calls" "$(tail -n 1 "$work/fail.txt")"
fail=$(client batch list --json | pick 'batches[0].batch')
check "each says which turn it was" has "turn 2 (line 2) got no answer" "$(result "$fail" talk/4 error.message)"
third=$(job_of "$fail" talk/3)
client dead retry "$third" >"$work/said.txt" 2>&1
check "a later one is not retried before it" is $? 65
check "a dry run takes them in their order" has "3 jobs would be tried again" \
    "$(client dead retry --batch "$fail" --dry-run)"
check "and so does the retry" has "3 jobs are tried again" "$(client dead retry --batch "$fail")"
check "all are answered" until_true 60 is_settled "$fail"
check "every turn" has "4 lines: 4 done" "$(client batch show "$fail")"
check "the last one with the whole conversation" has "turn 4 of this conversation" \
    "$(client conversation show talk --batch "$fail")"
check "the processes drain with 0" stop_dev
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger agree"
end_test
