#!/bin/bash
# Gemini's two APIs under faults: calls whose url names the model, plain and as streams, calls of
# Interactions, and conversations with a tool in both. Bill and ledger agree to the pico-USD, with what was cached, thought
# and searched; what the API cannot take is refused with its line.
. "$(dirname "$0")/lib.sh"
turns=4
{
    sed 's/"conversation":"/"conversation":"example-/' "$root/schemas/examples/gemini.jsonl"
    for i in $(seq 150); do
        for kind in generateContent streamGenerateContent; do
            echo '{"custom_id":"'"$kind-$i"'","url":"/v1beta/models/gemini-2.5-flash:'"$kind"'","body":{'\
'"contents":[{"role":"user","parts":[{"text":"number '"$i"'"}]}],'\
'"generationConfig":{"maxOutputTokens":200,"thinkingConfig":{"includeThoughts":true}}}}'
        done
        echo '{"conversation":"talk-'"$i"'","model":"gemini/gemini-3.1-pro-preview","system":"Be short.",'\
'"params":{"max_tokens":4000,"stream":'"$( ((i % 2)) && echo true || echo false)"'},'\
'"tools":[{"name":"look","parameters":{"type":"object","properties":{"at":{"type":"string"}}}}],"input":"look at '"$i"'"}'
        for turn in $(seq 2 $turns); do
            echo '{"conversation":"talk-'"$i"'","params":{"tool_choice":"none","max_tokens":4000},"input":['\
"$( ((turn == 2)) && echo '{"type":"tool_result","name":"look","content":"nothing"},')"'{"type":"text","text":"turn '"$turn"'"}]}'
        done
    done
    for i in $(seq 100); do
        echo '{"custom_id":"interaction-'"$i"'","url":"/v1beta/interactions","body":{"model":"gemini-2.5-flash",'\
'"input":"number '"$i"'","stream":'"$( ((i % 2)) && echo true || echo false)"'}}'
        echo '{"conversation":"steps-'"$i"'","model":"gemini/gemini-3.1-pro-preview","api":"interactions",'\
'"params":{"max_tokens":4000,"reasoning_effort":"low","stream":'"$( ((i % 2)) && echo true || echo false)"'},'\
'"tools":[{"name":"look","parameters":{"type":"object","properties":{"at":{"type":"string"}}}}],"input":"look at '"$i"'"}'
        echo '{"conversation":"steps-'"$i"'","params":{"tool_choice":"none"},"input":[{"type":"tool_result","content":"nothing"}]}'
        echo '{"conversation":"steps-'"$i"'","api":"generate","input":"and in the other API?"}'
    done
    for i in $(seq 10); do
        echo '{"custom_id":"search-'"$i"'","url":"/v1beta/models/gemini-2.5-flash:generateContent","body":{'\
'"tools":[{"googleSearch":{}}],"contents":[{"role":"user","parts":[{"text":"look for '"$i"'"}]}]}}'
    done
} >"$work/job.jsonl"
lines=$(wc -l <"$work/job.jsonl")

export COLLOQ_STALL_LIMIT=2s COLLOQ_FIRST_BYTE_LIMIT=2s
start_dev "--error-rate 2% --429-rate 1% --hang-rate 0.2% --cut-rate 1% --length-rate 1% \
--reasoning --cached=16 --seed ${SEED:-7}"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the run ends with 0" is $? 0
check "every line has one result line" is "$(wc -l <"$work/out.jsonl")" "$lines"

id=$(grep '"custom_id":"streamGenerateContent-1"' "$work/out.jsonl" | grep -o '"responseId":"[^"]*"' | cut -d'"' -f4)
job=$(grep '"custom_id":"streamGenerateContent-1"' "$work/out.jsonl" | grep -o '"job":"[^"]*"' | cut -d'"' -f4)
client find "$id" --json >"$work/found.json" 2>/dev/null
check "find names the job of ${id:-nothing}" grep -q "$job" "$work/found.json"

# ---- what the provider keeps --------------------------------------------------------------------
said() { grep "\"custom_id\":\"$1\"" "$work/more.jsonl"; }
run_more() { client batch run "$work/more-job.jsonl" >"$work/more.jsonl" 2>"$work/err.txt"; }
kept=$(grep '"custom_id":"interaction-2"' "$work/out.jsonl" | grep -o '"id":"v1_[^"]*"' | head -1 | cut -d'"' -f4)
words=$(printf 'The library lends books, maps and scores. %.0s' $(seq 300))
cache=$(ask_provider POST /gemini/v1beta/cachedContents '{"model":"models/gemini-2.5-flash","ttl":"600s","systemInstruction":{
    "parts":[{"text":"'"$words"'"}]}}' | grep -o 'cachedContents/[0-9a-f]*')
{
    echo '{"custom_id":"on","url":"/v1beta/interactions","body":{"model":"gemini-2.5-flash","previous_interaction_id":"'"$kept"'","input":"go on"}}'
    echo '{"custom_id":"cached","url":"/v1beta/models/gemini-2.5-flash:generateContent","body":{"cachedContent":"'"$cache"'",'\
'"contents":[{"parts":[{"text":"a"}]}]}}'
} >"$work/more-job.jsonl"
run_more
check "calls go on from what is kept" is $? 0
lines=$((lines + 2))
check "the provider had heard the message before and its answer" has "turn 2 of this conversation, 3 messages" "$(said on)"
client conversation show example-weather --json >"$work/talk.json"
check "the assistant called the tool" grep -q '"tool_calls"' "$work/talk.json"
check "its parts are kept as they came" grep -q '"thoughtSignature"' "$work/talk.json"
check "the processes drain with 0" stop_dev

of_gemini() { # CONDITION: calls
    sql "SELECT count(*) FROM call c JOIN ai_platform p ON p.platform = c.platform
        WHERE p.provider = 'gemini' AND role = 'answer' AND $1"
}
check "all lines have an answer" is "$(of_gemini 1)" "$lines"
for counter in in_cached in_tool_use out_reasoning; do
    check "some answers have $counter" test "$(of_gemini "$counter > 0")" -gt 0
done
check "all searches are counted" is "$(of_gemini "web_searches = 1")" 10
check "the cached prefix is read" is "$(of_gemini "job = (SELECT job FROM job WHERE custom_id = 'cached') AND in_cached > 3000")" 1
check "no answer is without a price" is "$(of_gemini "cost_state = 'unpriced'")" 0
check "no answer is inconsistent" is "$(sql "SELECT count(*) FROM call WHERE is_inconsistent = 1")" 0
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger agree call by call"

# ---- what it cannot take ------------------------------------------------------------------------
data=$work/refusing
start_dev "--state-ms 1"
{
    echo '{"custom_id":"good","url":"/v1beta/models/gemini-2.5-flash:generateContent","body":{"contents":[{"parts":[{"text":"a"}]}]}}'
    echo '{"custom_id":"no-contents","url":"/v1beta/models/gemini-2.5-flash:generateContent","body":{}}'
    echo '{"custom_id":"two-models","url":"/v1beta/models/m:generateContent","body":{"model":"n","contents":[]}}'
    echo '{"conversation":"a","model":"gemini/gemini-2.5-flash","params":{"logit_bias":{}},"input":"x"}'
    echo '{"conversation":"b","model":"gemini/gemini-2.5-flash","input":[{"type":"input_audio"}]}'
    echo '{"conversation":"c","model":"gemini/gemini-2.5-flash","input":[{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}'
} >"$work/bad.jsonl"
client batch run "$work/bad.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "a run with refused lines ends with 1" is $? 1
refused() { # LINE WORDS
    check "line $1 says: $2" grep -qE "(line |:)$1\\b.*$2" "$work/err.txt"
}
refused 2 'has no "contents", which gemini generate needs'
refused 3 'name different models'
refused 4 'no parameter "logit_bias"'
refused 5 'no part of type "input_audio"'
refused 6 'only with the image in it'
check "and the good line has its answer" grep -q '"custom_id":"good".*responseId' "$work/out.jsonl"
{
    echo '{"custom_id":"late","url":"/v1beta/interactions","body":{"model":"gemini-2.5-flash","previous_interaction_id":"'"$kept"'","input":"a"}}'
    echo '{"custom_id":"late-cache","url":"/v1beta/models/gemini-2.5-flash:generateContent","body":{"cachedContent":"'"$cache"'",'\
'"contents":[{"parts":[{"text":"a"}]}]}}'
} >"$work/more-job.jsonl"
run_more
check "what is not kept any more ends its jobs" is $? 1
check "in the provider's words" has not_found "$(said late)"
check "in those of the other API too" has NOT_FOUND "$(said late-cache)"
check "the processes drain with 0" stop_dev
end_test
