#!/bin/bash
# Every command that takes --json, asked in states that fill what it can say: done, failed, parked,
# refused, without a price, perhaps billed, dead, revived, held. Each answer is judged by its schema.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
schemas=$root/schemas/cli
fits() { /usr/bin/python3 "$here/check-schema.py" "$schemas" "$@" >>"$work/met.txt"; }
: >"$work/all.jsonl"
# asked COMMAND…: with --json; the answer fits its schema, and is kept for the count at the end.
asked() {
    client "$@" --json >"$work/answer.json" 2>"$work/said.txt"
    local code=$?
    cat "$work/answer.json" >>"$work/all.jsonl"
    check "$*: ends as it should" test $code -le 1
    check "$*: says one thing" is "$(wc -l <"$work/answer.json")" 1
    check "$*: what it says fits" fits <"$work/answer.json"
}

check "the schemas are schemas" fits --self </dev/null

# ---- nothing runs, nothing is there ---------------------------------------------------------------

start_dev
for command in 'batch list' 'conversation list' 'dead list' 'lane list' 'ledger status' \
    'ledger migrate --dry-run' doctor stat check cost 'cost --by message' 'find nothing'; do
    read -ra words <<<"$command"
    asked "${words[@]}"
done
empty() { { "$BIN/colloq" "$@" --simulate --data "$data" >/dev/null; } 2>&1; }
check "an empty list says so" has "there is no batch; begin" "$(empty batch list)"
check "and how to begin" has "colloq batch run FILE.jsonl --simulate --data $data" "$(empty batch list)"
check "conversations too" has "there is no conversation" "$(empty conversation list)"
check "cost too" has "nothing was spent" "$(empty cost)"
check "the dead too" has "no job is dead or parked" "$(empty dead list)"
check "lanes too" has "there is no lane yet" "$(empty lane list)"

# ---- everything that can happen -------------------------------------------------------------------

{
    single ok "hello"
    single cut "short @sim:length"
    single unpriced "unheard of @sim:unknown_model"
    single once "please @sim:http_400*1"
    single always "please @sim:http_400"
    single billed "perhaps @sim:late_close"
    turn talk "first turn"
    turn talk "second turn @sim:http_400"
    turn talk "third turn"
    turn fine "first"
    turn fine "second"
    echo 'no JSON'
    echo '{"custom_id":"odd","method":"POST","url":"/v1/nothing","body":{}}'
} >"$work/job.jsonl"
client batch run "$work/job.jsonl" --json --name night --tag team=search --tag n=1 --billed park \
    >"$work/results.jsonl" 2>"$work/events.jsonl"
check "a run with failures ends with 1" is $? 1
check "each event fits" fits <"$work/events.jsonl"
check "they are all events" is "$(grep -c '^{"schema":"colloq/event/1","event":"' "$work/events.jsonl")" \
    "$(wc -l <"$work/events.jsonl")"
check "two refused lines are events" is "$(grep -c '"event":"refused"' "$work/events.jsonl")" 2
check "the last one holds the batch" test -n "$(tail -n 1 "$work/events.jsonl" | pick batch.batch)"
check "each result fits" fits batch.results/1 <"$work/results.jsonl"
check "there are results" test "$(wc -l <"$work/results.jsonl")" -eq 11
client batch run "$work/job.jsonl" --json --name night --billed park >/dev/null 2>"$work/events.jsonl"
check "one that is known says so" grep -q '"event":"known"' "$work/events.jsonl"
check "and its events fit" fits <"$work/events.jsonl"
client batch watch night --json --results >"$work/results.jsonl" 2>"$work/events.jsonl"
check "a watch's events fit" fits <"$work/events.jsonl"
check "and its results" fits batch.results/1 <"$work/results.jsonl"
client batch results night --json --order finished >"$work/results.jsonl"
check "so do the results by themselves" fits batch.results/1 <"$work/results.jsonl"

single late "wait @sim:delay_60000" >"$work/late.jsonl"
client batch submit "$work/late.jsonl" --json >"$work/answer.json" 2>/dev/null
cat "$work/answer.json" >>"$work/all.jsonl"
check "a submission fits" fits <"$work/answer.json"
late=$(pick batch <"$work/answer.json")
is_under_way() { [ "$(counts "$late" live.attempts_open)" = 1 ]; }
until_true 60 is_under_way

batch=$(client batch list --json | pick 'batches[1].batch')
once=$(job_of "$batch" once)
always=$(job_of "$batch" always)
billed=$(job_of "$batch" billed)
refused=$(job_of "$batch" talk/2)
asked batch list
asked batch list --limit 1
asked batch show night
asked batch show "$late"
client batch show night --refused --json >"$work/answer.json"
cat "$work/answer.json" >>"$work/all.jsonl"
check "refused lines fit" fits <"$work/answer.json"
check "there are two" is "$(wc -l <"$work/answer.json")" 2
asked conversation list
asked conversation list --batch night --limit 1
asked conversation show talk
asked conversation show fine
for by in none batch provider model day tag conversation message; do
    asked cost --by $by
    asked cost --by $by --batch night --limit 2
done
asked job show "$refused"
asked job show ok
asked job show unpriced
asked job show "$billed"
asked job show "$once"
asked find ok
asked find night
asked find "$billed"
asked find "$(client job show ok --json | pick 'attempts[0].identifiers[0].value')"
asked dead list
asked dead list --batch night --reason permanent_error --limit 1
asked dead show "$always"
asked dead show "$billed"
asked dead show "$refused"
asked dead retry "$refused"
asked dead retry "$once"
asked dead retry --batch night --dry-run
asked dead drop "$always"
asked dead drop --reason possibly_billed --dry-run
asked lane list
asked lane pause gpt-4.1-mini
asked stat
asked lane resume openai/gpt-4.1-mini
asked ledger status
asked ledger migrate --dry-run
asked check

# ---- for people -----------------------------------------------------------------------------------

check "a sum names what is missing" has " + 1 unpriced + 1 unknown (at most " "$(client batch show night)"
check "in the list" has " + 1 unpriced + 1 unknown (at most " "$(client batch list)"
check "in the cost" has " + 1 unpriced + 1 unknown (at most " "$(client cost --by tag)"
check "of a job" has "1 call; 1 unpriced" "$(client job show unpriced)"
check "of one that may have been billed" has "1 call; 1 unknown (at most " "$(client job show "$billed")"
check "no reason stands twice" is "$(client batch show night | grep -c 'permanent_error')" 1
client lane pause 4.1 >"$work/said.txt" 2>&1
check "a part from the middle of a name is no lane" is $? 66
check "and those that there are, are named" has "openai/default/gpt-4.1-mini" "$(cat "$work/said.txt")"
check "nor was one paused" has open "$(client lane list)"
check "times have their zone" grep -qE 'created   [0-9-]+ [0-9:]+ CET \(([0-9-]+ )?[0-9:]+ UTC\)' \
    <(TZ=CET-1 client batch show night)
check "titles name it once" has "CREATED (CET)" "$(TZ=CET-1 client batch list)"
client batch submit "$work/job.jsonl" --name other --again >/dev/null 2>&1
other() { [ "$(client batch list --limit 1 --json | pick 'batches[0].running')" = 0 ] &&
    client find ok --json | grep -q '"custom_id".*"custom_id".*"batch_name":"other"'; }
until_true 60 other
client job show ok >"$work/said.txt" 2>&1
check "a custom_id of two batches is not guessed at" is $? 65
check "its jobs are named with their batches" has "(other)" "$(cat "$work/said.txt")"

# ---- the end --------------------------------------------------------------------------------------

asked batch cancel "$late"
settled_late() { is_settled "$late"; }
until_true 60 settled_late
asked batch cancel "$late"
single later "wait @sim:delay_60000" >"$work/later.jsonl"
later=$(submit "$work/later.jsonl")
open_later() { [ "$(counts "$later" live.attempts_open)" = 1 ]; }
until_true 60 open_later
client job show later >"$work/said.txt" 2>&1
check "a job that has no end yet is not known by its custom_id" is $? 66
client batch cancel "$later" >/dev/null
asked provider gaps
asked provider list
asked provider show openai
asked provider document "$work/pages"
asked provider document "$work/pages" --dry-run
stop_dev
asked ledger status
asked ledger migrate --dry-run
asked ledger migrate
asked provider configure --dry-run
asked provider configure

# Every schema of an answer was met.
sed -n 's/^{"schema":"colloq\/\([^"]*\)".*/\1/p' "$work/all.jsonl" | sort -u >"$work/met"
for file in "$schemas"/*.json; do
    name=$(basename "$file" .json)
    name=${name%.*}/${name##*.}
    case $name in common | common/* | event/1 | batch.results/1 | extract/1 | job.cancel/1) continue ;; esac
    check "$name was met" grep -qx "$name" "$work/met"
done
end_test
