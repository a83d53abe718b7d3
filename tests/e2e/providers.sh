#!/bin/bash
# Providers that speak OpenAI's Chat Completions, each in its own way: calls, streams and
# conversations with each, under faults. Every answer is named and priced as its provider bills it.
. "$(dirname "$0")/lib.sh"
models="openrouter/openai/gpt-5-mini openrouter/anthropic/claude-haiku-4.5
deepseek/deepseek-v4-flash deepseek/deepseek-v4-pro xai/grok-3-mini xai/grok-4.7
azure/gpt-5-nano azure/gpt-4.1-mini mistral/mistral-small-latest mistral/mistral-large-latest
groq/openai/gpt-oss-20b groq/llama-3.3-70b-versatile together/meta-llama/Llama-3.3-70B-Instruct-Turbo
together/openai/gpt-oss-120b ollama/llama3.3 compatible/gpt-5-nano"
each=${LINES_WANTED:-20}
talk() { # MODEL NAME [MEMBERS]
    local i
    for i in 1 2 3; do
        echo '{"custom_id":"'"$2-talk-$i"'","conversation":"'"$2"'","model":"'"$1"'",'"${3-}"\
'"params":{"max_tokens":60'"$([ "$i" -eq 2 ] && echo ',"stream":true')"'},"input":"turn '"$i"'"}'
    done
}
calls() { # MODEL NAME
    local i stream
    for i in $(seq "$each"); do
        stream=$([ $((i % 2)) -eq 0 ] && echo '"stream":true,')
        echo '{"custom_id":"'"$2-$i"'","url":"/v1/chat/completions","body":{"model":"'"$1"'",'"$stream"\
'"messages":[{"role":"user","content":"number '"$i"' of '"$2"'"}],"max_tokens":60}}'
    done
    talk "$1" "$2"
}
for model in $models; do
    calls "$model" "$(tr '/.' '--' <<<"$model")"
done >"$work/job.jsonl"
# A deployment of Azure's is named by conversations only.
for i in 1 2 3; do
    talk azure/gpt-5-nano "deployment-$i" '"api":"deployments",'
done >>"$work/job.jsonl"
lines=$(wc -l <"$work/job.jsonl")

export COLLOQ_STALL_LIMIT=2s COLLOQ_FIRST_BYTE_LIMIT=2s
start_dev "--error-rate 2% --429-rate 1% --cut-rate 1% --reasoning --cached=16 --seed ${SEED:-7}"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "the run ends with 0" is $? 0
check "every line has one result line" is "$(wc -l <"$work/out.jsonl")" "$lines"
check "the processes drain with 0" stop_dev

count() { # WHAT CONDITION…: calls
    sql "SELECT count($1) FROM call c JOIN ai_platform p ON p.platform = c.platform WHERE $2"
}
for provider in openrouter deepseek xai azure mistral groq together ollama compatible; do
    check "$provider has answered" test \
        "$(count 1 "p.provider = '$provider' AND c.role = 'answer'")" -ge $((each + 3))
done
check "so has each turn that names a deployment" is \
    "$(count 1 "p.provider = 'azure' AND p.api = 'deployments' AND c.role = 'answer'")" 9
check "answers without a price are those of a server of one's own" is \
    "$(count 1 "c.cost_state = 'unpriced' AND c.role = 'answer' AND p.provider NOT IN ('ollama', 'compatible')")" 0
check "all answers of xAI and OpenRouter state their cost" is \
    "$(count 1 "p.provider IN ('xai', 'openrouter') AND c.role = 'answer' AND c.cost_state <> 'stated'")" 0
check "reasoning is counted" test "$(count 1 "c.out_reasoning > 0")" -gt 0
check "cached input is counted" test "$(count 1 "c.in_cached > 0")" -gt 0
check "no answer is inconsistent" is "$(count 1 "c.is_inconsistent = 1")" 0
check "turns reached the providers in order" is "$(turns_out_of_order)" 0
check_bill "bill and ledger agree call by call"
end_test
