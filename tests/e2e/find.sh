#!/bin/bash
# Support asks for an identifier: any of them names its call, message, conversation and batch.
. "$(dirname "$0")/lib.sh"
# Identifiers of one's own: one that the catalogue has as well, and one that it does not.
cat >"$work/colloq.yaml" <<'YAML'
providers:
  openai:
    extract:
      my_answer_id: $[?match(@, 'chatcmpl-.+')]
      my_version: header:OpenAI-Version
YAML
export COLLOQ_CONFIG=$work/colloq.yaml
start_dev ""
client batch run "$root/schemas/examples/conversations.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the examples run" is $? 0
batch=$(client batch list --json | grep -o '"batch":"[0-9a-f-]*"' | head -1 | cut -d'"' -f4)

found() { # VALUE: the answer names a call, a conversation and the batch
    client find "$1" --json >"$work/found.json" 2>/dev/null &&
        grep -q "$batch" "$work/found.json" && grep -q '"call"' "$work/found.json" &&
        grep -q '"conversation"' "$work/found.json"
}
field() { # of the 30th result line
    sed -n 30p "$work/out.jsonl" | grep -o "\"$1\":\"[^\"]*\"" | head -1 | cut -d'"' -f4
}
body_id=$(sed -n 30p "$work/out.jsonl" | grep -o '"chatcmpl-[^"]*"' | head -1 | tr -d '"')
check "the answer's own id is found" found "$body_id"
check "the request id of the headers is found" found "$(field request_id)"
check "our job id is found" found "$(field job)"
check "the custom_id is found" found "$(field custom_id)"
check "our call id is found" found "$(field call)"
for value in $(head -40 "$work/out.jsonl" | grep -o '"req_[0-9a-f]*"' | tr -d '"' | sort -u); do
    found "$value" || { check "the request id $value is found" false; break; }
done
client find "$body_id" --json >"$work/found.json" 2>/dev/null
check "and so by the kind that the settings name" grep -q '"kind":"my_answer_id"' "$work/found.json"
check "a header that the settings name is found by its value" found 2020-10-01
check "an unknown value is said to be unknown" sh -c \
    "! '$BIN/colloq' find no-such-thing --simulate --data '$data' >/dev/null 2>&1"

conversation=$(client conversation list --json | grep -o '"conversation":"[0-9a-f-]*"' | head -1 | cut -d'"' -f4)
client conversation show "$conversation" --json >"$work/show.json"
for name in messages extracted_identifiers provider_metadata token_usage_history cost_tracking \
    running_total_pusd response_id request_id; do
    check "conversation show has $name" grep -q "\"$name\"" "$work/show.json"
done
for by in conversation message model batch tag day; do
    check "cost --by $by" quietly client cost --by "$by"
done
check "its identifiers have the settings' kinds" grep -q '"my_version"' "$work/show.json"
check "the processes drain with 0" stop_dev

# What is wrong with them is said before anything runs.
wrong() { # RULE
    printf 'providers:\n  openai:\n    extract: {%s}\n' "$1" >"$work/wrong.yaml"
    "$BIN/colloq-accountant" --config "$work/wrong.yaml" --data "$work/wrong" >"$work/wrong.txt" 2>&1
    is $? 78
}
check "a wrong path ends the accountant" wrong "my_id: '\$.a[01]'"
check "which says where and what" has \
    "wrong.yaml:3: providers.openai.extract.my_id: position 5: a number has no leading zero" \
    "$(cat "$work/wrong.txt")"
check "a wrong kind does" wrong "MyId: \$.a"
check "and is told" has "lower-case words with _ between them" "$(cat "$work/wrong.txt")"
printf 'providers: {opnai: {extract: {my_id: $.a}}}\n' >"$work/wrong.yaml"
"$BIN/colloq-accountant" --config "$work/wrong.yaml" --data "$work/wrong" >"$work/wrong.txt" 2>&1
check "a provider that is none does" is $? 78
check "and is told with its line" has \
    "wrong.yaml:1: providers.opnai.extract.my_id: the catalogue has no provider opnai" \
    "$(cat "$work/wrong.txt")"
end_test
