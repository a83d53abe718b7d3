#!/bin/bash
# A wrong key, then an exhausted quota: each is named, nothing dies of it, and the batch goes on
# when it is mended.
. "$(dirname "$0")/lib.sh"
"$BIN/make-lines" 200 3 >"$work/job.jsonl"
keys=$work/keys.txt quota=$work/quota
echo sk-another-key >"$keys"

start_dev "--key-file $keys --quota-file $quota"
client batch run "$work/job.jsonl" >"$work/out.jsonl" 2>"$work/err.txt" &
run=$!
check "a wrong key is named on the progress line" until_true 60 grep -q 'http_401' "$work/err.txt"
check "and in stat" sh -c "'$BIN/colloq' stat --simulate --data '$data' | grep -q http_401"
client batch list --json >"$work/list.json"
check "no job is dead of it" is "$(grep -oE '"dead": ?[0-9]+' "$work/list.json" | grep -oE '[0-9]+' | sort -u)" 0
touch "$quota" # before any lane goes on, so that it cannot end first
echo simulated >"$keys"
client lane list | awk '/held|probing/ { print $1 }' | while read -r lane; do
    client lane resume "$lane" >/dev/null
done
check "an exhausted quota is named" until_true 60 sh -c \
    "'$BIN/colloq' stat --simulate --data '$data' | grep -q quota"
rm "$quota"
check "the batch goes on and ends" wait "$run"
check "with every line" is "$(wc -l <"$work/out.jsonl")" 200
check "no job died" is "$(grep -c '"error":{' "$work/out.jsonl")" 0
end_test
