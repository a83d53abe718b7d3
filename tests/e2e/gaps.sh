#!/bin/bash
# A provider that changes its answers shows up by itself: what they hold is compared with what the
# catalogue declares, also after an entry of one's own says less.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/own/providers"
sed '/^  - {kind: fingerprint_id, path/d; /^  - {path: $.system_fingerprint/d' \
    "$root/schemas/providers/openai.chat.yaml" >"$work/own/providers/openai.chat.yaml"
sed '/^  - {path: "$.output\[\*\].role",/d' \
    "$root/schemas/providers/openai.responses.yaml" >"$work/own/providers/openai.responses.yaml"
ends() { local wanted=$1; shift; "$@" >/dev/null 2>"$work/err.txt"; is "$?" "$wanted"; }
start_dev ""
check "nothing is recorded" grep -q 'no answer is recorded' <(client provider gaps 2>&1)
check "nor of what does not exist" ends 66 client provider gaps nope
check "which says what does" grep -q '^  openai.chat$' "$work/err.txt"
client batch run "$root/schemas/examples/first.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
client batch run "$root/schemas/examples/anthropic.jsonl" >>"$work/out.jsonl" 2>"$work/err.txt"
echo '{"custom_id":"r","method":"POST","url":"/v1/responses","body":{"model":"gpt-5-nano","input":"x"}}' >"$work/responses.jsonl"
client batch run "$work/responses.jsonl" >>"$work/out.jsonl" 2>"$work/err.txt"
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
check "a header that no entry names" of openai.chat undeclared header:openai-version
check "how answers travel is nobody's" lacks openai.chat undeclared header:content-type
check "nor is what colloq adds" lacks anthropic.messages undeclared '$.stream_events.count'
check "what a path leads through is known" lacks anthropic.messages undeclared '$.content[*]'
kept=$(grep -o "\$\['output', 'tools'\].*type" "$root/schemas/providers/openai.responses.yaml")
check "a path of several names is met" lacks openai.responses never_seen "${kept:?}"
check "an API without answers is there too" of together.chat never_seen '$.id'
check "a field within elements that are counted" of openai.responses seen '$.output[*].role'
check "what is declared is not undeclared" lacks openai.chat undeclared '$.system_fingerprint'
client provider gaps openai.chat >"$work/people.txt"
check "one without answers" grep -q '^no answer is recorded of together.chat$' <(client provider gaps together)
check "one API alone" sh -c "grep -q '^openai.chat: ' '$work/people.txt' && ! grep -q '^anthropic' '$work/people.txt'"
COLLOQ_CATALOGUE=$work/own client provider gaps --json >"$work/gaps.json"
check "an entry that says less has a gap" of openai.chat undeclared '$.system_fingerprint'
check "also within elements that are counted" of openai.responses undeclared '$.output[*].role'
check "what a catalogue would change is told while colloq runs" grep -q 'would be changed .*openai.chat: ' <(COLLOQ_CATALOGUE=$work/own client provider configure --dry-run)
COLLOQ_CATALOGUE=$work/own check "it is not entered then" ends 75 client provider configure
client provider gaps --limit 2 --json >"$work/gaps.json" 2>/dev/null
check "as many as are wanted" grep -q '"answers":2,"is_cut":true' "$work/gaps.json"

# More answers than one question brings: their pages are added up.
for i in $(seq 1100); do
    echo "{\"custom_id\":\"$i\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"gpt-5-nano\",\"messages\":[{\"role\":\"user\",\"content\":\"$i\"}]}}"
done >"$work/many.jsonl"
client batch run "$work/many.jsonl" >"$work/many-out.jsonl" 2>"$work/err.txt"
answers=$((answers + $(grep -c '"status_code":200' "$work/many-out.jsonl")))
client provider gaps --json >"$work/gaps.json"
check "all pages are looked at" grep -q "\"answers\":$answers,\"is_cut\":false" "$work/gaps.json"
check "and a field's answers are added up" /usr/bin/python3 -c '
import json, sys
api = [a for a in json.load(open(sys.argv[1]))["apis"] if a["api"] == "openai.chat"][0]
field = [f for f in api["seen"] if f["place"] == "$.id"][0]
sys.exit(not (1100 < api["answers"] == field["answers"] and field["first_ms"] < field["last_ms"]))' "$work/gaps.json"
end_test
