#!/bin/bash
# scripts/check-recordings itself: it finds what was planted, and says so where there is nothing to
# look at. Exchanges of our own making. Needs BIN and ROOT.
set -u
: "${BIN:?the folder of the programs}" "${ROOT:?the project}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
export HOME=$work
unset COLLOQ_CATALOGUE COLLOQ_CONFIG
mkdir -p "$work/oracle"

# Where the one recording is, what its call asked, and its headers.
provider=openai-chat url=https://api.openai.com/v1/chat/completions headers='"x-request-id":"r-1"' model=m at=2026-08-20
# exchange BODY: the one recording. oracle INPUT TOTAL: what is expected of it.
exchange() {
    mkdir -p "$work/open/$provider"
    printf '{"provider":"%s","flavor":"%s","request":{"url":"%s","body":{}},
        "response":{"status":200,"headers":{%s},"stream":false,"body":%s}}' \
        "$provider" "$provider" "$url" "$headers" "$1" >"$work/open/$provider/0001.json"
}
oracle() {
    printf '{"file":"open/%s/0001.json","model":"%s","usage":{"input_tokens":%s,"output_tokens":10},
        "price":{"total":%s,"model_price":{"input_mtok":2,"output_mtok":6},"matched_model":"m"},
        "timestamp":"%sT00:00:00Z"}' "$provider" "$model" "$1" "$2" "$at" | tr -d '\n' >"$work/oracle/open.jsonl"
}
# plant SED: what the extractor says is changed so; plant: it is not.
real=$BIN
plant() {
    BIN=$real
    [ $# = 0 ] && return
    mkdir -p "$work/bin"
    printf '#!/bin/bash\n[ "$1" = extract ] || exec "%s/colloq" "$@"\n"%s/colloq" "$@" | sed -E %q\n' \
        "$real" "$real" "$1" >"$work/bin/colloq"
    chmod +x "$work/bin/colloq"
    BIN=$work/bin
}
# says CODE PATTERN: how the check ends, and what it prints.
says() {
    local said code
    said=$(BIN=$BIN "$ROOT/scripts/check-recordings" "$work/open" "$work/oracle" 2>&1)
    code=$?
    if [ $code = "$1" ] && grep -qE "$2" <<<"$said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: ended with %s, not %s, or lacks %s:\n%s\n' $code "$1" "$2" "$said"
    fi
}
answer='{"id":"c-1","model":"gpt-5-nano-2025-08-07","choices":[{"index":0,"message":{"role":"assistant",
    "content":"hi","extra_id":"%s"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":10}}'
# shellcheck disable=SC2059
exchange "$(printf "$answer" e-1)"
oracle 100 0.000009
says 0 '1/1 .* 1/1 .* 2/2 .* 1/1'
oracle 101 0.000009
says 1 '^totals: openai-chat/0001.json: \(100, 10\), the oracle \(101, 10\)'
oracle 100 0.000010
says 1 '^price: openai-chat/0001.json: 9000000 .*the oracle 10000000'
oracle 100 0.000009
# One identifier more than the extractor keeps: what it lets go has to be noticed.
many=$(seq -s, 1 1100 | sed -E 's/([0-9]+)/{"id":"i-\1"}/g')
# shellcheck disable=SC2059
exchange "$(printf "${answer/\"usage\"/\"many\":[$many],\"usage\"}" e-1)"
says 1 '^ids: openai-chat/0001.json: .*many.* = i-1100'
exchange '{"id":"c-1","model":"gpt-5-nano","choices":[]}'
says 1 '^refused: openai-chat/0001.json: malformed: no_choices'

# ---- what the extractor would have to lose or change -----------------------------------------------
# shellcheck disable=SC2059
exchange "$(printf "$answer" e-1)"
plant 's/"value":"r-1"/"value":"r-2"/'
says 1 '^headers: openai-chat/0001.json: x-request-id: r-1'
plant 's/"finish_reason":"stop"/"finish_reason":"length"/'
says 1 '^metadata: openai-chat/0001.json: \.choices\.0\.finish_reason = stop'
plant 's/"metadata":\{"id":"c-1",/"metadata":{/'
says 1 '^metadata: openai-chat/0001.json: \.id = c-1'
plant 's/"in_cache_read":null/"in_cache_read":5/'
sed -i 's/"output_tokens"/"cache_read_tokens":0,&/' "$work/oracle/open.jsonl"
says 1 '^counters: openai-chat/0001.json: cache_read_tokens 5, the oracle 0'
plant
says 0 '0 differences, 0 decided'

# A stream, as lines and as an array of its events.
provider=gemini-generate model=gemini-2.5-flash
url=https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent
first='{"candidates":[{"content":{"parts":[{"text":"h"}],"role":"model"},"index":0}],"responseId":"g-1"}'
last='{"candidates":[{"content":{"parts":[{"text":"i"}]},"finishReason":"STOP","index":0}],"modelVersion":
    "gemini-2.5-flash","usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":10,"totalTokenCount":110}}'
last=$(tr -d '\n' <<<"$last")
rm -r "$work/open"
oracle 100 0.000055
for body in "[$first,$last]" "\"$(sed 's/"/\\"/g' <<<"data: $first\\n\\ndata: $last\\n\\n")\""; do
    exchange "$body"
    plant
    says 0 '1/1 .* 1/1 .* 1/1 .* 1/1'
    plant 's/"finishReason":"STOP"/"finishReason":"OTHER"/'
    says 1 '^metadata: gemini-generate/0001.json: .*finishReason = STOP'
    plant 's/"outcome":"success"/"outcome":"malformed"/'
    says 1 '^refused: gemini-generate/0001.json: malformed'
    plant 's/"in_total":100/"in_total":99/'
    says 1 '^totals: gemini-generate/0001.json: \(99, 10\), the oracle \(100, 10\)'
done

# A batch of the provider's own, each of whose items is a line.
plant
provider=anthropic-batches url=https://api.anthropic.com/v1/messages/batches/b/results
item='{\"custom_id\":\"@\",\"result\":{\"type\":\"succeeded\",\"message\":{\"id\":\"m-@\",\"type\":\"message\",'
item+='\"role\":\"assistant\",\"model\":\"claude-opus-5-5\",\"content\":[],\"stop_reason\":\"end_turn\",'
item+='\"usage\":{\"input_tokens\":100,\"output_tokens\":10}}}}\n'
rm -r "$work/open"
exchange "\"${item//@/a}${item//@/b}\""
says 0 'anthropic-batches / anthropic.messages .* 2/2 .* 4/4 .* 1/1 .* 2/2 '
exchange "\"${item//@/a}{\\\"custom_id\\\":\\\"b\\\",\\\"result\\\":{\\\"type\\\":\\\"expired\\\"}}\""
says 0 '0 differences'
exchange "\"${item//@/a}${item//@/b}\""
plant '/"item":[0-9]/s/"in_uncached":100/"in_uncached":101/'
says 1 '^counters: anthropic-batches/0001.json: item a'
plant 's/"total_pusd":300000000,/"total_pusd":600000000,/'
says 1 '^price: anthropic-batches/0001.json: item a: 600000000, half is 300000000'
plant '/"key":"b"/s/"outcome":"success"/"outcome":"malformed"/'
says 1 "^refused: anthropic-batches/0001.json: answers \\['a'\\] of 2"
plant 's/"value":"m-b"/"value":"m-a"/'
says 1 '^ids: anthropic-batches/0001.json: .*= m-b'
plant 's/"value":"r-1"/"value":"r-2"/'
says 1 '^headers: anthropic-batches/0001.json: x-request-id: r-1'
plant 's/"key":"b"/"key":"a"/'
says 1 '^refused: anthropic-batches/0001.json: an item twice'
plant 's/"stop_reason":"end_turn"//; s/,,/,/g'
says 1 '^metadata: anthropic-batches/0001.json: .*stop_reason = end_turn'

# What the provider states that it cost.
plant
provider=openrouter-chat url=https://openrouter.ai/api/v1/chat/completions
rm -r "$work/open"
exchange "$(printf '%s' "${answer/%\}\}/,\"cost\":0.25\}\}}" | tr -d '\n')"
says 0 '1/1$'
plant 's/"stated_pusd":250000000000/"stated_pusd":250000000002/'
says 1 '^stated: openrouter-chat/0001.json: 250000000002, stated 250000000000'
plant 's/"stated_pusd":250000000000/"stated_pusd":null/'
says 1 '^stated: openrouter-chat/0001.json: None, stated'

# ---- what is decided against the oracle is a price too ---------------------------------------------
plant
provider=mistral-chat url=https://api.mistral.ai/v1/chat/completions model=mistral-large-latest
rm -r "$work/open"
exchange "${answer/gpt-5-nano-2025-08-07/mistral-large-latest}"
oracle 100 0.00026
says 0 '^price, decided: mistral-chat/0001.json: 65000000 .*the oracle 260000000 .*before mistral-large-2512'
plant 's/"total_pusd":65000000/"total_pusd":66000000/'
says 1 '^price: mistral-chat/0001.json: 66000000 .* is to be 65000000: '
plant
oracle 100 0.00052
says 0 'the oracle 520000000'
sed -i 's/"input_tokens":100/"input_tokens":200/' "$work/oracle/open.jsonl"
says 1 '^price: mistral-chat/0001.json: 65000000 .* is to be 115000000: '
model=mistral-small-2603 at=2026-08-19
exchange "$(sed 's/gpt-5-nano-2025-08-07/mistral-small-2603/; s/"completion_tokens"/"num_cached_tokens":40,&/' <<<"$answer")"
oracle 100 0.00026
sed -i 's/"model_price":{[^}]*}/"model_price":{"input_mtok":0.15,"cache_read_mtok":0.015,"output_mtok":0.6}/' \
    "$work/oracle/open.jsonl"
says 0 '^price, decided: mistral-chat/0001.json: 15600000 .* the 40 tokens that were read from the cache'
plant 's/"total_pusd":15600000/"total_pusd":21000000/'
says 1 '^price: mistral-chat/0001.json: 21000000 .* is to be 15600000'

# ---- what compares nothing is no check ---------------------------------------------------------------
plant
provider=nobody-chat url=https://nobody.example/v1/ask
rm -r "$work/open"
exchange '{"said":"hi"}'
says 1 '^check-recordings: no exchange is of an API'
rm "$work/oracle/open.jsonl"
says 1 '^check-recordings: there is no oracle in '
rm -r "$work/oracle"
says 1 '^check-recordings: there is no oracle in '
rm -r "$work/open/nobody-chat"
says 77 'skipped'
rm -r "$work/open"
says 77 'skipped'
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
