#!/bin/bash
# What a person meets in the first fifteen minutes, each in a real terminal: nothing is running, nobody
# answers, no key, a wrong one, Ctrl-C, the same command again, names that mean two things, ten thousand
# bad lines, a pipe that closes, a narrow window, no colour.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/jobs.sh"
. "$(dirname "$0")/terminal.sh"
export LC_ALL=C.UTF-8 PATH=$BIN:$PATH HOME=$work/home
mkdir -p "$HOME"
unset OPENAI_API_KEY OPENAI_API_KEY_FILE ANTHROPIC_API_KEY NO_COLOR COLLOQ_DATA COLLOQ_ENDPOINT
trap 'close_terminal; finish' EXIT
cd "$work" || exit 1
single() { printf '{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"%s"}]}}\n' "$1" "$2"; }
for n in 1 2 3; do single "a-$n" "Name a colour."; done >small.jsonl
"$BIN/make-lines" 2000 5 >large.jsonl
sim="--simulate --data $data"
open_terminal 80

# ---- nothing running --------------------------------------------------------------------------
typed "colloq cost"
check "a question where nothing was ever recorded ends with 69" ended_with 69
check "names the folder" shows "$HOME/.local/share/colloq"
check "and says how to begin" shows "colloq batch run FILE.jsonl"
typed "colloq batch run small.jsonl $sim >out.jsonl"
check "a run with nothing running ends well" ended_with 0
check "and says that it started colloq" shows "colloq was not running: it was started"
check "and what came of it" shows "3 lines: 3 done"
check "nobody who did not press Ctrl-C hears of another" is "$(screen | grep -c 'Ctrl-C')" 0
check "the results are there" is "$(wc -l <out.jsonl)" 3
typed "colloq cost --by model $sim"
check "the cost, later, with nothing running" ended_with 0
check "by model" shows_like 'gpt-4\.1-mini[^ ]* +3 '
typed "colloq batch list --no-start $sim"
check "--no-start starts nothing" ended_with 69
check "and says what to do" shows "start colloq dev"

# ---- somebody who does not answer -------------------------------------------------------------
typed "colloq batch list --endpoint tcp://127.0.0.1:9"
check "a stated endpoint is never replaced" ended_with 69
check "it is named" shows "tcp://127.0.0.1:9 (--endpoint)"
start_dev ""
kill -STOP "$(process colloq-ingress)"
typed "colloq batch list --endpoint ipc://$data/ingress.sock --simulate"
check "one that is silent is told from one that is not there" ended_with 69
kill -CONT "$(process colloq-ingress)"
stop_dev

# ---- no key, wrong key ------------------------------------------------------------------------
"$BIN/provider-sim" --port 0 --port-file port --bill real-bill.jsonl --key-file keys.txt &
echo sk-the-right-one >keys.txt
until_true 60 test -s port
OPENAI_BASE_URL="http://127.0.0.1:$(cat port)/v1"
export OPENAI_BASE_URL
typed "export OPENAI_BASE_URL=$OPENAI_BASE_URL; colloq batch run small.jsonl --data $work/real"
check "without a key it says what is missing and what to do" until_true 60 shows \
    "no worker has a key for openai: set OPENAI_API_KEY where the worker runs"
check "on a line above the one that moves" shows "waits, see above"
pressed C-c
check "Ctrl-C ends it" ended_with 130
check "and says how to go on" shows "colloq batch watch"
check "or to call it off" shows "colloq batch cancel"
typed "OPENAI_API_KEY=sk-a-wrong-one colloq batch run small.jsonl --data $work/real"
check "with a wrong key the lane is held, by name" until_true 60 shows "lane held: http_401"
check "and the key is not shown" is "$(screen | grep -v '^\$ ' | grep -c sk-a-wrong)" 0
pressed C-c
check "it can be stopped" ended_with 130
typed "colloq batch run small.jsonl --data $work/real --patience 1 --quiet 2>patience.txt"
check "a script gives up on what only a person can mend" ended_with 75
check "and says what that is" grep -qE 'somebody sees to this: (no worker has a key|lane held)' patience.txt
typed "OPENAI_API_KEY=sk-the-right-one colloq batch run small.jsonl --data $work/real >real.jsonl"
check "with the right one the batch goes on, unless it has to wait for the lane" until_true 90 \
    shows_like "3 done|lane held"
pressed C-c
until_true 60 ended

# ---- Ctrl-C, the same again -------------------------------------------------------------------
export COLLOQ_LANE_CONCURRENCY=2
typed "export COLLOQ_LANE_CONCURRENCY=2; colloq batch run large.jsonl $sim >part.jsonl"
check "a long run shows how it goes on" until_true 60 shows_like '[0-9,]+ of 2,000 lines'
check "on one line" is_within 80
pressed C-c
check "stopped, it ends with 130" ended_with 130
check "the batch stays" shows "The batch stays"
typed "unset COLLOQ_LANE_CONCURRENCY; colloq batch run large.jsonl $sim >whole.jsonl"
check "the same command takes it up" ended_with 0
check "says so" shows "was submitted before: batch"
check "and where its results are" shows "colloq batch results"
check "each line has one result" is "$(jobs_in whole.jsonl)" 2000
billed=$(bill_lines)
typed "colloq batch run large.jsonl $sim --name night >again.jsonl"
check "after its end nothing is called again" ended_with 0
check "that is said" shows "is settled, nothing is called again"
check "and what it does not follow" shows "not changed by this command: name"
check "the results come once more" is "$(jobs_in again.jsonl)" 2000
check "the bill is as it was" is "$(bill_lines)" "$billed"

# ---- again ------------------------------------------------------------------------------------
{ cat small.jsonl && single "a-4" "Name a stone."; } >longer.jsonl
typed "colloq batch run small.jsonl --limit 2 $sim >two.jsonl"
check "a file whose first lines are known is asked about" until_true 60 shows "Go on, and pay for those lines again? [y/N]"
check "with that batch and its cost" shows_like '3 lines accepted, 3 calls, \$0'
pressed n Enter
check "no is no" ended_with 75
check "nothing was submitted" shows "nothing was submitted"
typed "colloq batch run small.jsonl --limit 2 $sim >two.jsonl"
until_true 60 shows "[y/N]"
pressed y Enter
check "yes is yes" ended_with 0
check "and as many lines as were wanted" is "$(wc -l <two.jsonl)" 2
typed "colloq batch run small.jsonl --again $sim >three.jsonl"
check "--again asks nothing" ended_with 0
check "and runs all" is "$(wc -l <three.jsonl)" 3
typed "colloq batch run small.jsonl --again $sim"
check "a run with its results on the terminal ends well" ended_with 0
check "a result stands on a line of its own" is "$(screen | grep -c '^{"id":')" 3
check "without what was written over" is "$(screen | grep -cE 'lines? .*{"id":')" 0
typed "colloq batch cancel small.jsonl $sim"
check "a name that several batches have is not enough to call one off" ended_with 65
check "they are named" shows_like 'several batches are called small\.jsonl, give the id of one: [0-9a-f-]{36} \(small'
typed "colloq batch show small.jsonl $sim"
check "the newest one is shown" ended_with 0
check "with a word about the others" shows "several batches are called so"

# ---- the broker dies --------------------------------------------------------------------------
start_dev "--latency-ms 20"
typed "colloq batch run large.jsonl --again $sim >killed.jsonl"
check "it runs" until_true 60 shows_like '[1-9][0-9]* of [0-9,+]+ lines'
kill_process colloq-broker
check "a broker that is killed costs nothing" ended_with 0
check "every line has its result" is "$(jobs_in killed.jsonl)" 2000

# ---- a name in two batches --------------------------------------------------------------------
talk() { printf '{"conversation":"talk","input":"%s"%s}\n' "$1" "${2:-}"; }
talk one ',"model":"openai/gpt-4.1-mini"' >talk1.jsonl
talk two ',"model":"openai/gpt-4.1-mini"' >talk2.jsonl
talk three >talk3.jsonl
client batch run talk1.jsonl >/dev/null 2>&1
client batch run talk2.jsonl >/dev/null 2>&1
typed "colloq batch run talk3.jsonl --continue $sim"
check "a name of two conversations is not guessed at" ended_with 1
check "the candidates are named" is "$(screen | grep -oE '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22} \(talk[12]' | sort -u | wc -l)" 2

# ---- ten thousand bad lines -------------------------------------------------------------------
{ seq 1 9990 | sed 's/^/no JSON /' && seq 1 10 | sed 's/.*/{"custom_id":"x"}/'; } >bad.jsonl
typed "colloq batch run bad.jsonl --errors bad-errors.jsonl $sim"
check "ten thousand bad lines end with 1" ended_with 1
check "the first ones are told in full" shows "line 20: not_json"
check "no more of them" is "$(screen | grep -c '^line [0-9]')" 20
check "the rest is counted by reason" shows_like '9,?970 more lines refused: not_json'
check "and how to see all" shows "--refused"
check "all are in the file" is "$(wc -l <bad-errors.jsonl)" 10000

# ---- a pipe that closes, a narrow window, colour ----------------------------------------------
typed "colloq batch results large.jsonl $sim | head -n 1 >first.jsonl; echo \${PIPESTATUS[0]}"
check "a reader that has enough ends it" ended_with 0
check "quietly" shows_like '^141$'
single refused "please @sim:http_400" >refused.jsonl
client batch run refused.jsonl >/dev/null 2>&1
job=$(client dead list --json | pick 'dead[0].job')
conversation=$(client conversation list --json | pick 'conversations[0].conversation')
for command in "batch list" "batch show small.jsonl" "cost --by batch" "cost --by model" "conversation list" stat \
    "lane list" doctor "batch run --help" help "cost --by conversation" "cost --by message --limit 20" "dead list" \
    "dead show $job" "job show $job" "conversation show $conversation"; do
    typed "colloq $command $sim"
    until_true 60 ended
    begin=
    [[ $command != "conversation show"* ]] || begin="^IDENTIFIER" # messages are shown as they are
    check "$command fits 80 columns" is_within 80 "$begin"
    ids=$(screen | grep -cE '(^| )[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}( |$)')
    case $command in
    "batch list" | "conversation list" | "cost --by batch" | dead* | job* | "conversation show"*)
        check "and $command shows ids whole" test "$ids" -gt 0 ;;
    esac
done
typed "colloq batch list $sim"
ended_with 0
check "a terminal has colour" grep -qE $'\033\\[[0-9;]*m' <(coloured | grep -v '^\$ ')
typed "NO_COLOR=1 colloq batch list $sim"
ended_with 0
check "not with NO_COLOR" is "$(coloured | sed -n '/NO_COLOR/,$p' | grep -cE $'\033\\[[0-9;]*m')" 0
typed "colloq batch list $sim | cat"
ended_with 0
check "nor in a pipe" is "$(coloured | grep -cE $'\033\\[[0-9;]*m')" 0
stop_dev
end_test
