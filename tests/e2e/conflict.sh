#!/bin/bash
# A worker that says two different things of one call, or brings the answer of a lease that it had
# let the broker take for lost. The first end stands, the other is kept as a conflict, everybody who
# looks is told, and money that may be gone is in the sums.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
start_parts colloq-broker colloq-accountant colloq-extractor colloq-ingress
start_liar worker

# Two ends of one call, the second of which costs money.
single two-ends "hello" >"$work/one.jsonl"
one=$(submit "$work/one.jsonl")
heard_of "lease 1"
tell end 1 not_started
heard_of "stored 1"
tell end 1 answered again
check "another attempt is made" heard_of "lease 2"
tell end 2 answered
check "and answers" until_true 60 is_settled "$one"
job=$(leased 1)
check "the first end of the call stands" is "$(job "$job" 'attempts[0].state')" not_started
check "it may have been billed" is "$(job "$job" 'attempts[0].possibly_billed')" 1
check "the second attempt is the answer" is "$(job "$job" 'attempts[1].role')" answer
check "job show names the conflict" has "another_end" "$(client job show "$job")"
check "batch show raises the alarm" has "alarm     0 records in quarantine, 1 conflict" \
    "$(client batch show "$one")"
check "and what may come on top" has " + 1 unknown (at most" "$(client batch show "$one")"
check "so does cost" is "$(client cost --batch "$one" --json | pick total.possibly_billed_calls)" 1
check "stat shows it" has "1 conflict" "$(client stat)"
check "ledger status counts it" is "$(client ledger status --json | pick conflicts)" 1
client check >"$work/check.txt"
check "check is critical" is $? 1
check "and names the job" has "$job" "$(cat "$work/check.txt")"

# The end of a call that answered, and another one of it.
single twice "hello" >"$work/two.jsonl"
two=$(submit "$work/two.jsonl")
heard_of "lease 3"
tell end 3 answered
tell end 3 answered other
check "an answered line has the first answer" until_true 60 is_settled "$two"
conflicts() { [ "$(client ledger status --json | pick conflicts)" = "$1" ]; }
check "another answer of the same call is a conflict" until_true 60 conflicts 2
check "and changes nothing" has '"content":"words of lease 3"' "$(client batch results "$two")"
check "nor is it paid twice" is "$(counts "$two" calls)" 1

# A lease that the broker took for lost was called all the same.
single lost "hello" >"$work/three.jsonl"
three=$(submit "$work/three.jsonl")
heard_of "lease 4"
lost=$(leased 4)
tell lose 4
check "a lease that is seen and not named is made anew" heard_of "lease 5"
attempt_is() { [ "$(job "$lost" "attempts[0].$1")" = "$2" ]; }
check "and was never started, for all that is known" until_true 60 attempt_is state not_started
tell end 4 answered
check "its answer calls off the new attempt" heard_of "abort 5"
tell end 5 not_started
check "the batch settles" until_true 60 is_settled "$three"
check "the answer that came is the answer" has "words of lease 4" "$(client batch results "$three")"
check "its attempt is answered now" until_true 60 attempt_is state answered
check "what it cost is in the sums" is "$(counts "$three" amount_pusd)" \
    "$(job "$lost" 'attempts[0].amount_pusd')"
check "and how that could be is a conflict" has "end_of_lost_lease" "$(client job show "$lost")"

# Said again, nothing is counted twice, also after a restart.
conflicts 3
tell end 1 answered again
heard_of "stored 1"
kill "${parts[0]}"
wait "${parts[0]}"
part colloq-broker
until_true 60 client stat
single last "hello" >"$work/four.jsonl"
four=$(submit "$work/four.jsonl")
heard_of "lease 6"
tell end 1 answered again
heard_of "stored 1"
tell end 6 answered
check "all goes on after a restart" until_true 60 is_settled "$four"
check "an end that is said again makes no further call" is "$(counts "$one" calls)" 2
check "and no sum differs" is "$(client check --json | pick rollups_differ)" 0
stop_parts
end_test
