#!/bin/bash
# colloq jsonpath as a program: what it writes, and with which code it ends. Needs BIN.
set -u
: "${BIN:?the folder of the programs}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
export HOME=$work COLLOQ_DATA=$work/data
printf '{"id":"x","l":[{"a":1},{"a":2.50}],"it'"'"'s":"\\u00e9"}' >"$work/doc.json"

# says WHAT CODE STDOUT STDERR COMMAND…: the streams are compared as a whole, stderr as a beginning.
says() {
    local what=$1 code=$2 out=$3 err=$4 said met
    shift 4
    said=$("$BIN/colloq" jsonpath "$@" 2>"$work/err")
    met=$?
    if [ $met = "$code" ] && [ "$said" = "$out" ] && [[ $(cat "$work/err") == "$err"* ]]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s: %s, %s, %s\n' "$what" $met "$said" "$(cat "$work/err")"
    fi
}

doc=$work/doc.json
says "nodes are written as they stand" 0 '[1,2.50]' '' '$.l[*].a' "$doc"
says "filters" 0 '[{"a":2.50}]' '' '$.l[?@.a > 2]' "$doc"
says "no match is an empty array" 0 '[]' '' '$.nothing' "$doc"
says "places behind the file" 0 "[\"\$['l'][1]['a']\"]" '' '$..[?@==2.5]' "$doc" --paths
says "a document from stdin" 0 '["x"]' '' '$.id' <"$doc"
says "and so with -" 0 '["x"]' '' '$.id' - <"$doc"
says "a wrong path, and where" 65 '' 'colloq: $.l[01]: position 5: a number has no leading zero' '$.l[01]' "$doc"
says "no file" 66 '' "colloq: $work/none: cannot be read: No such file" '$' "$work/none"
says "a folder" 66 '' "colloq: $work: cannot be read: Is a directory" '$' "$work"
printf '{"a":1,\n "b":x}' >"$work/bad.json"
says "no JSON, and where" 65 '' "colloq: $work/bad.json: line 2, byte 6: not JSON" '$' "$work/bad.json"
printf '{"a":' >"$work/half.json"
says "half a document" 65 '' "colloq: $work/half.json: line 1, byte 6: the JSON document is not whole" '$' "$work/half.json"
says "nothing at all" 65 '' 'colloq: stdin: line 1, byte 1: the JSON document is not whole' '$' </dev/null
head -c 10000000 /dev/zero | tr '\0' ' ' >"$work/long.json"
says "too long a document" 65 '' "colloq: $work/long.json: longer than 9437184 bytes" '$' "$work/long.json"
head -c 200000 /dev/zero | sed 's/\x0/0,/g; s/^/[/; s/,$/]/' >"$work/many.json"
says "a path that never ends, and nothing half written" 65 '' "colloq: $work/many.json: given up" '$[?count($[?@==1])>0]' "$work/many.json"
says "an expression is needed" 64 '' 'colloq: an operand is missing'
if "$BIN/colloq" jsonpath --help | grep -q 'DOCUMENT  *a file with one JSON document'; then
    passed=$((passed + 1))
else
    echo "FAILED: help says what the file holds"; failed=$((failed + 1))
fi
[ ! -e "$work/data" ] || { echo "FAILED: a data folder was made"; failed=$((failed + 1)); }
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
