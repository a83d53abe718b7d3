#!/bin/bash
# Lines that the provider refuses are dead: listed by reason, shown, tried again with fresh attempts
# (a dry run first), or dropped. The batch is open again until they have ended anew, and the result
# of each line is its latest one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
{
    single ok "hello"
    single once "please @sim:http_400*1"
    single always "please @sim:http_400"
    turn talk "first turn @sim:http_400*1"
    turn talk "second turn"
    turn talk "third turn"
} >"$work/job.jsonl"
start_dev
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "a run with dead lines ends with 1" is $? 1
check "the last line counts them" has "1 done" "$(tail -n 1 "$work/err.txt")"
check "and the turns parked behind one" has "3 failed, 2 parked" "$(tail -n 1 "$work/err.txt")"
check "and where to look is said" has "Why there is no answer: colloq dead list --batch" "$(cat "$work/err.txt")"
batch=$(client batch list --json | pick 'batches[0].batch')
once=$(job_of "$batch" once)
always=$(job_of "$batch" always)
first=$(job_of "$batch" talk/1)
second=$(job_of "$batch" talk/2)

check "batch show says what is kept" has "kept      5 dead or parked" "$(client batch show "$batch")"
check "the dead are listed" is "$(client dead list --batch "$batch" | grep -c 'permanent_error')" 3
check "by reason" is "$(client dead list --reason earlier_turn --json | pick 'dead[1].custom_id')" talk/3
check "one is shown with what can be done" has "colloq dead retry $once" "$(client dead show "$once")"
check "and what is parked behind it" has "parked behind 2" "$(client dead show "$first")"
check "the conversation says which turns have no answer" has \
    "no answer     turn 2: parked, earlier_turn" "$(client conversation show talk --batch "$batch")"
client dead retry "$second" >"$work/said.txt" 2>&1
check "a turn behind a dead one is not retried" is $? 65
check "and why is said" has "it follows that one" "$(cat "$work/said.txt")"
client dead show "$(job_of "$batch" ok)" 2>"$work/said.txt"
check "an answered job is not among the dead" is $? 66
check "a dry run says how many" has "3 jobs would be tried again; 2 parked behind them follow" \
    "$(client dead retry --batch "$batch" --dry-run)"
check "and changes nothing" is "$(counts "$batch" state)" settled
settled=$(counts "$batch" revision)

client dead retry ok >"$work/said.txt" 2>&1
check "an answered line is not retried by its custom_id" is $? 69
check "a job is known by its custom_id" has "1 job would be tried again" "$(client dead retry once --dry-run)"
check "also where it is shown" has "colloq dead retry $once" "$(client dead show once)"
check "all are tried again, one a second" has "3 jobs are tried again; 2 parked behind" \
    "$(client dead retry --batch "$batch" --rate 1/s)"
check "the batch is open again" is "$(counts "$batch" live.state)" sealed
check "and what waits says so" has "will be tried again at" "$(client batch show "$batch")"
check "a retried line is out of the counters" test "$(counts "$batch" live.counts.dead)" -lt 3
check "and the batch settles anew" until_true 60 is_settled "$batch"
check "with a later revision" test "$(counts "$batch" revision)" -gt "$settled"
check "one line is still dead" has "5 done" "$(client batch show "$batch")"
check "its result is the second attempt's" is "$(job "$always" 'attempts[1].attempt')" 2
check "the retried line has its answer" is "$(result "$batch" once colloq.outcome)" answered
check "in its second attempt" is "$(result "$batch" once colloq.attempts)" 2
check "and the next revision" is "$(result "$batch" once colloq.revision)" 2
check "each line has one result" is "$(client batch results "$batch" | wc -l)" 6
check "the turns came in order" is \
    "$(client conversation show talk --batch "$batch" --json | pick 'turns[2].outcome')" answered
check "with the whole conversation as context" has "turn 3 of this conversation" \
    "$(client conversation show talk --batch "$batch")"

check "a dry run of a drop" has "1 job would be dropped" "$(client dead drop "$always" --dry-run)"
check "drops nothing" is "$(client dead list --json | pick 'dead[0].job')" "$always"
check "the last dead one is dropped" has "1 job is dropped" "$(client dead drop --batch "$batch")"
batch_is_gone() { [ -z "$(counts "$batch" live.state)" ]; }
check "and its batch leaves the broker" until_true 60 batch_is_gone
check "but not the ledger" is "$(result "$batch" always colloq.outcome)" dead
client dead retry "$always" 2>"$work/said.txt"
check "what was dropped cannot be retried" is $? 69
check "an empty name is not everything" is "$(client dead retry "" 2>/dev/null; echo $?)" 64
check "a policy that there is not is refused" is \
    "$(client batch run "$work/job.jsonl" --unanswered never 2>/dev/null; echo $?)" 64
check "the ledger adds up" has "ledger       ok" "$(client check)"
check "the processes drain with 0" stop_dev
check_bill "bill and ledger agree"
end_test
