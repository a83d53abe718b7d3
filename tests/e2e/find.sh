#!/bin/bash
# Support asks for an identifier: any of them names its call, message, conversation and batch.
. "$(dirname "$0")/lib.sh"
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
check "the processes drain with 0" stop_dev
end_test
