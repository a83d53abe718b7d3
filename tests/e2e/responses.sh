#!/bin/bash
# The Responses of OpenAI and of xAI in one file: single calls with and without streams, with
# reasoning, searches and cached prefixes, and conversations of dependent turns with a tool, under
# faults. The bill adds up to the pico-USD, computed for the one and stated by the other.
. "$(dirname "$0")/lib.sh"
count=${LINES_WANTED:-400}
prefix=$(printf 'The library lends books, maps and scores to whoever lives in the town. %.0s' $(seq 120))
{
    for i in $(seq "$count"); do
        case $((i % 4)) in
        0) model=gpt-5.6-luna more=',"stream":true' ;;
        1) model=gpt-5-nano more=',"reasoning":{"effort":"low"},"service_tier":"flex"' ;;
        2) model=xai/grok-4.3 more='' ;;
        3) model=xai/grok-4.3 more=',"stream":true' ;;
        esac
        echo '{"custom_id":"call-'"$i"'","method":"POST","url":"/v1/responses","body":{"model":"'$model'",'\
'"instructions":"Be brief.","input":[{"role":"user","content":"'"$prefix"'"},'\
'{"role":"user","content":"number '"$i"'"}],"max_output_tokens":4000'"$more"'}}'
    done
    for i in $(seq 20); do
        for model in gpt-5-mini xai/grok-4.3; do
            echo '{"custom_id":"search-'"$model-$i"'","url":"/v1/responses","body":{"model":"'$model'",'\
'"tools":[{"type":"web_search"}],"input":"look for '"$i"'"}}'
        done
    done
    for i in $(seq 30); do
        case $((i % 3)) in
        0) model=openai/gpt-5-mini more='"reasoning_effort":"low",' ;;
        1) model=openai/gpt-5.6-luna more='"stream":true,"reasoning_effort":"low",' ;;
        2) model=xai/grok-4.3 more='' ;;
        esac
        echo '{"conversation":"talk-'"$i"'","model":"'$model'","api":"responses","system":"Be brief.",'\
'"params":{'"$more"'"max_tokens":4000,"tool_choice":"required"},"tools":[{"name":"weather","description":"The weather of a place.",'\
'"parameters":{"type":"object","properties":{"place":{"type":"string"}}}}],"input":"Is there rain in town '"$i"'?"}'
        echo '{"conversation":"talk-'"$i"'","params":{'"$more"'"max_tokens":4000,"tool_choice":"none"},'\
'"input":[{"type":"tool_result","name":"weather","content":"Rain from noon on."}]}'
        echo '{"conversation":"talk-'"$i"'","params":{'"$more"'"max_tokens":4000,"tool_choice":"none"},"input":"And tomorrow?"}'
    done
} >"$work/job.jsonl"
lines=$(wc -l <"$work/job.jsonl")

export COLLOQ_STALL_LIMIT=2s COLLOQ_FIRST_BYTE_LIMIT=2s
start_dev "--error-rate 2% --429-rate 1% --cut-rate 1% --reasoning --prefix-cache=512 --comment-rate 2% --crlf-rate 20% \
--piece-bytes 900 --seed ${SEED:-7}"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the run ends with 0" is $? 0
summary=$(tail -n 1 "$work/err.txt")
check "every line has one result line" is "$(wc -l <"$work/out.jsonl")" "$lines"

# ---- support asks -------------------------------------------------------------------------------
line=$(grep '"custom_id":"call-1"' "$work/out.jsonl")
job=$(echo "$line" | grep -o '"job":"[^"]*"' | cut -d'"' -f4)
response=$(echo "$line" | grep -o 'resp_[0-9a-f]*' | head -1)
message=$(echo "$line" | grep -o 'msg_[0-9a-f]*' | head -1)
for value in "$response" "$message"; do
    client find "$value" --json >"$work/found.json" 2>/dev/null
    check "find names the job of ${value:-nothing}" grep -q "$job" "$work/found.json"
done
check "a stream's result is the whole response" \
    grep -q '"custom_id":"call-3".*"object":"response".*cost_in_usd_ticks' "$work/out.jsonl"

# ---- a call that goes on from what the provider keeps -------------------------------------------
said() { grep "\"custom_id\":\"$1\"" "$work/more.jsonl"; }
run_more() { client batch run "$work/more-job.jsonl" >"$work/more.jsonl" 2>"$work/err.txt"; }
kept=$(grep '"custom_id":"call-2"' "$work/out.jsonl" | grep -o '"response_id":"[^"]*"' | cut -d'"' -f4)
talk=$(ask_provider POST /openai/v1/conversations '{}' | grep -o 'conv_[0-9a-f]*')
{
    echo '{"custom_id":"on","url":"/v1/responses","body":{"model":"gpt-5-nano","previous_response_id":"'"$response"'","input":"go on"}}'
    echo '{"custom_id":"on-xai","url":"/v1/responses","body":{"model":"xai/grok-4.3","previous_response_id":"'"$kept"'","stream":true,"input":"go on"}}'
    echo '{"custom_id":"first","url":"/v1/responses","body":{"model":"gpt-5-nano","conversation":"'"$talk"'","input":"one"}}'
} >"$work/more-job.jsonl"
run_more
check "calls go on from ids" is $? 0
check "the provider had heard the two messages before and its answer" has "turn 3 of this conversation, 4 messages" "$(said on)"
check "xAI too" has "turn 3 of this conversation, 4 messages" "$(said on-xai)"
on=$(said on | grep -o '"job":"[^"]*"' | cut -d'"' -f4)
client find "$response" --json >"$work/found.json" 2>/dev/null
check "find names both jobs that know the response" is "$(grep -o "$job\|$on" "$work/found.json" | sort -u | wc -l)" 2
echo '{"custom_id":"second","url":"/v1/responses","body":{"model":"gpt-5-nano","conversation":"'"$talk"'","input":"two"}}' >"$work/more-job.jsonl"
run_more
check "a conversation of the provider's has grown by what was answered" has "turn 2 of this conversation, 3 messages" "$(said second)"
client find "$talk" --json >"$work/found.json" 2>/dev/null
check "and is found by its id" grep -q '"conversation_id"' "$work/found.json"

# ---- a conversation with a tool -----------------------------------------------------------------
client conversation list --json >"$work/talks.json"
for i in 1 2 3; do
    client conversation show "$(grep -o '"[^"]*talk-'"$i"'"' "$work/talks.json" | head -1 | tr -d '"')" \
        --json >"$work/talk.json"
    check "the assistant of talk-$i called the tool" grep -q '"type":"tool_use"' "$work/talk.json"
    check "and its result was said" grep -q '"type":"tool_result"' "$work/talk.json"
done
check "the processes drain with 0" stop_dev

# ---- money --------------------------------------------------------------------------------------
of() { # PROVIDER CONDITION: calls
    sql "SELECT count(*) FROM call c JOIN ai_platform p ON p.platform = c.platform
        WHERE p.provider = '$1' AND $2"
}
for counter in in_cached out_reasoning web_searches; do
    check "some answers of OpenAI have $counter" test "$(of openai "$counter > 0")" -gt 0
    check "some answers of xAI have $counter" test "$(of xai "$counter > 0")" -gt 0
done
check "some were written to the cache" test "$(of openai 'in_cache_write > 0')" -gt 0
check "all went to the Responses API" is "$(sql "SELECT count(*) FROM call c JOIN ai_platform p
    ON p.platform = c.platform WHERE p.api <> 'responses'")" 0
check "each answer of xAI states its cost" is "$(of xai "role = 'answer' AND cost_state <> 'stated'")" 0
check "no answer is without a price" is \
    "$(sql "SELECT count(*) FROM call WHERE cost_state = 'unpriced' AND role = 'answer'")" 0
check "no answer is inconsistent" is "$(sql "SELECT count(*) FROM call WHERE is_inconsistent = 1")" 0
check "what was said before is billed again" test "$(sql "SELECT coalesce(in_uncached, 0) + coalesce(in_cached, 0)
    + coalesce(in_cache_write, 0) FROM call JOIN job USING (job) WHERE custom_id = 'on' AND role = 'answer'")" -gt 2000
check "turns reached the providers in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger agree call by call"
echo "$summary"

# ---- what it cannot take ------------------------------------------------------------------------
data=$work/refusing
start_dev "--state-ms 1"
{
    echo '{"custom_id":"good","url":"/v1/responses","body":{"model":"gpt-5-nano","input":"a"}}'
    echo '{"custom_id":"later","url":"/v1/responses","body":{"model":"gpt-5-nano","input":"a","background":true}}'
    echo '{"custom_id":"empty","url":"/v1/responses","body":{"model":"xai/grok-4.3"}}'
    echo '{"conversation":"a","model":"openai/o3","api":"responses","params":{"stop":"x"},"input":"x"}'
    echo '{"conversation":"b","model":"openai/o3","api":"responses","params":{"previous_response_id":"resp_1"},"input":"x"}'
} >"$work/bad.jsonl"
client batch run "$work/bad.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "a run with refused lines ends with 1" is $? 1
refused() { # LINE WORDS
    check "line $1 says: $2" grep -qE "(line |:)$1\\b.*$2" "$work/err.txt"
}
refused 2 '"background" is not served: the answer comes later'
refused 3 'has no "input", which xai responses needs'
refused 4 'no parameter "stop"'
refused 5 'cannot have the parameter "previous_response_id"'
check "and the good line has its answer" grep -q '"custom_id":"good".*resp_' "$work/out.jsonl"
over=$(grep '"custom_id":"good"' "$work/out.jsonl" | grep -o 'resp_[0-9a-f]*' | head -1)
echo '{"custom_id":"late","url":"/v1/responses","body":{"model":"gpt-5-nano","previous_response_id":"'"$over"'","input":"a"}}' >"$work/more-job.jsonl"
run_more
check "an id whose time is over ends its job" is $? 1
check "in the provider's words" has "previous_response_not_found" "$(said late)"
check "after one attempt" is "$(grep -c "\"response_id\":\"\".*\"fault\":\"state_lost\"" "$data/bill.jsonl")" 1
check "the processes drain with 0" stop_dev
end_test
