#!/bin/bash
# Every bad line is reported with its number and why, and the good ones run all the same.
. "$(dirname "$0")/lib.sh"
good() { printf '{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"hello"}]}}\n' "$1"; }
{
    good one
    echo 'this is not JSON'
    echo '{"custom_id":7,"method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-mini","messages":[]}}'
    echo '{"custom_id":"no-model","method":"POST","url":"/v1/chat/completions","body":{"messages":[]}}'
    echo '{"conversation":"c","input":"hi","model":"nobody-knows-this/model-x"}'
    good two
    good one
    printf '{"custom_id":"bad-utf8","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"\xff\xfe"}]}}\n'
    head -c 52428800 /dev/zero | tr '\0' 'x'
    echo
    echo
    echo '{"conversation":"d","input":["not","a","turn",7],"model":"openai/gpt-4.1-mini"}'
    echo '{"conversation":"d","input":"and on"}'
    good three
} >"$work/job.jsonl"

start_dev ""
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt"
check "a run with refused lines ends with 1" is $? 1
check "the good lines have their results" is "$(wc -l <"$work/out.jsonl")" 3
for line in 2 3 4 5 7 8 9 11 12; do
    check "line $line is reported" grep -qE "(^|[^0-9])line $line([^0-9]|\$)" "$work/err.txt"
done
check "the reasons are named" is \
    "$(for word in JSON custom_id no_model "no provider nobody-knows-this; known are" UTF-8; do grep -qi -- "$word" "$work/err.txt" && echo "$word"; done | wc -l)" 5
check "an earlier refused turn is the reason of the later one" grep -q 'line 11' <(grep 'line 12' "$work/err.txt")
client batch run "$work/job.jsonl" --strict --again >"$work/strict.jsonl" 2>"$work/strict.txt"
code=$?
check "--strict refuses all" test "$code" -ne 0
check "and runs nothing" is "$(wc -l <"$work/strict.jsonl")" 0
check "no process has died of it" is "$(client stat --json | grep -o '"role":"[a-z]*"' | sort -u | wc -l)" 4
check "the processes drain with 0" stop_dev
end_test
