#!/bin/bash
# A worker dies with calls in its hands. Nobody knows how they ended: they may have been billed, that
# is said wherever money is shown, and what becomes of the line is the batch's policy for such calls:
# retry, park or fail.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
start_dev
is_under_way() { [ "$(counts "$batch" live.attempts_open)" = 1 ]; }
# lose POLICY: a batch under it, whose call is under way when the worker is killed: the first one
# would take its time.
lose() {
    single line "under $1 @sim:delay_60000*1" >"$work/job.jsonl"
    batch=$(submit "$work/job.jsonl" --billed "$1" --again)
    until_true 60 is_under_way
    check "the worker dies in the middle of a call" kill_process colloq-worker
}

lose retry
retry=$batch
check "with retry the call is made again" until_true 60 is_settled "$retry"
check "the line is done" grep -qE '2 calls; \$[0-9.]+ \+ 1 unknown \(at most \$' <(client batch show "$retry")
job=$(job_of "$retry" line)
check "the lost attempt is unknown" is "$(job "$job" 'attempts[0].state')" unknown
check "because its worker was lost" is "$(job "$job" 'attempts[0].reason')" worker_lost
check "the answer is the second attempt's" is "$(job "$job" 'attempts[1].role')" answer
check "the settled cost is the second attempt's alone" is "$(counts "$retry" amount_pusd)" \
    "$(job "$job" 'attempts[1].amount_pusd')"
check "the bound of the other stands apart" is "$(counts "$retry" possibly_billed_pusd)" \
    "$(job "$job" 'attempts[0].possibly_billed_pusd')"
check "the result says both" is "$(result "$retry" line colloq.cost.possibly_billed_calls)" 1

lose park
park=$batch
check "with park the line waits for a person" until_true 60 is_settled "$park"
job=$(job_of "$park" line)
check "parked" has "0 done, 1 parked; 1 call; 1 unknown (at most" "$(client batch show "$park")"
check "the result says why" is "$(result "$park" line error.code)" possibly_billed
check "batch show names the policies" has "possibly billed: park" "$(client batch show "$park")"
check "a person tries it again" has "1 job is tried again" "$(client dead retry "$job")"
check "and it is answered" until_true 60 is_settled "$park"
check "with both calls in the cost" grep -qE '2 calls; \$[0-9.]+ \+ 1 unknown' <(client batch show "$park")
check "and no longer kept" is "$(client dead list --json | pick 'dead[0].job')" ""

lose fail
fail=$batch
check "with fail the line is dead" until_true 60 is_settled "$fail"
check "and says why" has "1  dead: possibly_billed" "$(client batch show "$fail")"
check "cost shows what may come on top" is \
    "$(client cost --batch "$fail" --json | pick total.possibly_billed_calls)" 1
check "in words" has "1 unknown (at most \$" "$(client cost --batch "$fail")"
check "the processes drain with 0" stop_dev
check_bill "bill and ledger differ by the unknown calls only" --unknown-max 3
end_test
