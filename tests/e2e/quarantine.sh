#!/bin/bash
# Extractors that refuse every answer, or find what is no facts. What cannot be read is kept as it
# came: a single call's result is the raw answer, a turn has none. What cannot be applied stands in
# quarantine, word for word. Both may have been billed, both say so, and a retry mends them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
{ single single "hello"; turn talk "first"; turn talk "second"; } >"$work/job.jsonl"
start_parts colloq-broker colloq-accountant colloq-ingress
start_liar worker

# What no extractor can read.
start_liar extractor-refuses
refuses=$liar_pid
unread=$(submit "$work/job.jsonl" --idempotency-key unread)
heard_of "lease 2"
single=$(leased 1) first=$(leased 2)
tell end 1 answered
tell end 2 answered
check "a batch of unreadable answers settles" until_true 60 is_settled "$unread"
check "the single call has its raw answer" is \
    "$(result "$unread" single 'response.body.choices[0].message.content')" "words of lease 1"
check "and counts as done" has "1 done, 1 failed, 1 parked" "$(client batch show "$unread")"
check "its attempt is unextracted" is "$(job "$single" 'attempts[0].state')" unextracted
check "it has no price" is "$(job "$single" 'attempts[0].unpriced')" unextracted
check "but a bound" test "$(job "$single" 'attempts[0].possibly_billed_pusd')" -gt 0
check "the turn has no answer" is "$(job "$first" reason)" unreadable_answer
check "with the next revision" is "$(job "$first" revision)" 2
check "and the one behind it is parked" is "$(result "$unread" talk/2 error.code)" turn_parked
check "the cost says what is missing" has "2 unknown (at most" "$(client batch show "$unread")"
check "conversation show says so" has "turn 1: dead, unreadable_answer" \
    "$(client conversation show talk --batch "$unread")"
kill "$refuses"
wait "$refuses"

# What no ledger can take in.
start_liar extractor-garbles
garbles=$liar_pid
aside=$(submit "$work/job.jsonl" --again --idempotency-key aside)
heard_of "lease 4"
single=$(leased 3) first=$(leased 4)
tell end 3 answered
tell end 4 answered
check "a batch of records in quarantine settles" until_true 60 is_settled "$aside"
check "its lines are dead, or parked behind one" has "0 done, 2 failed, 1 parked" \
    "$(client batch show "$aside")"
check "with the reason" is "$(job "$single" reason)" quarantined
check "and the next revision" is "$(job "$single" revision)" 2
check "batch show raises the alarm" has "alarm     2 records in quarantine" \
    "$(client batch show "$aside")"
check "the calls are named all the same" is "$(counts "$aside" calls)" 2
check "and may have been billed" has "2 unknown (at most" "$(client batch show "$aside")"
check "job show names the record" has "facts_malformed" "$(client job show "$single")"
check "conversation show says which turn has no answer" has "turn 1: dead, quarantined" \
    "$(client conversation show talk --batch "$aside")"
check "cost keeps it apart from what is settled" is \
    "$(client cost --batch "$aside" --json | pick total.amount_pusd)" ""
check "ledger status counts it" is "$(client ledger status --json | pick quarantined)" 2
client check >"$work/check.txt"
check "check is critical" is $? 1
check "and says where to look" has "quarantine   record" "$(cat "$work/check.txt")"
kill "$garbles"
wait "$garbles"

# An extractor that is what it should be, and a person's word.
part colloq-extractor
check "all that is dead is tried again" has "2 jobs are tried again; 1 parked behind them" \
    "$(client dead retry --batch "$aside")"
for n in 5 6; do
    heard_of "lease $n"
    tell end "$n" answered
done
heard_of "lease 7"
tell end 7 answered
check "and answered" until_true 60 is_settled "$aside"
check "every line is done" has "3 done;" "$(client batch show "$aside")"
check "what was spent on the first attempts is still said" has "2 unknown (at most" \
    "$(client batch show "$aside")"
check "the results are the later answers" has "words of lease" "$(client batch results "$aside")"
check "no sum differs" is "$(client check --json | pick rollups_differ)" 0
stop_parts
end_test
