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
mkdir -p "$work/open/openai-chat" "$work/oracle"

# exchange BODY: the one recording. oracle INPUT TOTAL: what is expected of it.
exchange() {
    printf '{"provider":"openai-chat","flavor":"openai-chat","request":{"url":"%s","body":{}},
        "response":{"status":200,"headers":{"x-request-id":"r-1"},"stream":false,"body":%s}}' \
        https://api.openai.com/v1/chat/completions "$1" >"$work/open/openai-chat/0001.json"
}
oracle() {
    printf '{"file":"open/openai-chat/0001.json","usage":{"input_tokens":%s,"output_tokens":10},
        "price":{"total":%s,"model_price":{},"matched_model":"m"},"timestamp":"2026-08-20T00:00:00Z"}' \
        "$1" "$2" | tr -d '\n' >"$work/oracle/open.jsonl"
}
# says CODE PATTERN: how the check ends, and what it prints.
says() {
    local said code
    said=$("$ROOT/scripts/check-recordings" "$work/open" "$work/oracle" 2>&1)
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
rm -r "$work/open"
says 77 'skipped'
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
