#!/bin/bash
# Two APIs in one file: calls in the form of OpenAI's and of Anthropic's batches and conversations
# with both, under faults. The bill adds up to the pico-USD, with prompts written to the cache for
# 5 minutes and for an hour; results of tools find their calls; what Anthropic cannot take is
# refused with its line.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-3000}
{
    "$BIN/make-lines" "$lines" "${SEED:-7}" 45
    sed 's/"conversation":"/"conversation":"example-/' "$root/schemas/examples/anthropic.jsonl"
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
--reasoning --cached=16 --seed ${SEED:-7}"
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
start_dev ""
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
check "the processes drain with 0" stop_dev
end_test
