#!/bin/bash
# What must never happen untold: files that are emptied although nothing was submitted, lines that are paid
# for twice because nobody could say that they were, copies of stdin that stay behind, refused lines that
# are only counted.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
export COLLOQ_JOURNAL_MAX=$((64 * 1048576)) # so that a submission comes to a halt
for n in 1 2 3; do single "a-$n" "Name a colour."; done >"$work/in.jsonl"
"$BIN/make-lines" 120 21 >"$work/grown.jsonl"
seq 1 50 | sed 's/^/no JSON /' >"$work/bad.jsonl"
cp "$work/in.jsonl" "$work/kept.jsonl"
cd "$work" || exit 1
fails_with() {
    local want=$1
    shift
    client "$@" >said.txt 2>err.txt
    is $? "$want" || { cat err.txt; return 1; }
}
says() { has "$1" "$(cat err.txt)"; }
silent_on() { ! grep -qF -- "$1" err.txt || { cat err.txt; return 1; }; }
lines_in() { is "$(wc -l <"$1")" "$2"; }
no_copies() { [ -z "$(find "$data/spool" -name 'stdin-*' 2>/dev/null)" ]; }
start_dev ""

# ---- files ------------------------------------------------------------------------------------
ln in.jsonl link.jsonl
check "results into the input are refused" fails_with 64 batch run in.jsonl --output in.jsonl
check "that is said" says "in.jsonl is both the input and --output"
check "errors too, by another name" fails_with 64 batch run in.jsonl --errors link.jsonl
check "that is said" says "both the input and --errors"
check "and with stdin" fails_with 64 batch run - --output in.jsonl <in.jsonl
check "results and errors in one file are refused" fails_with 64 batch run in.jsonl --output o --errors ./o
check "that is said" says "both --output and --errors"
check "the input is as it was" cmp in.jsonl kept.jsonl
check "an input that is not there" fails_with 66 batch run none.jsonl --output none.jsonl
check "is not made" test ! -e none.jsonl
check "what cannot be written is refused" fails_with 73 batch run in.jsonl --output nowhere/o
check "devices are shared" fails_with 0 batch run in.jsonl --output /dev/null --errors /dev/null
seq 1 9 >out.jsonl
seq 1 9 >errors.jsonl
check "the results replace what was there" fails_with 0 batch run in.jsonl --output out.jsonl --errors errors.jsonl
check "all of it" lines_in out.jsonl 3
check "no failure is no line" lines_in errors.jsonl 0
echo old >errors.jsonl
check "nobody there" fails_with 69 batch run in.jsonl --output out.jsonl --endpoint "ipc://$work/nobody"
check "leaves them" lines_in out.jsonl 3
check "the same lines" fails_with 75 batch run in.jsonl --limit 2 --output out.jsonl --errors errors.jsonl
check "leave them" lines_in out.jsonl 3
check "both" is "$(cat errors.jsonl)" old

# ---- the same lines ---------------------------------------------------------------------------
check "whoever is quiet" fails_with 75 batch run in.jsonl --limit 2 --quiet
check "hears which batch it is" says "$(client batch show in.jsonl --json | pick batch)"
check "and what it has cost" says "3 lines accepted, 3 calls, \$0"
check "a hundred lines" fails_with 0 batch run grown.jsonl --output out.jsonl
single more "Name a stone." >>grown.jsonl
check "are known again in a file that has grown" fails_with 75 batch run grown.jsonl
{ cat in.jsonl && single a-4 "Name a stone."; } >small.jsonl
check "and in a shorter one" fails_with 75 batch run small.jsonl

# ---- nobody can say whether they are ------------------------------------------------------------
billed=$(bill_lines)
accountant=$(process colloq-accountant)
kill -STOP "$accountant"
check "without the ledger nothing is submitted" fails_with 75 batch run in.jsonl --limit 3
check "it was asked for a while" says "Waits: the accountant does not answer"
check "and that is why" says "nothing was submitted: the accountant did not answer for 30 s"
client batch run in.jsonl --limit 3 >said.txt 2>err.txt &
run=$!
check "another one waits" until_true 60 says "Waits: the accountant"
kill -CONT "$accountant"
wait "$run"
check "and is told when the ledger can" is $? 75
check "what was paid for" says "begins with the same lines"
check "nothing was called" is "$(bill_lines)" "$billed"

# ---- refused lines ------------------------------------------------------------------------------
check "--strict" fails_with 65 batch run bad.jsonl --strict
check "says how to have all of them" says "colloq batch run FILE --strict --errors FILE"
check "--strict, with a file for them" fails_with 65 batch run bad.jsonl --strict --errors errors.jsonl
check "names it" says "50 lines that failed or were refused are in errors.jsonl"
check "and there they are" is "$(grep -c '"code":"not_json"' errors.jsonl)" 50

# ---- stdin --------------------------------------------------------------------------------------
{ client batch run - --tag bad && false || echo $? && cat; } <in.jsonl >rest.txt 2>err.txt
check "a mistyped option is told before stdin is read" is "$(cat rest.txt)" "$(echo 64 && cat in.jsonl)"
check "the same lines" fails_with 75 batch run - <in.jsonl
check "leave no copy" no_copies
check "refused ones" fails_with 65 batch run - --strict <bad.jsonl
check "leave none" no_copies
check "a run that ends" fails_with 0 batch run - --again <in.jsonl
check "leaves none" no_copies
{ client batch run - --again <grown.jsonl 2>err.txt && false || echo $? >code.txt; } | true
check "a reader that goes" is "$(cat code.txt)" 141
check "leaves none either" no_copies
seq 1 7000 | awk 'BEGIN { while (length(pad) < 10000) pad = pad "some words of padding " }
    { printf "{\"custom_id\":\"n%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":" \
        "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}}\n", $1, pad }' >big.jsonl
run_stdin() { exec "$BIN/colloq" batch run - --simulate --data "$data" <big.jsonl >said.txt 2>err.txt; }
worker=$(process colloq-worker)
kill -STOP "$worker"
run_stdin &
run=$!
check "a submission comes to a halt" until_true 60 says "the broker's journal is full"
kill -INT "$run"
wait "$run"
check "and is stopped" is $? 130
check "it is said that it was not over" says "Not the whole file was taken in"
check "and where the copy is" says "$(find "$data/spool" -name 'stdin-*') is a copy of stdin"
command=$(grep -A 1 'goes on where it stands' err.txt | tail -n 1)
check "under its key" has "--idempotency-key stdin-" "$command"
kill -CONT "$worker"
PATH=$BIN:$PATH bash -c "$command" >said.txt 2>err.txt
check "that command goes on" is $? 0
check "with the same batch" says "is taken up where it stands"
check "to its end" is "$(jobs_in said.txt)" 7000
rm -f "$data"/spool/stdin-*
check "the processes drain with 0" stop_dev
check "each line of it was called once" is "$(sql "SELECT count(*) FROM call WHERE state <> 'not_started' AND batch =
    (SELECT max(batch) FROM batch)")" 7000
end_test
