#!/bin/bash
# Conversations go on in later files: by name, by id, with what was said before; the same file again and
# the same first lines are said before they cost anything; answers to calls of tools find their calls.
. "$(dirname "$0")/lib.sh"
turn() { printf '{"conversation":"%s","input":"%s"%s}\n' "$1" "$2" "${3:-}"; }
model=',"model":"openai/gpt-4.1-mini"'

start_dev ""
{ turn trip "Name a river." "$model" && turn trip "Where does it end?" && turn food "Name a dish." "$model"; } \
    >"$work/first.jsonl"
client batch run "$work/first.jsonl" >"$work/out1.jsonl" 2>"$work/err1.txt"
check "a first file runs" is $? 0
trip=$(client conversation list --json | grep -o '"conversation":"[^"]*","name":"trip"' | cut -d'"' -f4)

turn trip "How long is it?" ',"continue":true' >"$work/more.jsonl"
client batch run "$work/more.jsonl" >"$work/out2.jsonl" 2>"$work/err2.txt"
check "a line with continue goes on" is $? 0
check "as the conversation's third turn" has '"turn":3' "$(cat "$work/out2.jsonl")"
check "under the conversation's id" has "$trip" "$(cat "$work/out2.jsonl")"
turn "$trip" "And how wide?" >"$work/by-id.jsonl"
client batch run "$work/by-id.jsonl" --continue >"$work/out3.jsonl" 2>"$work/err3.txt"
check "a whole file goes on, by id, with the model that it had" is $? 0
shown=$(client conversation show "$trip" --json)
for words in "Name a river." "Where does it end?" "How long is it?" "And how wide?"; do
    check "the conversation has all turns: $words" has "$words" "$shown"
done
check "and one name" is "$(client conversation list --json | grep -o '"name":"trip"' | wc -l)" 1
for file in by-id more; do
    batch=$(client batch list --json | grep -o '"batch":"[^"]*","name":"'$file'.jsonl"' | cut -d'"' -f4)
    check "the batch of $file lists it" has "$trip" "$(client conversation list --batch "$batch" --json)"
    check "and only its own call's cost" has '"calls":1' \
        "$(client cost --by conversation --batch "$batch" --json | sed 's/"total".*//')"
done

# Names that mean nothing, or several.
turn trop "Hm?" ',"continue":true' >"$work/typo.jsonl"
client batch run "$work/typo.jsonl" >"$work/out4.jsonl" 2>"$work/err4.txt"
check "a name that the ledger does not know is refused" is $? 1
check "and said" grep -q 'conversation_unknown' "$work/err4.txt"
long=会会会会会会会会会会会会会会会会会会会会会会会会会会会会会会
turn "$long" "Hm?" ',"continue":true' >"$work/long.jsonl"
timeout 60 "$BIN/colloq" batch run "$work/long.jsonl" --simulate --data "$data" >"$work/out4b.jsonl" 2>"$work/err4b.txt"
check "nor is a long one of any script" is $? 1
check "and that is said" grep -q 'conversation_unknown' "$work/err4b.txt"
client conversation show "$long" >/dev/null 2>"$work/err4c.txt"
check "as it is when it is to be shown" is $? 66
turn trip "Name a lake." "$model" >"$work/another.jsonl"
client batch run "$work/another.jsonl" >"$work/out5.jsonl" 2>"$work/err5.txt"
check "the same name begins another conversation without continue" has '"turn":1' "$(cat "$work/out5.jsonl")"
turn trip "Which one?" >"$work/which.jsonl"
client batch run "$work/which.jsonl" --continue >"$work/out6.jsonl" 2>"$work/err6.txt"
check "a name of two conversations is refused" grep -q conversation_ambiguous "$work/err6.txt"
check "with both ids" is "$(grep -oE "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}" "$work/err6.txt" | grep -c .)" 2
check "one of which is the first" grep -q "$trip" "$work/err6.txt"

# What was said before, and results of tools.
cat >"$work/history.jsonl" <<'END'
{"conversation":"h","model":"openai/gpt-4.1-mini","messages":[{"role":"user","content":"What is the weather?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"rain"}]}
{"conversation":"h","input":"And tomorrow?"}
{"conversation":"m","model":"openai/gpt-4.1-mini","messages":[{"role":"user","content":"What is the weather?"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{}"}}]},{"role":"user","content":"So?"}]}
END
client batch run "$work/history.jsonl" >"$work/out7.jsonl" 2>"$work/err7.txt"
check "what was said before is brought" is "$(grep -c '"error":null' "$work/out7.jsonl")" 2
check "and belongs to the conversation" has "rain" "$(client conversation show h --json)"
check "a call of a tool without a result is not sent" grep -q tool_result_missing "$work/out7.jsonl"

# A turn that waits, and one of another file behind it.
turn slow "x @sim:delay_4000" "$model" >"$work/slow.jsonl"
client batch run "$work/slow.jsonl" >"$work/out8.jsonl" 2>"$work/err8.txt" &
until_true 60 stat_has ' 1 leased'
turn slow "y" >"$work/behind.jsonl"
client batch run "$work/behind.jsonl" --continue >"$work/out9.jsonl" 2>"$work/err9.txt"
check "what continues a busy conversation waits for it, or is told that it is not there yet" \
    grep -qE '"turn":2|conversation_unknown' "$work/out9.jsonl" "$work/err9.txt"
wait %2 2>/dev/null

# A file that is sent again means the conversation that it has meant before.
client batch run "$work/more.jsonl" >"$work/out2b.jsonl" 2>"$work/err2b.txt"
check "whatever is called the same since then" is $? 0
check "so that no line of it is refused" is "$(grep -c refused "$work/err2b.txt")" 0

# What does not get on by itself is named, and does not hold up what is before it.
lane=openai/default/gpt-4.1-mini
client lane pause "$lane" >/dev/null 2>&1
turn food "And another?" >"$work/paused.jsonl"
paused=$(client batch submit "$work/paused.jsonl" --continue 2>/dev/null)
{ turn fresh "Name a lake." ',"model":"openai/gpt-5-nano","continue":false' && turn food "A third?" ',"continue":true'; } \
    >"$work/behind-it.jsonl"
client batch run "$work/behind-it.jsonl" --patience 2 >"$work/held.jsonl" 2>"$work/held-err.txt" </dev/null
check "a submission behind a conversation that does not get on ends" is $? 75
check "with the batch that holds it up" has "$paused" "$(cat "$work/held-err.txt")"
check "and what that waits for" has "lane paused" "$(cat "$work/held-err.txt")"
check "the line before it was not held up" has '"fresh/1"' "$(cat "$work/held.jsonl")"
unsent=$(client batch list --json | grep -o '"batch":"[^"]*","name":"behind-it.jsonl"' | cut -d'"' -f4)
check "a batch without its end says so" has "the end of its file" "$(client batch show "$unsent")"
client batch watch "$unsent" --patience 2 >/dev/null 2>"$work/watch-err.txt" </dev/null
check "and is not watched for ever" is $? 75
client batch submit "$work/behind-it.jsonl" --patience 2 >/dev/null 2>"$work/submit-err.txt" </dev/null
check "nor is a submission that nobody watches" is $? 75
check "which names the batch that stays" has "colloq batch watch $unsent" "$(cat "$work/submit-err.txt")"
client lane resume "$lane" >/dev/null 2>&1
client batch run "$work/behind-it.jsonl" >"$work/rest.jsonl" 2>"$work/rest-err.txt"
check "the same command again sends the rest" is $? 0
check "which has its answers" is "$(grep -c '"error":null' "$work/rest.jsonl")" 2

# The same again.
before=$(bill_lines)
client batch run "$work/first.jsonl" >"$work/out10.jsonl" 2>"$work/err10.txt"
check "a file that is settled gives its results" is "$(wc -l <"$work/out10.jsonl")" 3
check "and says that nothing is called" grep -q 'nothing is called again' "$work/err10.txt"
client batch run "$work/first.jsonl" --name other --priority high 2>"$work/err11.txt" >/dev/null
check "what it does not follow is said" grep -q 'not changed by this command: name' "$work/err11.txt"
client batch run "$work/first.jsonl" --limit 2 2>"$work/err12.txt" >/dev/null </dev/null
check "a part of it is another batch, which nobody may pay for unasked" is $? 75
check "and the first one is named with its cost" grep -q '3 lines accepted, 3 calls, \$' "$work/err12.txt"
{ cat "$work/first.jsonl" && turn more "Name a tree." "$model"; } >"$work/grown.jsonl"
client batch run "$work/grown.jsonl" 2>"$work/grown-err.txt" >/dev/null </dev/null
check "a file that has grown is asked about" is $? 75
check "with the batch whose lines it has" grep -q '3 lines accepted, 3 calls, \$' "$work/grown-err.txt"
check "nothing was called" is "$(bill_lines)" "$before"
client batch run "$work/first.jsonl" --again --limit 2 --output "$work/two.jsonl" --errors "$work/none.jsonl" \
    2>"$work/err13.txt"
check "--again runs it, as far as is wanted" is "$(wc -l <"$work/two.jsonl")" 2
check "nothing failed" is "$(wc -l <"$work/none.jsonl")" 0
check "the bill has two lines more" is "$(bill_lines)" $((before + 2))
client batch run - <"$work/more.jsonl" 2>"$work/err14.txt" >/dev/null
check "stdin is asked about as well" is $? 75
check "the processes drain with 0" stop_dev
check_bill "bill and ledger agree"
end_test
