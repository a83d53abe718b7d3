#!/bin/bash
# Two colloqs and a name for each: a command goes where its context says, and nowhere else.
. "$(dirname "$0")/lib.sh"
"$BIN/make-lines" 10 3 >"$work/job.jsonl"
"$BIN/make-lines" 20 4 >"$work/other.jsonl"
cat >"$work/colloq.yaml" <<YAML
context: one
contexts:
  one: {data: $work/one, simulate: true}
  two: {data: $work/two, simulate: true}
  far: {endpoint: 'ipc://$work/far.sock', simulate: true}
YAML
export COLLOQ_CONFIG=$work/colloq.yaml
unset COLLOQ_CONTEXT COLLOQ_DATA COLLOQ_ENDPOINT
run() {
    want=$1
    shift
    "$BIN/colloq" "$@" >"$work/said.txt" 2>"$work/err.txt"
    is $? "$want" || { cat "$work/err.txt"; return 1; }
}
calls() { grep -o '"calls":[0-9]*' "$work/said.txt" | head -n 1; }
says() { grep -qF -- "$1" "$work/err.txt" || { cat "$work/err.txt"; return 1; }; }

check "a batch runs in the usual context" run 0 batch run "$work/job.jsonl"
check "which is simulated money in a folder of its own" test -f "$work/one/simulated/ledger.db"
check "another runs in a named one" run 0 batch run "$work/other.jsonl" --context two
check "which is elsewhere" test -f "$work/two/simulated/ledger.db"
check "the usual one is asked" run 0 cost --json
check "and knows its own calls" is "$(calls)" '"calls":10'
export COLLOQ_CONTEXT=two
check "a variable names the other" run 0 cost --json
check "which knows its own" is "$(calls)" '"calls":20'
check "a flag beats the variable" run 0 cost --json --context one
check "so that is the first again" is "$(calls)" '"calls":10'
check "what is to be run next repeats it" run 0 batch submit "$work/other.jsonl" --context one
check "in its words" says "--context one"
unset COLLOQ_CONTEXT
check "an endpoint of a context is not replaced" run 69 cost --context far
check "and is named with the context" says "far.sock (context far, $work/colloq.yaml:5)"
check "an unknown one is refused" run 78 cost --context three
check "with the names that there are" says "one, two, far"
check "dev runs in a context as well" run_dev --context two
check "in its folder" grep -qF "Data: $work/two/simulated." "$work/dev.out"
check "where the same context finds it" run 0 stat --context two --no-start
check "the processes drain with 0" stop_dev
end_test
