#!/bin/bash
# The processes are killed (SIGKILL) while a batch runs: one at a time, several at once, again while
# they recover, and with an empty queue. What was accepted is all there in the end, every request
# that the provider billed has its row, and what nobody can know is bounded and said.
#   KILLS, SEED, LINES_WANTED: how often, by which choice, and over how much work; the choice of
#   victims is the seed's, the moments are those at which the work has come so far.
. "$(dirname "$0")/lib.sh"
kills=${KILLS:-50} seed=${SEED:-$(date +%s)} lines=${LINES_WANTED:-20000}
programs=(colloq-broker colloq-worker colloq-extractor colloq-accountant colloq-ingress)
declare -A landed
total=0 late=0
RANDOM=$((seed % 32768))
echo "kills $kills, seed $seed, lines $lines"

# strike PROGRAM…: kills each as soon as it lives, and counts.
strike() {
    local program
    for program in "$@"; do
        until_true 60 kill_process "$program" || return 1
        landed[$program]=$((${landed[$program]:-0} + 1))
        total=$((total + 1))
    done
    kill -0 "$run" 2>/dev/null || late=$((late + 1))
}

# The victims of one strike: mostly one, sometimes several at once.
choose() {
    local count=1 dice=$((RANDOM % 10)) i
    [ "$dice" -lt 8 ] || count=2
    [ "$dice" -lt 9 ] || count=5
    victims=()
    local from=$((RANDOM % 5)) step=$((RANDOM % 4 + 1))
    for ((i = 0; i < count; i++)); do
        victims+=("${programs[$(((from + i * step) % 5))]}")
    done
}

begin=$(date +%s)
"$BIN/make-lines" "$lines" "$seed" >"$work/job.jsonl"
# Attempts are not what is tested: no job may end because its processes were killed too often.
export COLLOQ_STALL_LIMIT=2s COLLOQ_FIRST_BYTE_LIMIT=2s COLLOQ_ATTEMPTS_MAX=100
# The more kills, the longer the work has to take for all of them to fall into it.
start_dev "--latency-ms $((10 + kills / 10)) --error-rate 2% --429-rate 1% --hang-rate 0.5% --cut-rate 0.5% --seed $seed"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!
at=0
while [ "$total" -lt "$kills" ]; do
    at=$((at + RANDOM % (2 * (lines * 8 / 10 - at) / (kills - total) + 1)))
    until_true 60 is_billed "$at" || { echo "no call for a minute"; break; }
    choose
    strike "${victims[@]}" || break
    # While it recovers: its successor, a moment after its start.
    if [ $((RANDOM % 6)) -eq 0 ]; then
        sleep "0.$(printf '%03d' $((100 + RANDOM % 150)))"
        strike "${victims[0]}" || break
    fi
done
wait "$run"
code=$?
check "every kill hit a process in the middle of the run" is "$late" 0
check "there were as many as asked for" test "$total" -ge "$kills"
for program in "${programs[@]}"; do
    strike "$program"
done
strike "${programs[@]}"
"$BIN/make-lines" 50 "$((seed + 1))" >"$work/second.jsonl"
client batch run "$work/second.jsonl" >"$work/second.out" 2>"$work/second.err"
check "killed with nothing to do, they do what comes next" is "$(wc -l <"$work/second.out")" 50
check "the run ends with 0" is "$code" 0
check "every line has one result" is "$(jobs_in "$work/out.jsonl")" "$lines"
check "and one line for it" is "$(wc -l <"$work/out.jsonl")" "$lines"
summary=$(tail -n 1 "$work/err.txt")
check "the processes drain with 0" stop_dev
check "every process that was killed died of it" is "$(grep -c 'ended (signal 9)' "$work/dev.out")" "$total"
check "and none of anything else" is "$(grep ' ended (' "$work/dev.out" | grep -vc 'signal 9')" 0
check "turns reached the provider in order" is "$(turns_out_of_order)" 0
leases=$(leases_lost)
check "no more calls are unknown than were out" test \
    "$(sql "SELECT count(*) FROM call WHERE state = 'unknown'")" -le "$leases"
check_bill "bill and ledger agree, but for the calls out at a kill" --unknown-max "$leases"
echo "leases out when their worker died: $leases"
for program in "${programs[@]}"; do
    echo "killed: $program ${landed[$program]:-0}"
done
echo "$total kills in $(($(date +%s) - begin)) s"
echo "$summary"
end_test
