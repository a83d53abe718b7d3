#!/bin/bash
# colloq extract as a program: one line for each recorded exchange, whatever the others are like.
# Exchanges of our own making. Needs BIN and ROOT.
set -u
: "${BIN:?the folder of the programs}" "${ROOT:?the project}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
export HOME=$work COLLOQ_DATA=$work/data
unset COLLOQ_CATALOGUE COLLOQ_CONFIG

check() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$what"
    fi
}

# exchange FILE URL NAME STATUS HEADERS IS-STREAM BODY: a recording; the body is JSON.
exchange() {
    printf '{"provider":"%s","flavor":"%s","request":{"method":"POST","url":"%s","headers":{},"body":%s},
        "response":{"status":%s,"headers":%s,"stream":%s,"body":%s}}' "$3" "$3" "$2" \
        '{"model":"gpt-5-nano"}' "$4" "$5" "$6" "$7" >"$work/$1"
}
chat=https://api.openai.com/v1/chat/completions
answer='{"id":"c-1","object":"chat.completion","model":"gpt-5-nano-2025-08-07","service_tier":"default",
    "choices":[{"index":0,"message":{"role":"assistant","content":"the secret"},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,
             "prompt_tokens_details":{"cached_tokens":60}}}'
exchange plain.json $chat other 200 \
    '{"Date":"Thu, 20 Aug 2026 10:00:00 GMT","x-request-id":["r-1","r-2"],"x-ratelimit-remaining-tokens":"9"}' \
    false "$answer"
exchange named.json https://elsewhere.example/v1/chat openai-chat 200 '{}' false "$answer"
exchange other.json https://elsewhere.example/v1/chat nobody 200 '{}' false "$answer"
exchange quota.json $chat openai-chat 429 '{"retry-after":"7"}' false \
    '{"error":{"message":"no money","type":"insufficient_quota","code":"insufficient_quota"}}'
exchange page.json $chat openai-chat 502 '{}' false '"<html><title>Bad gateway</title>"'
exchange stream.json "$chat?a=b#c" x 200 '{"content-type":"text/event-stream"}' true '"data: {\"id\":\"c-2\",
\"choices\":[]}"'
events='"data: {\"id\":\"c-2\",\"model\":\"gpt-5-nano\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3}}\n\ndata: [DONE]\n\n"'
exchange stream.json "$chat?a=b#c" x 200 '{"content-type":"text/event-stream"}' true "$events"
exchange cut.json $chat x 200 '{}' true "${events/data: \[DONE]/}"
# passes FILE MORE: more than 100,000 tokens of input, with MORE in its usage.
passes() {
    exchange "$1" https://api.anthropic.com/v1/messages x 200 '{"Date":"Fri, 20 Nov 2026 10:00:00 GMT"}' false \
        '{"id":"m-1","type":"message","model":"claude-haiku-5-5","content":[],"stop_reason":"end_turn","usage":'"$2"'}'
}
passes one.json '{"input_tokens":105000,"output_tokens":1500}'
passes several.json '{"input_tokens":45000,"output_tokens":1000,"iterations":[
    {"type":"compaction","input_tokens":60000,"output_tokens":500},
    {"type":"message","input_tokens":45000,"output_tokens":1000}]}'
echo '{"response":{}}' >"$work/empty.json"
echo '{"response":' >"$work/half.json"

cd "$work" || exit 1
# extract OPTIONS FILE…: its complaints are then in err.
extract() { "$BIN/colloq" extract "$@" 2>"$work/err"; }
# is FILE MEMBERS VALUE [LINE]: the members of a line, the first one, as JSON.
is() {
    extract "$1" | sed -n "${4:-1}p" >line
    local met
    met=$(/usr/bin/python3 -c '
import json, sys
line = json.loads(open("line").read())
for step in sys.argv[1].split("."):
    line = line[int(step)] if isinstance(line, list) else line[step]
print(json.dumps(line, sort_keys=True))' "$2")
    [ "$met" = "$3" ] || { printf '%s %s: %s, not %s\n' "$1" "$2" "$met" "$3"; return 1; }
}
check "the URL says whose it is" is plain.json api '"openai.chat"'
check "and that the URL did" is plain.json api_by '"url"'
check "else its name does" is named.json api_by '"name"'
check "a success" is plain.json outcome '"success"'
check "the model asked for" is plain.json model_requested '"gpt-5-nano"'
check "the model that served" is plain.json model_served '"gpt-5-nano-2025-08-07"'
check "an identifier of the body" is plain.json identifiers.0 '{"kind": "response_id", "source": "$.id", "value": "c-1"}'
check "a header that stands twice" is plain.json identifiers.2.value '"r-2"'
check "an API without conversations" is plain.json primary_identifier null
check "no content in the metadata" is plain.json metadata.choices '[{"finish_reason": "stop", "index": 0, "message": {"role": "assistant"}}]'
check "disjoint counters" is plain.json usage.in_uncached 40
check "what is cached" is plain.json usage.in_cache_read 60
check "the whole input" is plain.json usage.in_total 100
check "what is not stated is not 0" is plain.json usage.in_cache_write null
# 40 at $0.05, 60 at $0.005 and 10 at $0.40 a million.
check "what it costs" is plain.json cost.total_pusd 6300000
check "and of what" is plain.json cost.items.1 '{"count": 60, "pusd": 300000, "what": "in_cache_read"}'
check "rate limits" is plain.json rate_limit '{"remaining_tokens": "9"}'
check "no error" is plain.json error null
check "a quota is no rate limit" is quota.json error.class '"lane_wide"'
check "how long to wait" is quota.json error.retry_after_ms 7000
check "one pass beyond a bracket has its price" is one.json usage.state '"stated"'
check "several passes are priced by their sum" is several.json cost.total_pusd 56250000000
check "and that is said to be a guess" is several.json usage.state '"inconsistent"'
check "an error costs nothing" is quota.json cost.state '"none"'
check "a page's title" is page.json error.message '"Bad gateway"'
check "a stream" is stream.json outcome '"success"'
check "its usage" is stream.json usage.out_total 2
check "a cut stream" is cut.json error.code '"stream_incomplete"'
check "a cut stream has no price" is cut.json cost.state '"unpriced"'
check "an unknown API" is other.json outcome '"unknown_api"'
check "what is counted needs no estimate" is plain.json usage.out_visible_estimated null

# A text whose tokens the provider leaves out of its counters, and of their sum.
gemini=https://generativelanguage.googleapis.com/v1beta
exchange untold.json "$gemini/models/gemini-2.5-flash:generateContent" x 200 '{}' false '{"candidates":[{"content":
    {"parts":[{"text":"hidden","thought":true},{"text":"Nine \u00e4\u00e4"}],"role":"model"},"finishReason":"STOP"}],
    "usageMetadata":{"promptTokenCount":440,"thoughtsTokenCount":27,"toolUsePromptTokenCount":86,"totalTokenCount":553},
    "modelVersion":"gemini-2.5-flash"}'
check "an answer whose counters are not all there" is untold.json usage.state '"inconsistent"'
check "has an estimate of what is missing" is untold.json usage.out_visible_estimated 3
# 9 bytes, however they are written.
check "which the ledger has, too" is untold.json metadata.out_visible_estimated 3
check "and which is in no counter" is untold.json usage.out_total 27

# ---- batches of the provider's own ---------------------------------------------------------------
batches=https://api.anthropic.com/v1/messages/batches
exchange running.json $batches/msgbatch_1 x 200 '{"retry-after":"10"}' false \
    '{"id":"msgbatch_1","type":"message_batch","processing_status":"in_progress"}'
check "a batch that runs is no error" is running.json outcome '"success"'
check "whatever its headers say" is running.json error null
check "but is to be asked about again" is running.json batch.ask_after_ms 10000
check "it has a state" is running.json batch.state '"in_progress"'
check "and a name" is running.json identifiers.0 '{"kind": "batch_id", "source": "$.id", "value": "msgbatch_1"}'
check "and costs nothing itself" is running.json cost.state '"none"'
exchange failed.json $batches/msgbatch_1/results x 200 '{}' false \
    '{"result":{"type":"errored","error":{"type":"error","error":{"type":"invalid_request_error"}}},"custom_id":"a"}'
check "a result's error is in it two levels deep" is failed.json error.type '"invalid_request_error"' 2
check "it is one" is failed.json outcome '"error"' 2
check "it is not worth a second try" is failed.json error.class '"permanent"' 2
check "it costs nothing" is failed.json cost.state '"none"' 2
check "not even 0 of something unpriced" is failed.json cost.unpriced null 2
item='{"metadata":{"key":"k"},"response":{"candidates":[{"content":{"parts":[{"text":"the secret"}],"role":"model"},
    "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":50,"totalTokenCount":150,
    "serviceTier":"standard"},"modelVersion":"gemini-2.5-flash","responseId":"r-1"}}'
results="{\"inlinedResponses\":{\"inlinedResponses\":[$item]}}"
exchange twice.json $gemini/batches/b-1 x 200 '{}' false \
    "{\"name\":\"batches/b-1\",\"metadata\":{\"state\":\"BATCH_STATE_SUCCEEDED\",\"output\":$results},\"response\":$results}"
extract twice.json >lines
check "what stands twice in a batch is there once" [ "$(grep -c '"value":"r-1"' lines)/$(wc -l <lines)" = 1/2 ]
# 100 at $0.30 and 50 at $2.50 a million, and half of it.
check "at half the price" is twice.json cost.total_pusd 77500000 2
check "by the tier of all of a batch" is twice.json service_tier '"batch"' 2
check "under its key" is twice.json batch '{"ask_after_ms": null, "id": "batches/b-1", "item": 1, "key": "k", "state": null}' 2
exchange file.json https://api.openai.com/v1/files/file-1/content x 200 '{}' false '"{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\n"'
check "another file is no batch" is file.json outcome '"unknown_api"'
exchange input.json https://api.openai.com/v1/files/file-1/content x 200 '{}' false '"{\"custom_id\":\"a\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"messages\":[\"the secret\"]}}\n"'
check "nor is the batch's input" is input.json outcome '"unknown_api"'
check "of which nothing is told" is input.json metadata null
nameless="${item/\"modelVersion\":\"gemini-2.5-flash\",/}"
exchange nameless.json $gemini/batches/b-1 x 200 '{}' false \
    "{\"metadata\":{\"model\":\"models/gemini-2.5-flash\"},\"response\":{\"inlinedResponses\":{\"inlinedResponses\":[$nameless]}}}"
check "an item that names no model has the batch's" is nameless.json model_requested '"gemini-2.5-flash"' 2
check "and its price" is nameless.json cost.total_pusd 77500000 2
check "a batch that names itself nowhere has the name in its URL" is nameless.json batch.id '"b-1"'
exchange ended.json $gemini/batches/b-1:cancel x 200 '{}' false '{}'
check "and no more of the URL" is ended.json batch.id '"b-1"'
exchange named-within.json $gemini/batches/b-1 x 200 '{}' false '{"metadata":{"name":"batches/b-1"}}'
check "one that does has its own" is named-within.json batch.id '"batches/b-1"'
exchange list.json $gemini/batches x 200 '{}' false '{"operations":[{"name":"batches/b-1","response":"the secret"}]}'
check "a list is left alone where the entry does not say what is in it" is list.json metadata null
extract --stream twice.json >lines
check "who wants streams is told of batches, and takes no other answers" \
    [ "$(grep -o '"outcome":"[a-z]*"' lines | tr '\n' ' ')" = '"outcome":"success" "outcome":"malformed" ' ]
exchange page.html.json $batches/msgbatch_1 x 200 '{}' false '"<html>x</html>"'
check "a page is no batch" is page.html.json outcome '"malformed"'
exchange vectors.json https://api.openai.com/v1/files/file-2/content x 200 '{"x-request-id":"r-9"}' false \
    '{"id":"batch_req_1","custom_id":"v","error":null,"response":{"status_code":200,"request_id":"r-2",
      "body":{"object":"list","data":[{"object":"embedding","embedding":[1]}]}}}'
check "an item of an API that nobody knows" is vectors.json outcome '"unknown_api"' 2
check "has nothing of the line before it" is vectors.json identifiers '[]' 2
check "but its name" is vectors.json batch.key '"v"' 2


# Whose answer it is may stand in the host and in the path, and so may the model.
mkdir -p own/providers
sed "s/^provider: openai/provider: mine/; s/is_url_owner: true/is_url_owner: false/;
    s|base_url: .*|base_url: https://mine.example/v1|; s|path: /chat/completions|path: \"/models/{model}:answer\"|" \
    "$ROOT/schemas/providers/openai.chat.yaml" >own/providers/mine.chat.yaml
export COLLOQ_CATALOGUE=$work/own
bare() { # FILE URL: an exchange whose request names no model
    exchange "$1" "$2" nobody 200 '{}' false "$answer"
    sed -i 's/"body":{"model":"gpt-5-nano"}/"body":{}/' "$1"
}
bare path.json 'https://mine.example/v1/models/a:b:answer?alt=sse'
bare deep.json https://mine.example/v1/models/a/b:answer
bare none.json https://mine.example/v1/models/:answer
bare host.json https://mine.example.org/v1/models/a:answer
check "a path with the model in it" is path.json api '"mine.chat"'
check "the model of the path" is path.json model_requested '"a:b"'
check "a model has no slash" is deep.json api null
check "a model has a name" is none.json api null
check "another host" is host.json api null
# A path of one's own, in what is answered about a batch, too.
printf 'providers:\n  anthropic:\n    extract: {my_trace: $.metadata.trace}\n' >own/colloq.yaml
exchange traced.json $batches/msgbatch_1 x 200 '{}' false '{"id":"msgbatch_1","metadata":{"trace":"t-1"}}'
COLLOQ_CONFIG=$work/own/colloq.yaml COLLOQ_CATALOGUE='' extract traced.json >line
check "a path of one's own finds its value" grep -q '"kind":"my_trace","value":"t-1"' line
unset COLLOQ_CATALOGUE
rm -f none.json path.json deep.json host.json

extract plain.json none.json other.json half.json stream.json empty.json >lines
check "the first bad file decides the code" [ $? = 66 ]
check "the others are done" [ "$(wc -l <lines)" = 3 ]
check "what is wrong with each" [ "$(cat err)" = "colloq: none.json: cannot be read: No such file or directory
colloq: half.json: byte 14: not a JSON document
colloq: empty.json: it is no recorded exchange: response.status is no HTTP status" ]
extract other.json >line
check "an unknown API alone ends with 1" [ $? = 1 ]
extract --stream plain.json stream.json >lines
check "who wants streams takes nothing else" [ "$(grep -o '"outcome":"[a-z]*"' lines | tr '\n' ' ')" = '"outcome":"malformed" "outcome":"success" ' ]
extract - <plain.json >line
check "stdin" grep -q '"file":"-"' line
extract ./*.json >lines
check "every line fits its schema" /usr/bin/python3 "$ROOT/tests/e2e/check-schema.py" "$ROOT/schemas/cli" extract/1 <lines >/dev/null
# More lines than a pipe holds, for a reader who takes one: that is no fault of the disk.
yes plain.json | head -n 400 >many
mapfile -t many <many
extract "${many[@]}" 2>/dev/null | head -n 1 >line
check "who reads no more ends it quietly" [ "${PIPESTATUS[0]}" = 141 ]
check "without a word" [ ! -s err ]
extract plain.json >/dev/full
check "a full disk is a fault" [ $? = 74 ]
check "that is named" [ "$(cat err)" = "colloq: stdout: No space left on device" ]
# Who is stopped among the items of one file says no more of them.
lines=$(yes '{\"custom_id\":\"a\",\"result\":{\"type\":\"expired\"}}\n' | head -n 50000 | tr -d '\n')
exchange long.json $batches/b/results x 200 '{}' false "\"$lines\""
mkfifo said
"$BIN/colloq" extract long.json >said 2>err &
asked=$!
exec 3<said
read -r <&3 && kill -TERM $asked
told=$(cat <&3 | wc -l)
exec 3<&-
wait $asked
check "who is stopped says so" [ $? = 130 ]
check "at once" [ "$told" -lt 50000 ]
rm long.json
extract --at 2026-08-20T16:30:00Z plain.json >line
check "a moment is one, too" [ $? = 0 ]
extract --at 2026-08-20T16:30 plain.json >line
check "if it is whole" [ $? = 64 ]
extract --at yesterday plain.json >line
check "a day is a day" [ $? = 64 ]
extract >line
check "a file is needed" [ $? = 64 ]
check "no data folder was made" [ ! -e "$work/data" ]
check "content is nowhere" bash -c "! grep -q secret lines err"
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
