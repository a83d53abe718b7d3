# shellcheck shell=bash disable=SC2034
# What the end-to-end tests share. Each starts the real processes and the provider simulator in a
# folder of its own, counts its checks, and ends with one line that says how many passed.
# Sourced with BIN, the folder of the programs, in the environment.
set -u
: "${BIN:?the folder of the programs}"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/colloq-e2e.XXXXXX") || exit 1
data=$work/data
passed=0 failed=0 is_good='' dev_pid=''

# is_alive PID: one that has ended and that nobody has asked for yet is not.
is_alive() { grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; }

all_over() {
    local pid
    for pid in "$@"; do
        ! is_alive "$pid" || return 1
    done
}

# Ends whatever this script has started, also what stands still, or is the child of what does.
end_all() {
    local started pid
    mapfile -t started < <(jobs -p)
    [ "${#started[@]}" -gt 0 ] || return 0
    for pid in "${started[@]}"; do
        pkill -CONT -P "$pid"
        # A function in the background is a shell like this one, and what it runs its child.
        cmp -s "/proc/$pid/comm" "/proc/$$/comm" &&
            mapfile -t -O "${#started[@]}" started < <(pgrep -P "$pid")
    done
    kill -CONT "${started[@]}" 2>/dev/null
    kill "${started[@]}" 2>/dev/null
    until_true 100 all_over "${started[@]}" || kill -KILL "${started[@]}" 2>/dev/null
    wait
}

finish() {
    trap '' INT TERM
    end_all
    if [ -n "${E2E_KEEP:-}" ] && [ -z "$is_good" ]; then
        echo "kept: $work"
    else
        rm -rf "$work"
    fi
}
trap finish EXIT

# In the background this is a shell of its own: who stops or kills the client itself starts it as
# a program.
client() {
    "$BIN/colloq" "$@" --simulate --data "$data"
}

# check WHAT COMMAND…: the command's success is the check.
check() {
    what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

is() {
    [ "$1" = "$2" ] || { echo "  have: $1"; echo "  want: $2"; return 1; }
}

# has WORDS TEXT
has() { grep -qF -- "$1" <<<"$2" || { echo "  no '$1' in:"; echo "$2"; return 1; }; }

quietly() { "$@" >/dev/null 2>&1; }

# until_true SECONDS COMMAND…: asks again, 50 ms after each answer; false if it never held. The
# seconds only bound how long a failure takes: they are many more than any machine needs.
until_true() {
    local until=$((SECONDS + $1))
    shift
    while ! quietly "$@"; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.05
    done
}

# until_true_soon TRIES COMMAND…: asks again without a pause: for moments that pass quickly.
until_true_soon() {
    tries=$1
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
    done
}

# run_dev WORDS…: dev with these, once it serves. What one before it has said is gone first: heard
# as this one's, it would let a client come too early, which then starts processes of its own.
run_dev() {
    rm -f "$work/dev.out"
    "$BIN/colloq" dev "$@" >"$work/dev.out" 2>&1 &
    dev_pid=$!
    until_true 60 grep -q 'Ctrl-C' "$work/dev.out" || { cat "$work/dev.out"; exit 1; }
}

# start_dev [SIMULATOR WORDS]: all processes, and waits until they serve.
start_dev() { run_dev --simulate --data "$data" ${1:+--simulator "$1"}; }

stop_dev() {
    kill "$dev_pid" && wait "$dev_pid"
    code=$?
    [ $code -eq 0 ] || cat "$work/dev.out"
    dev_pid=
    return $code
}

# process PROGRAM: the pid of dev's process of that name; false where none lives.
process() {
    local pid
    pid=$(pgrep -x -P "$dev_pid" "${1:0:15}") && is_alive "$pid" && echo "$pid"
}

# kill_process PROGRAM: kills it, if it lives: one that was killed a moment ago does not.
declare -A killed=()
kill_process() {
    local pid
    pid=$(process "$1") && [ "$pid" != "${killed[$1]:-}" ] && kill -KILL "$pid" && killed[$1]=$pid
}

# Requests that the provider has billed.
is_billed() { [ "$(wc -l <"$data/bill.jsonl")" -ge "$1" ]; }

bill_lines() { wc -l <"$data/bill.jsonl"; }

stat_has() { client stat 2>/dev/null | grep -qE -- "$1"; }

# stat_number NAME: a number that the whole answer has once.
stat_number() { client stat --json 2>/dev/null | grep -oE "\"$1\":[ ]?[0-9]+" | head -1 | grep -oE '[0-9]+$'; }

# has_lines N: whether the batch has that many results, out.jsonl, by now.
has_lines() { [ "$(wc -l <"$work/out.jsonl")" -ge "$1" ]; }

# jobs_in FILE: how many different jobs have a result in it.
jobs_in() { grep -o '"job":"[^"]*"' "$1" | sort -u | wc -l; }

# file_bytes FILE…: of those that there are, together.
file_bytes() { stat -c %s "$@" 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'; }

# group NUMBER: as the client writes it for people.
group() { echo "$1" | sed -E ':a;s/^([0-9]+)([0-9]{3})/\1,\2/;ta'; }

# is_still COMMAND: whether what it says is what it said when it was asked last; set before= first.
is_still() {
    local now
    now=$(eval "$1")
    [ "$now" = "$before" ] || { before=$now && sleep 0.3 && false; }
}

# work_done PID…: the time that their threads have worked so far; never the same twice while one of
# them has something to do, and only waits for a processor.
work_done() {
    local pid
    for pid in "$@"; do
        cat /proc/"$pid"/task/*/stat
    done | awk '{ print $3, $14 + $15 } $3 == "R" { exit 1 }' || echo "$EPOCHREALTIME"
}

# Calls that were open when their worker was found dead, as the broker counted them.
leases_lost() {
    sed -n 's/.*ev=worker.replaced .*open=\([0-9]*\).*/\1/p' "$data/log/colloq-broker.log" |
        awk '{ n += $1 } END { print n + 0 }'
}

# ask_provider METHOD PATH [BODY]: the simulated provider itself, as a client of its own would.
ask_provider() {
    curl -sS -X "$1" -H 'Authorization: Bearer simulated' -H 'x-goog-api-key: simulated' \
        ${3+-d "$3"} "http://127.0.0.1:$(cat "$data/provider-sim.port")$2"
}

# sql TEXT: of the ledger, which nobody has open now, with the bill beside it as table bill.
sql() {
    [ -f "$work/checked.db" ] || {
        ledger=${COLLOQ_LEDGER_FOLDER:-$data}/ledger.db
        cp "$ledger" "$work/checked.db"
        [ ! -f "$ledger-wal" ] || cp "$ledger-wal" "$work/checked.db-wal"
        cp "$data/bill.jsonl" "$work/bill.txt"
        sqlite3 "$work/checked.db" <<SQL
CREATE TABLE bill (line TEXT);
.mode list
.separator "$(printf '\\001')"
.import $work/bill.txt bill
SQL
    }
    sqlite3 "$work/checked.db" "$1"
}

# The ledger's calls as compare-bill reads them.
dump_calls() {
    sql "SELECT json_object('call', lower(hex(id)), 'state', state, 'http_status', status,
        'in_uncached', in_uncached, 'in_cached', in_cached, 'in_cache_write', in_cache_write,
        'in_cache_write_1h', in_cache_write_1h, 'web_searches', web_searches, 'in_tool_use', in_tool_use,
        'out_visible', out_visible, 'out_reasoning', out_reasoning, 'amount_pusd', amount_pusd,
        'is_possibly_billed', json(CASE is_possibly_billed WHEN 1 THEN 'true' ELSE 'false' END),
        'job', cast(job AS TEXT), 'is_answer', json(CASE role WHEN 'answer' THEN 'true' ELSE 'false' END))
        FROM call"
}

# check_bill WHAT [OPTIONS of compare-bill]: bill and ledger, call by call.
check_bill() {
    local what=$1
    shift
    dump_calls >"$work/calls.jsonl"
    check "$what" "$BIN/compare-bill" "$@" "$data/bill.jsonl" "$work/calls.jsonl"
}

# Turns whose call reached the provider before the call that answered the turn before them; not 0
# either if there are none to compare. The bill has the first 16 digits at least of a call's id.
turns_out_of_order() {
    sql "WITH seen AS (SELECT substr(json_extract(line,'\$.call'),1,16) AS id, json_extract(line,'\$.n') AS n
                       FROM bill),
         calls AS (SELECT c.conversation, c.turn, c.role, s.n FROM call c
                   JOIN seen s ON s.id = substr(lower(hex(c.id)),1,16) WHERE c.conversation IS NOT NULL)
         SELECT coalesce(sum(b.n < a.n), 'no turn after another one') FROM calls b JOIN calls a
         ON a.conversation = b.conversation AND a.turn = b.turn - 1 AND a.role = 'answer'"
}

end_test() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && is_good=1
}
