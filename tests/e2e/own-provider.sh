#!/bin/bash
# A provider of somebody's own, as docs/adding-a-provider.md adds it: two files in a folder, and no
# C. Calls, a stream and a conversation with it are made, named and priced, and a real key that lies
# in its variable never reaches a simulated world.
. "$(dirname "$0")/lib.sh"
own=$work/own
mkdir -p "$own/providers" "$own/prices"
export COLLOQ_CATALOGUE=$own NORDLICHT_TOKEN=a-real-key COLLOQ_CONFIG=
# The entry of any compatible server, under another name, with a key's variable and a header of its own.
sed -e 's/^provider: .*/provider: nordlicht/' -e 's/^title: .*/title: Nordlicht/' \
    -e 's|base_url: .*|base_url: "https://api.nordlicht.example/v2"|' -e 's/OPENAI_COMPATIBLE_BASE_URL/NORDLICHT_URL/' \
    -e 's/OPENAI_COMPATIBLE_API_KEY/NORDLICHT_TOKEN/' -e 's/^supported_identifiers:/&\n  - build_id/' \
    -e 's/^identifier_extraction_paths:/&\n  - {kind: build_id, path: $.system_fingerprint, source: recorded}/' \
    "$root/schemas/providers/compatible.chat.yaml" >"$own/providers/nordlicht.chat.yaml"
cat >"$own/prices/nordlicht.yaml" <<'YAML'
provider: nordlicht
currency: USD
sources: {list: {what: "the price list", date: 2026-11-30}}
models:
  - model: nord-1
    spans: [{input: 2, cached: 1, output: 4, source: list}]
YAML

cat >"$work/job.jsonl" <<'LINES'
{"custom_id":"a","url":"/v1/chat/completions","body":{"model":"nordlicht/nord-1","messages":[{"role":"user","content":"a"}]}}
{"custom_id":"b","url":"/v1/chat/completions","body":{"model":"nordlicht/nord-1","messages":[{"role":"user","content":"b"}],"stream":true}}
{"custom_id":"c","conversation":"c","model":"nordlicht/nord-1","input":"c"}
{"custom_id":"d","conversation":"c","input":"d"}
LINES
start_dev
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the run ends with 0" is $? 0
check "every line has one result line" is "$(wc -l <"$work/out.jsonl")" 4
check "whoever names no provider's url is told those of the provider" has "of nordlicht there are: /v1/chat/completions" \
    "$(echo '{"custom_id":"e","url":"/v1/other","body":{"model":"nordlicht/m","messages":[]}}' | client batch run - 2>&1)"
id=$(grep -o '"system_fingerprint":"[^"]*"' "$work/out.jsonl" | head -1 | cut -d'"' -f4)
check "an identifier of its own is found by its kind" has build_id "$(client find "$id")"
check "all that it declares is compared" has "nordlicht.chat: 4 answers" "$(client provider gaps)"
words=$(client provider gaps 2>&1 >/dev/null)
check "the catalogue that runs is heard" is "$words" ""
words=$(COLLOQ_CATALOGUE='' client provider gaps --catalogue "$root/schemas" 2>&1 >/dev/null)
words_json=$(client batch watch job.jsonl --json --catalogue "$root/schemas" 2>&1 >/dev/null | head -1)
check "as an event, where all is said so" has '"event":"catalogue"' "$words_json"
check "that its schema knows" /usr/bin/python3 "$root/tests/e2e/check-schema.py" "$root/schemas/cli" event/1 <<<"$words_json"
check "a folder that cannot be read is no reason to end" client stat --catalogue "$work/nowhere"
check "another one is not, and that is said" has "--catalogue $root/schemas is not heard" "$words"
check "the processes drain with 0" stop_dev

check "all calls went to the simulator, in its folder" is "$(grep -c 'url=http://127.0.0.1:[0-9]*/nordlicht/v2/chat' \
    "$data/log/colloq-worker.log")" 1
check "with the simulator's key" is "$(grep -c 'a-real-key' -r "$data" | grep -vc ':0$')" 0
check "all are its own" is "$(sql "SELECT count(*) FROM call c JOIN ai_platform p ON p.platform = c.platform
    WHERE p.provider = 'nordlicht' AND c.role = 'answer'")" 4
check "each is priced by its own list" is "$(sql "SELECT count(*) FROM call WHERE amount_pusd IS NULL
    OR amount_pusd <> in_uncached * 2000000 + ifnull(in_cached, 0) * 1000000 + out_visible * 4000000")" 0
check "a second entry changes nothing" has "nothing changes" "$("$BIN/colloq" provider configure --simulate --data "$data")"
# The simulator has no price for it: the bill has the tokens.
check "the ledger has what the provider counted" is "$(sql "SELECT count(*) FROM bill b JOIN call c
    ON substr(lower(hex(c.id)), 1, 16) = substr(json_extract(line, '\$.call'), 1, 16)
    WHERE json_extract(line, '\$.input_tokens') = c.in_uncached + ifnull(c.in_cached, 0)
    AND json_extract(line, '\$.output_tokens') = c.out_visible")" 4
end_test
