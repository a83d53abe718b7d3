#!/bin/bash
# A provider that changes its answers shows up by itself: what they hold is compared with what the
# catalogue declares, also after an entry of one's own says less.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/own/providers"
sed '/^  - {kind: fingerprint_id, path/d; /^  - {path: $.system_fingerprint/d' \
    "$root/schemas/providers/openai.chat.yaml" >"$work/own/providers/openai.chat.yaml"
start_dev ""
check "nothing is recorded" grep -q 'no such answer' <(client provider gaps 2>&1)
client batch run "$root/schemas/examples/first.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
client batch run "$root/schemas/examples/anthropic.jsonl" >>"$work/out.jsonl" 2>"$work/err.txt"
answers=$(grep -c '"status_code":200' "$work/out.jsonl")

# of API LIST PLACE: whether the list of that API has the place; the answer is in gaps.json.
of() {
    /usr/bin/python3 - "$work/gaps.json" "$@" <<'PY'
import json, sys
file, api, which, place = sys.argv[1:]
report = json.load(open(file))
fields = [f for a in report["apis"] if a["api"] == api for f in a[which]]
found = [f for f in fields if (f["place"] if isinstance(f, dict) else f) == place]
for f in found:
    assert isinstance(f, str) or (f["answers"] > 0 and 0 < f["first_ms"] <= f["last_ms"])
sys.exit(not found)
PY
}
lacks() { ! of "$@"; }
client provider gaps --json >"$work/gaps.json"
check "what it says fits its schema" /usr/bin/python3 "$here/check-schema.py" "$root/schemas/cli" <"$work/gaps.json"
check "every answer was looked at" grep -q "\"answers\":$answers,\"is_cut\":false" "$work/gaps.json"
check "a declared field was seen" of openai.chat seen '$.choices[*].finish_reason'
check "so was a header" of openai.chat seen header:x-request-id
check "another API has its own" of anthropic.messages seen '$.stop_reason'
check "what nobody asked for was never seen" of openai.chat never_seen '$.moderation'
check "a header that no entry names" of openai.chat undeclared header:content-type
check "what is declared is not undeclared" lacks openai.chat undeclared '$.system_fingerprint'
client provider gaps openai.chat >"$work/people.txt"
check "one API alone" sh -c "grep -q '^openai.chat: ' '$work/people.txt' && ! grep -q '^anthropic' '$work/people.txt'"
COLLOQ_CATALOGUE=$work/own client provider gaps --json >"$work/gaps.json"
check "an entry that says less has a gap" of openai.chat undeclared '$.system_fingerprint'
client provider gaps --limit 2 --json >"$work/gaps.json" 2>/dev/null
check "as many as are wanted" grep -q '"answers":2,"is_cut":true' "$work/gaps.json"
end_test
