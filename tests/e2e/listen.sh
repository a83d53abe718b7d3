#!/bin/bash
# Colloq listens for other hosts, here all on loopback: what dev prints is what a second worker and
# a client need, who comes to the wrong door is told so, and nothing beyond this machine is listened
# at or spoken to unless somebody said that it may.
. "$(dirname "$0")/lib.sh"
# Three ports of its own, below those that the system hands out.
port=$((20000 + $$ % 4000 * 3))
"$BIN/make-lines" 300 5 >"$work/job.jsonl"

fails_with() {
    want=$1
    shift
    timeout 60 "$@" >"$work/said.txt" 2>&1
    is $? "$want"
}

check "dev does not listen beyond this machine by itself" fails_with 78 \
    "$BIN/colloq" dev --simulate --data "$data" --listen tcp://0.0.0.0:$port
check "and says why, and what to do" grep -q 'nothing is encrypted.*--insecure' "$work/said.txt"
check "a worker does not speak beyond it either" fails_with 78 \
    "$BIN/colloq-worker" --simulate --data "$work/w" --broker tcp://0.0.0.0:$port # leads here
check "a text that is no endpoint is refused" fails_with 78 \
    "$BIN/colloq-worker" --simulate --data "$work/w" --broker tcp://localhost
check "an address of another host is refused" fails_with 78 \
    "$BIN/colloq-broker" --simulate --data "$work/b" --insecure --listen tcp://203.0.113.1:$port

# One call at once in its own worker: the rest is for the second.
"$BIN/colloq" dev --simulate --data "$data" --concurrency 1 --listen tcp://127.0.0.1:$port >"$work/dev.out" 2>&1 &
dev_pid=$!
until_true 60 grep -q 'colloq batch run.*--endpoint' "$work/dev.out" || { cat "$work/dev.out"; exit 1; }
check "a second broker is refused the port" fails_with 75 \
    "$BIN/colloq-broker" --simulate --data "$work/b" --listen tcp://127.0.0.1:$port

# What was printed is run as it stands, by the shell, with these programs in the path.
words=$(sed -n 's/^  \(.*colloq-worker .*\)$/\1/p' "$work/dev.out")
check "dev says how a worker is started elsewhere" test -n "$words"
(cd "$BIN" && exec env PATH="$BIN:$PATH" sh -c "${words/colloq-worker/exec colloq-worker} --data '$work/w' --concurrency 7") \
    >"$work/worker.log" 2>&1 &
worker=$!
check "the worker says that it is connected" until_true 60 \
    grep -q "connected to tcp://127.0.0.1:$port as worker-0-.*, 7 calls at once" "$work/worker.log"
check "and has the simulator's address" until_true 60 grep -q 'ev=endpoint.ready provider=openai' "$work/worker.log"
sees_both() { client stat --json | grep -q '"workers":2'; }
check "stat has a row for the host, with both workers" until_true 60 sees_both
client stat >"$work/stat.txt"
check "also for people" grep -qE '^HOST +WORKERS +SLOTS +CALLS +CPU +HEARD' "$work/stat.txt"

words=$(sed -n 's/^  colloq \(batch run FILE.jsonl --endpoint .*\)$/\1/p' "$work/dev.out")
# shellcheck disable=SC2086 # words of a command line
"$BIN/colloq" ${words/FILE.jsonl/$work/job.jsonl} --data "$work/c" >"$work/out.jsonl" 2>"$work/err.txt"
check "a client elsewhere runs a batch" is "$(wc -l <"$work/out.jsonl")" 300

check "a client at the broker's port is told so" fails_with 78 \
    "$BIN/colloq" stat --simulate --data "$work/c" --endpoint tcp://127.0.0.1:$port
check "and where the ingress is" grep -q 'clients connect to the ingress' "$work/said.txt"
"$BIN/colloq-worker" --simulate --data "$work/w" --broker tcp://127.0.0.1:$((port + 1)) \
    >"$work/wrong.log" 2>&1 &
check "a worker at the ingress's port is told so" until_true 60 grep -q 'this is an ingress' "$work/wrong.log"
"$BIN/colloq-worker" --data "$work/w" --broker tcp://127.0.0.1:$port >"$work/money.log" 2>&1 &
check "a worker with real money is told so" until_true 60 grep -q 'money is simulated.*--simulate' "$work/money.log"

kill "$worker"
wait "$worker"
check "the worker ends when asked" is $? 0
check "the processes drain with 0" stop_dev
check "both workers made calls" is "$(sql "SELECT count(DISTINCT worker) FROM call")" 2
check_bill "bill and ledger agree"
end_test
