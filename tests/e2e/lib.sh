# shellcheck shell=bash disable=SC2034
# What the end-to-end tests share. Each starts the real processes and the provider simulator in a
# folder of its own, counts its checks, and ends with one line that says how many passed.
# Sourced with BIN, the folder of the programs, in the environment.
set -u
: "${BIN:?the folder of the programs}"
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/colloq-e2e.XXXXXX")
data=$work/data
passed=0 failed=0 dev_pid=

finish() {
    [ -z "$dev_pid" ] || { kill "$dev_pid" 2>/dev/null; wait "$dev_pid" 2>/dev/null; }
    if [ "$failed" -gt 0 ] && [ -n "${E2E_KEEP:-}" ]; then
        echo "kept: $work"
    else
        rm -rf "$work"
    fi
}
trap finish EXIT

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

# until_true SECONDS COMMAND…: asks again every 50 ms; false if it never held.
until_true() {
    tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
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

# start_dev [SIMULATOR WORDS]: all processes, and waits until they serve.
start_dev() {
    "$BIN/colloq" dev --simulate --data "$data" ${1:+--simulator "$1"} >"$work/dev.out" 2>&1 &
    dev_pid=$!
    until_true 30 grep -q 'Ctrl-C' "$work/dev.out" || { cat "$work/dev.out"; exit 1; }
}

stop_dev() {
    kill "$dev_pid" && wait "$dev_pid"
    code=$?
    dev_pid=
    return $code
}

# process PROGRAM: the pid of dev's process of that name; false where none lives.
process() {
    local pid
    pid=$(pgrep -x -P "$dev_pid" "${1:0:15}") && ! grep -q '^State:.Z' "/proc/$pid/status" &&
        echo "$pid"
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

# is_still COMMAND: whether what it says is what it said when it was asked last; set before= first.
is_still() {
    local now
    now=$(eval "$1")
    [ "$now" = "$before" ] || { before=$now && sleep 0.3 && false; }
}

# Calls that were open when their worker was found dead, as the broker counted them.
leases_lost() {
    sed -n 's/.*ev=worker.replaced .*open=\([0-9]*\).*/\1/p' "$data/log/colloq-broker.log" |
        awk '{ n += $1 } END { print n + 0 }'
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
        'in_cache_write_1h', in_cache_write_1h, 'web_searches', web_searches,
        'out_visible', out_visible, 'out_reasoning', out_reasoning, 'amount_pusd', amount_pusd,
        'is_possibly_billed', json(CASE is_possibly_billed WHEN 1 THEN 'true' ELSE 'false' END),
        'job', cast(job AS TEXT), 'is_answer', json(CASE role WHEN 'answer' THEN 'true' ELSE 'false' END))
        FROM call"
}

# Turns whose call reached the provider before the call that answered the turn before them. The
# bill has the first 16 digits at least of a call's id.
turns_out_of_order() {
    sql "WITH seen AS (SELECT substr(json_extract(line,'\$.call'),1,16) AS id, json_extract(line,'\$.n') AS n
                       FROM bill),
         calls AS (SELECT c.conversation, c.turn, c.role, s.n FROM call c
                   JOIN seen s ON s.id = substr(lower(hex(c.id)),1,16) WHERE c.conversation IS NOT NULL)
         SELECT count(*) FROM calls b JOIN calls a
         ON a.conversation = b.conversation AND a.turn = b.turn - 1 AND a.role = 'answer'
         WHERE b.n < a.n"
}

end_test() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}
