#!/bin/bash
# A submission is killed again and again, the client, the ingress and the broker by turns, and the
# same command given again: each line is in the batch exactly once. A file that has changed
# meanwhile is refused.
. "$(dirname "$0")/lib.sh"
lines=${LINES_WANTED:-12000} kills=${KILLS:-20}
RANDOM=${SEED:-1}
# Long lines, so that the submission takes its time; each 50th is refused.
awk -v lines="$lines" 'BEGIN {
    pad = sprintf("%1000s", ""); gsub(/ /, "river ", pad)
    for (i = 1; i <= lines; i++)
        if (i % 50 == 0) printf "{\"custom_id\":\"l-%d\",\"nonsense\":\"%s\"}\n", i, pad
        else printf "{\"custom_id\":\"l-%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":" \
            "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\",\"content\":\"%d %s\"}]," \
            "\"max_completion_tokens\":40}}\n", i, i, pad
}' >"$work/job.jsonl"
refused=$((lines / 50))
export COLLOQ_LANE_CONCURRENCY=200
start_dev
# Its own process when it is put into the background: who kills it kills the client itself.
submit() {
    exec "$BIN/colloq" batch submit "$1" --idempotency-key "${2:-night}" --simulate --data "$data" \
        >"$work/batch.txt" 2>"$work/err.txt"
}
# Whether the broker has stored something since. No process is started to ask: it passes quickly.
has_grown() { [ "$data/journal.db-wal" -nt "$work/since" ]; }
ingress_of() { ingress=$(process colloq-ingress) && [ "$ingress" != "${killed[colloq-ingress]:-}" ]; }

# What is stored meanwhile are lines and nothing else.
worker=$(process colloq-worker)
kill -STOP "$worker"
submit "$work/job.jsonl" &
client=$!
victims=(client colloq-broker colloq-ingress client colloq-broker)
landed=0 resumed=0
for ((k = 0; k < kills; k++)); do
    victim=${victims[k % 5]}
    # The ingress stands still but for a moment in which something is stored, so that the
    # submission does not end before its turn comes.
    until_true 60 ingress_of
    kill -STOP "$ingress"
    touch "$work/since"
    kill -CONT "$ingress"
    until_true_soon 1000000 has_grown
    sleep "0.0$((RANDOM % 30 + 10))"
    kill -STOP "$ingress"
    kill -0 "$client" 2>/dev/null || { echo "the submission was over after $k kills"; break; }
    if [ "$victim" = client ]; then
        kill -KILL "$client"
        wait "$client" 2>/dev/null
        [ $? -ne 137 ] || landed=$((landed + 1))
        resumed=$((resumed + 1))
        submit "$work/job.jsonl" &
        client=$!
    else
        until_true 60 kill_process "$victim" && landed=$((landed + 1))
    fi
    kill -CONT "$ingress" 2>/dev/null
done
check "every kill hit a submission on its way" is "$landed" "$kills"
wait "$client"
check "the same command ends as one with refused lines does" is $? 1
check "it has gone on with the same batch" is "$(wc -l <"$work/batch.txt")" 1
batch=$(cat "$work/batch.txt")
check "there is one batch" is "$(client batch list --json | grep -o '"name":"job.jsonl"' | wc -l)" 1

# refused_as WORDS [KEY]: the changed file, under the key that the first one had.
refused_as() {
    (submit "$work/changed.jsonl" "${2:-night}")
    is $? 65 && grep -q "$1" "$work/err.txt" || { tail -n 1 "$work/err.txt"; return 1; }
}
check_changes() {
    sed '10s/l-10/L-10/' "$work/job.jsonl" >"$work/changed.jsonl"
    check "$1: a file with another line is refused" refused_as 'the file differs' "$2"
    head -n "$3" "$work/job.jsonl" >"$work/changed.jsonl"
    check "$1: a file that is shorter is refused" refused_as 'the file differs' "$2"
}
check_changes "all taken in" night $((lines - 1))
(cat "$work/job.jsonl" && tail -n 1 "$work/job.jsonl") >"$work/changed.jsonl"
check "a file that is longer is refused" refused_as 'the file has more' night
check "there is still one batch" is "$(client batch list --json | grep -o '"name":"[a-z]*.jsonl"' | wc -l)" 1

# The same with a submission that was broken off.
submit "$work/job.jsonl" early &
client=$!
is_open() { client batch list --json | grep -q '"state":"open".*"jobs":[0-9]\{3\}'; }
until_true_soon 1000 is_open
kill -KILL "$client"
wait "$client" 2>/dev/null
check "a second batch is open" is_open
check_changes "partly taken in" early 5
check "it is still open" is_open
client batch cancel "$(client batch list --json | grep -o '"batch":"[^"]*"' | head -n 1 | cut -d'"' -f4)" \
    >"$work/cancel.txt" 2>&1
check "and is called off" is $? 0

kill -CONT "$worker"
client batch watch "$batch" >"$work/out.txt" 2>&1
check "the batch ends as one with refused lines does" is $? 1
check "the processes drain with 0" stop_dev
check "each line that was taken is a job, and once" is \
    "$(sql "SELECT count(*), count(DISTINCT line) FROM job WHERE batch = 1 AND custom_id = 'l-' || line AND line % 50")" \
    "$((lines - refused))|$((lines - refused))"
check "there is no other job" is "$(sql "SELECT count(*) FROM job WHERE batch = 1")" $((lines - refused))
check "each refused line is there, and once" is \
    "$(sql "SELECT count(*), count(DISTINCT line) FROM refused_line WHERE batch = 1 AND line % 50 = 0")" "$refused|$refused"
check "each was called once" is "$(sql "SELECT count(*), count(DISTINCT job) FROM call WHERE batch = 1 AND state <> 'not_started'")" \
    "$((lines - refused))|$((lines - refused))"
check_bill "bill and ledger agree"
echo "$landed kills, $resumed submissions resumed"
end_test
