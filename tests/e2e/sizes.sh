#!/bin/bash
# Lines, answers, headers and contexts just below their limits, at them and just beyond: each ends
# as documented, nothing beside them is disturbed, and bill and ledger agree.
. "$(dirname "$0")/lib.sh"
limit=8388608 # LINE_BYTES_MAX, ANSWER_BYTES_MAX, CONTEXT_BYTES_MAX

# filler BYTES
filler() { head -c "$1" /dev/zero | tr '\0' 'x'; }
# A call whose message begins with these words.
call() {
    printf '{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"%s"}]}}\n' "$1" "$2"
}
# A call whose line has exactly that many bytes, its newline not counted.
long_call() {
    empty=$(call "$1" "")
    printf '%s' "${empty%\"\}\]\}\}}"
    filler "$(($2 - ${#empty}))"
    printf '"}]}}\n'
}
# A turn whose input has exactly that many bytes.
turn() {
    printf '{"conversation":"%s","model":"openai/gpt-4.1-mini","input":"' "$1"
    filler "$2"
    printf '"}\n'
}
{
    for i in $(seq 20); do call "before-$i" "one of many"; done
    long_call line-below $((limit - 1))
    long_call line-at $limit
    long_call line-beyond $((limit + 1))
    call answer-below "@sim:body_$((limit - 1))"
    call answer-at "@sim:body_$limit"
    call answer-beyond-once "@sim:body_$((limit + 1))*1"
    call answer-beyond "@sim:body_$((limit + 1))"
    call head-below "@sim:head_250000"
    call head-beyond-once "@sim:head_300000*1"
    turn fits 4000000
    turn fits 4000000
    turn grows 4000000
    turn grows 4400000
    turn grows 10
    for i in $(seq 20); do call "after-$i" "one of many"; done
} >"$work/job.jsonl"
beyond=23 # the number of the line that is too long

start_dev "--seed 7"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "a run with refused and failed lines ends with 1" is $? 1
check "the line beyond the limit is refused by its number" \
    grep -qE "line $beyond( |:).*longer than $limit bytes" "$work/err.txt"
check "every other line has its result" is "$(wc -l <"$work/out.jsonl")" 53
check "no process has died of it" is \
    "$(client stat --json | grep -o '"role":"[a-z]*"' | sort -u | wc -l)" 4
check "no process was started again" is "$(grep -c 'ev=process.ended' "$work/dev.out")" 0
check "the processes drain with 0" stop_dev

outcome() { sql "SELECT outcome || ' ' || coalesce(reason, '') FROM job WHERE custom_id = '$1'"; }
for id in line-below line-at answer-below answer-at answer-beyond-once head-below head-beyond-once \
    before-1 before-20 after-1 after-20 fits/1 fits/2 grows/1; do
    check "$id is answered" is "$(outcome $id)" "answered "
done
check "an answer that is always too large ends as that" is "$(outcome answer-beyond)" "dead attempts_used"
check "a context that is too large ends its turn" is "$(outcome grows/2)" "dead context_too_large"
check "and the turn behind it waits for a person" is "$(outcome grows/3)" "parked earlier_turn"
has_code() { grep -F "\"custom_id\":\"$1\"" "$work/out.jsonl" | grep -qF "\"error\":{\"code\":\"$2\""; }
check "its result says so" has_code answer-beyond too_large
check "the result of the turn names the context" has_code grows/2 context_too_large
check "and that of the turn behind it names that turn" \
    grep -qF 'turn 2 (line 33) got no answer: context_too_large' "$work/out.jsonl"
of_job() {
    sql "SELECT group_concat(state || ' ' || coalesce(reason, '') || ' ' || is_possibly_billed, ', ')
        FROM (SELECT c.* FROM call c JOIN job j USING (job) WHERE j.custom_id = '$1'
              ORDER BY c.attempt)"
}
for id in answer-beyond-once head-beyond-once; do
    check "$id failed once, possibly billed, and then was answered" is "$(of_job $id)" \
        "failed too_large 1, answered  0"
done
check "the first bytes of each answer that is too large are kept" is "$(sql "SELECT count(*) FROM
    call c LEFT JOIN answer USING (call) WHERE c.reason = 'too_large' AND evidence IS NULL")" 0
check "nothing was set aside" is "$(sql 'SELECT (SELECT count(*) FROM quarantine) + (SELECT count(*) FROM conflict)')" 0
check_bill "bill and ledger differ by the flagged rows only"
end_test
