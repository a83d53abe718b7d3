#!/bin/bash
# Answers that come late, from a worker that was silent beyond the call's limit: to a job that is
# dead, in a batch that is settled; while another attempt is under way; after a cancellation; when a
# later turn was called without it; and to a job that is long gone. The first answer stored is the
# answer, and every other one is priced, findable and in no result.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
export COLLOQ_CALL_LIMIT=1s
start_parts colloq-broker colloq-accountant colloq-extractor colloq-ingress
start_liar worker

{ single dead "hello"; turn talk "first"; turn talk "second"; } >"$work/dead.jsonl"
single again "hello" >"$work/again.jsonl"
{ single called-off "hello"; single never-began "hello"; } >"$work/off.jsonl"
{ turn skip "first"; turn skip "second"; } >"$work/skip.jsonl"
dead=$(submit "$work/dead.jsonl" --billed fail)
check "a single call and a first turn are under way" heard_of "lease 2"
again=$(submit "$work/again.jsonl" --billed retry)
check "and a call that will be tried again" heard_of "lease 3"
skip=$(submit "$work/skip.jsonl" --billed fail --unanswered skip)
check "and a turn that will be skipped" heard_of "lease 4"
off=$(submit "$work/off.jsonl")
check "and those of a batch that is called off" heard_of "lease 6"
single=$(leased 1) again_job=$(leased 3) skip_job=$(leased 4) called_off=$(leased 5)
client batch cancel "$off" >/dev/null
check "its calls are called off" heard_of "abort 5"
check "and it is sealed" is "$(counts "$off" live.state)" cancelled

tell hush
check "a silent worker's calls are unknown in the end" until_true 60 is_settled "$dead"
check "the dead batch says what may have been billed" has "2 unknown (at most" \
    "$(client batch show "$dead")"
check "the policy made it dead" is "$(job "$single" reason)" possibly_billed
check "its attempt is unknown" is "$(job "$single" 'attempts[0].state')" unknown
check "with a bound" test "$(job "$single" 'attempts[0].possibly_billed_pusd')" -gt 0
check "and no cost" is "$(job "$single" 'attempts[0].amount_pusd')" ""
check "the cancelled batch settles without an answer" until_true 60 is_settled "$off"
check "its lines are cancelled" has "2 cancelled" "$(client batch show "$off")"
tell speak
check "the turn behind the skipped one is called" heard_of "lease 7"
check "and the other policy tries again" heard_of "lease 8"
retry=$(lease_of "$again_job")
later=$((15 - retry))

# A dead job of a settled batch, and the turn parked behind another.
settled=$(counts "$dead" revision)
tell end 1 answered
heard_of "stored 1"
revived() { [ "$(result "$dead" dead colloq.outcome)" = answered ]; }
check "a late answer revives the dead job" until_true 60 revived
check "by a higher revision" is "$(result "$dead" dead colloq.revision)" 2
check "the unknown attempt is now answered" is "$(job "$single" 'attempts[0].state')" answered
check "at its price" test "$(job "$single" 'attempts[0].amount_pusd')" -gt 0
settled_anew() { is_settled "$dead" && [ "$(counts "$dead" revision)" -gt "$settled" ]; }
check "the batch is settled anew" until_true 60 settled_anew
tell end 2 answered
heard_of "stored 2"
turn_answered() { [ "$(result "$dead" talk/1 colloq.outcome)" = answered ]; }
check "a late answer revives the dead turn" until_true 60 turn_answered
check "and that turn only" is "$(result "$dead" talk/2 colloq.outcome)" parked
check "what is parked behind it waits for a person" has "1 job is tried again" \
    "$(client dead retry "$(job_of "$dead" talk/2)")"
heard_of "lease 9"
tell end 9 answered
check "and then runs" until_true 60 is_settled "$dead"
check "every line has its answer" has "3 done" "$(client batch show "$dead")"
check "nothing is possibly billed any more" is "$(counts "$dead" possibly_billed_calls)" 0

# While another attempt is under way.
tell end 3 answered
check "a late answer calls off the attempt that is under way" heard_of "abort $retry"
tell end "$retry" answered
check "and the batch settles" until_true 60 is_settled "$again"
check "the first answer stored is the answer" has "words of lease 3" \
    "$(client batch results "$again")"
check "the other one is superfluous" is "$(job "$again_job" 'attempts[1].role')" superfluous
check "and is paid for" test "$(job "$again_job" 'attempts[1].amount_pusd')" -gt 0
check "the batch's cost has both" is "$(counts "$again" amount_pusd)" \
    $((2 * $(job "$again_job" 'attempts[1].amount_pusd')))
check "job show says which is which" has "superfluous" "$(client job show "$again_job")"

# After the cancellation, when the job is long gone.
tell end 5 answered
heard_of "stored 5"
superfluous() { [ "$(job "$called_off" 'attempts[0].role')" = superfluous ]; }
check "an answer after a cancellation is superfluous" until_true 60 superfluous
check "the line stays cancelled" is "$(job "$called_off" outcome)" cancelled
check "and what it cost is known" test "$(counts "$off" amount_pusd)" -gt 0
check "the line that nobody called is cancelled too" has "batch_cancelled" \
    "$(client batch results "$off")"

# A later turn was called without it.
tell end 4 answered
heard_of "stored 4"
skip_late() { [ "$(job "$skip_job" 'attempts[0].role')" = superfluous ]; }
check "an answer behind which the conversation went on is superfluous" until_true 60 skip_late
check "its turn stays dead" is "$(job "$skip_job" live.state)" dead
client dead retry "$skip_job" >"$work/said.txt" 2>&1
check "and cannot be retried" is $? 65
check "but in a fork" has "only a fork of the conversation" "$(cat "$work/said.txt")"
tell end "$later" answered
check "the conversation goes on without it" until_true 60 is_settled "$skip"
check "its answer is not in the transcript" test -z "$(client conversation show skip --batch "$skip" |
    grep "words of lease 4")"
check "but in the cost" has "superfluous" "$(client conversation show skip --batch "$skip")"
check "nothing is a conflict" has "ledger       ok" "$(client check)"
stop_parts
end_test
