#!/bin/bash
# Two APIs in one file: calls in the form of OpenAI's and of Anthropic's batches, streams and
# conversations with both, under faults. The bill adds up to the pico-USD, with prompts written to the cache for
# 5 minutes and for an hour; results of tools find their calls; what Anthropic cannot take is
# refused with its line.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-3000}
{
    "$BIN/make-lines" "$lines" "${SEED:-7}" 45
    sed 's/"conversation":"/"conversation":"example-/' "$root/schemas/examples/anthropic.jsonl"
    for i in $(seq 60); do
        echo '{"custom_id":"stream-'"$i"'","url":"/v1/messages","body":{"model":"claude-sonnet-4-6",'\
'"max_tokens":2000,"stream":true,"thinking":{"type":"enabled","budget_tokens":1024},"system":[{"type":"text","text":'\
'"You are asked for a number, and answer in one sentence.","cache_control":{"type":"ephemeral","ttl":"1h"}}],'\
'"messages":[{"role":"user","content":"number '"$i"'"}]}}'
    done
    for i in $(seq 10); do
        for turn in 1 2 3; do
            echo '{"custom_id":"streamed-'"$i-$turn"'","conversation":"streamed-'"$i"'","model":"anthropic/claude-opus-5",'\
'"params":{"max_tokens":2000,"stream":true},"input":"turn '"$turn"'"}'
        done
    done
    for i in $(seq 20); do
        echo '{"custom_id":"us-'"$i"'","params":{"model":"claude-opus-5","max_tokens":100,'\
'"inference_geo":"us","messages":[{"role":"user","content":"number '"$i"'"}]}}'
        echo '{"custom_id":"search-'"$i"'","url":"/v1/messages","body":{"model":"claude-haiku-4-5",'\
'"max_tokens":100,"tools":[{"type":"web_search_20250305","name":"web_search"}],'\
'"messages":[{"role":"user","content":"look for '"$i"'"}]}}'
    done
} >"$work/job.jsonl"
lines=$(wc -l <"$work/job.jsonl")

export COLLOQ_STALL_LIMIT=2s COLLOQ_FIRST_BYTE_LIMIT=2s
start_dev "--error-rate 2% --429-rate 1% --hang-rate 0.2% --cut-rate 1% --length-rate 1% \
--stream-fault-rate 2% --comment-rate 2% --crlf-rate 20% --piece-bytes 900 --reasoning --cached=16 --seed ${SEED:-7}"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the run ends with 0" is $? 0
summary=$(tail -n 1 "$work/err.txt")
check "every line has one result line" is "$(wc -l <"$work/out.jsonl")" "$lines"

# ---- support asks -------------------------------------------------------------------------------
line=$(grep '"custom_id":"capital-claude"' "$work/out.jsonl")
request=$(echo "$line" | grep -o '"request_id":"req_[0-9a-f]*"' | head -1 | cut -d'"' -f4)
job=$(echo "$line" | grep -o '"job":"[^"]*"' | cut -d'"' -f4)
message=$(echo "$line" | grep -o 'msg_01[A-Za-z0-9]*' | head -1)
for value in "$request" "$message"; do
    client find "$value" --json >"$work/found.json" 2>/dev/null
    check "find names the job of ${value:-nothing}" grep -q "$job" "$work/found.json"
done
client job show "$job" --json >"$work/shown.json"
check "job show names the model that served" \
    grep -q '"model_served":"claude-haiku-4-5-20251001"' "$work/shown.json"
client find 51b00000-0000-4000-8000-000000000001 --json >"$work/found.json" 2>/dev/null
check "the organisation is found" grep -q '"organization_id"' "$work/found.json"

# ---- streams ------------------------------------------------------------------------------------
check "a stream's result is the whole message" is \
    "$(grep '"custom_id":"stream-' "$work/out.jsonl" | grep -c '"type":"message".*"content":\[{.*"stop_reason":"[a-z].*cache_creation_input_tokens')" 60
check "its thought is among it" test \
    "$(grep '"custom_id":"stream-' "$work/out.jsonl" | grep -c '"type":"thinking".*"signature":"..')" -gt 0
for value in msg_01 req_; do
    id=$(grep '"custom_id":"stream-1"' "$work/out.jsonl" | grep -o "\"${value}[A-Za-z0-9]*" | head -1)
    client find "${id:1}" --json >"$work/found.json" 2>/dev/null
    check "find names the job of a stream's ${id:1}" grep -q '"custom_id":"stream-1"' "$work/found.json"
done
check "turns that are streamed have their history" is \
    "$(grep '"custom_id":"streamed-' "$work/out.jsonl" | grep -c '3-3".*turn 3 of this conversation, 5 messages')" 1

# ---- a conversation with a tool -----------------------------------------------------------------
client conversation show example-weather --json >"$work/talk.json"
check "the assistant called the tool" grep -q '"type":"tool_use"' "$work/talk.json"
check "and its result was said" grep -q '"type":"tool_result"' "$work/talk.json"
check "the processes drain with 0" stop_dev

# ---- money --------------------------------------------------------------------------------------
of_anthropic() { # CONDITION: calls
    sql "SELECT count(*) FROM call c JOIN ai_platform p ON p.platform = c.platform
        WHERE p.provider = 'anthropic' AND $1"
}
for counter in in_cached in_cache_write in_cache_write_1h out_reasoning; do
    check "some answers of Anthropic have $counter" test "$(of_anthropic "$counter > 0")" -gt 0
    check "some streams too" test \
        "$(of_anthropic "$counter > 0 AND first_token_ms IS NOT NULL")" -gt 0
done
check "all searches are counted" is "$(of_anthropic "web_searches = 1 AND role = 'answer'")" 20
check "all of one country are dearer" is "$(of_anthropic "tier LIKE '%us' AND role = 'answer'")" 20
check "no answer is without a price" is \
    "$(sql "SELECT count(*) FROM call WHERE cost_state = 'unpriced' AND role = 'answer'")" 0
check "no answer is inconsistent" is "$(sql "SELECT count(*) FROM call WHERE is_inconsistent = 1")" 0
check "turns reached the providers in order" is "$(turns_out_of_order)" 0
check "the sums are those of the calls" is \
    "$(sql "SELECT sum(in_cache_write_1h) || ' ' || sum(web_searches) FROM sum_by_model")" \
    "$(sql "SELECT sum(in_cache_write_1h) || ' ' || sum(web_searches) FROM call")"
check_bill "bill and ledger agree call by call"
echo "$summary"

# ---- what it cannot take ------------------------------------------------------------------------
data=$work/refusing
start_dev "--prefix-cache"
{
    echo '{"custom_id":"good","params":{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"a"}]}}'
    echo '{"custom_id":"no-limit","params":{"model":"claude-haiku-4-5","messages":[]}}'
    echo '{"custom_id":"stream","params":{"model":"claude-haiku-4-5","max_tokens":9,"stream":"yes","messages":[]}}'
    echo '{"custom_id":"text","params":"hello"}'
    echo '{"conversation":"a","model":"anthropic/claude-haiku-4-5","params":{"logit_bias":{}},"input":"x"}'
    echo '{"conversation":"b","model":"anthropic/claude-haiku-4-5","params":{"temperature":1.5},"input":"x"}'
    echo '{"conversation":"c","model":"anthropic/claude-haiku-4-5","input":[{"type":"input_audio"}]}'
} >"$work/bad.jsonl"
client batch run "$work/bad.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "a run with refused lines ends with 1" is $? 1
refused() { # LINE WORDS
    check "line $1 says: $2" grep -qE "(line |:)$1\\b.*$2" "$work/err.txt"
}
refused 2 '"params" has no "max_tokens", which anthropic messages needs'
refused 3 '"stream" must be true or false'
refused 4 '"params" that is an object'
refused 5 'no parameter "logit_bias"'
refused 6 'temperature'
refused 7 'no part of type "input_audio"'
check "and the good line has its answer" grep -q '"custom_id":"good".*msg_01' "$work/out.jsonl"

# ---- a system prompt that is shared -------------------------------------------------------------
words=$(printf 'The library lends books, maps and scores. %.0s' $(seq 150))
share() { # CUSTOM_ID: its input, written and read
    echo '{"custom_id":"'"$1"'","params":{"model":"claude-opus-5","max_tokens":90,"system":[{"type":"text","text":"'"$words"'",'\
'"cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"I am '"$1"'"}]}}' >"$work/share.jsonl"
    client batch run "$work/share.jsonl" 2>/dev/null |
        grep -o '"\(input_tokens\|cache_creation_input_tokens\|cache_read_input_tokens\)":[0-9]*' | cut -d: -f2 | paste -sd' '
}
read -r plain written cached <<<"$(share first)"
check "the first one writes it" test "$written" -gt 1500 -a "$cached" -eq 0
check "what stands behind it is plain input" test "$plain" -gt 0 -a "$plain" -lt 20
is_read() { is "$1" "$plain 0 $written"; }
# The other word is as long.
check "the next one reads it" is_read "$(share other)"
check "the processes drain with 0" stop_dev
rm -f "$work"/checked.db*
check_bill "the bill agrees about what is shared"
end_test
