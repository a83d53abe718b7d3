# What the scenarios about single jobs share: lines, what the client shows of them as JSON, and a
# colloq whose only worker, and perhaps extractor, is a liar. Sourced after lib.sh.

# single NAME TEXT, turn CONVERSATION TEXT: one line of a job file.
single() {
    printf '{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":{"model":' "$1"
    printf '"gpt-4.1-mini","messages":[{"role":"user","content":"%s"}],' "$2"
    printf '"max_completion_tokens":60}}\n'
}
turn() {
    printf '{"conversation":"%s","model":"openai/gpt-4.1-mini","input":"%s",' "$1" "$2"
    printf '"params":{"max_completion_tokens":60}}\n'
}

# pick PATH: a member of the JSON document on stdin.
pick() {
    local file
    file=$(mktemp "$work/pick.XXXXXX")
    cat >"$file"
    sqlite3 :memory: "SELECT json_extract(CAST(readfile('$file') AS TEXT), '\$.$1')"
    rm "$file"
}

# submit FILE [OPTIONS]: the new batch's id.
submit() {
    client batch submit "$@" 2>>"$work/submit.txt"
}

shown() { client batch show "$1" --json; }
counts() { shown "$1" | pick "$2"; }
is_settled() { [ "$(counts "$1" state)" = settled ]; }

# job_of BATCH CUSTOM_ID: the job's id, from what its result says, or from the dead.
job_of() {
    { client batch results "$1" && client dead list --batch "$1" --json | sed 's/},{/\n/g'; } \
        2>/dev/null | grep -F "\"custom_id\":\"$2\"" | grep -o '"job":"[^"]*"' | head -n 1 |
        cut -d'"' -f4
}

# result BATCH CUSTOM_ID PATH: of its result line.
result() { client batch results "$1" | grep -F "\"custom_id\":\"$2\"" | pick "$3"; }

# job JOB PATH: of what job show says as JSON.
job() { client job show "$1" --json | pick "$2"; }

# ---- a colloq without a provider ------------------------------------------------------------------

parts=()
liars=0

# part PROGRAM: one of colloq's processes.
part() {
    "$BIN/$1" --simulate --data "$data" 2>>"$work/$1.log" &
    parts+=($!)
}

# start_parts PROGRAM…: these, and waits until the client is answered.
start_parts() {
    [ -d "$data" ] || mkdir -m 700 "$data"
    for program in "$@"; do
        part "$program"
    done
    until_true 60 client stat || { echo "colloq does not start"; exit 1; }
}

stop_parts() {
    kill "${parts[@]}" 2>/dev/null
    wait "${parts[@]}" 2>/dev/null
    parts=()
}

# start_liar ROLE: what it says goes to $work/liar.N, what it is told comes from descriptor 3 (a
# worker only); its pid is liar_pid.
start_liar() {
    liars=$((liars + 1))
    heard=$work/liar.$liars
    if [ "$1" = worker ]; then
        mkfifo "$work/to-liar.$liars"
        "$BIN/liar" "ipc://$data/broker.sock" worker <"$work/to-liar.$liars" >"$heard" 2>"$heard.log" &
        liar_pid=$!
        exec 3>"$work/to-liar.$liars"
        worker_says=$heard
    else
        "$BIN/liar" "ipc://$data/broker.sock" "$1" </dev/null >"$heard" 2>"$heard.log" &
        liar_pid=$!
    fi
    parts+=("$liar_pid")
    until_true 60 grep -q joined "$heard" || { echo "the liar does not join"; exit 1; }
}

tell() { echo "$*" >&3; }
# heard_of WORDS: waits until the lying worker says them.
heard_of() { until_true 60 grep -q "^$*\b" "$worker_says"; }
# leased N: the job of its N-th lease; lease_of JOB: the number of the job's newest one.
leased() { sed -n "s/^lease $1 \([^ ]*\) .*/\1/p" "$worker_says"; }
lease_of() { grep "^lease [0-9]* $1 " "$worker_says" | tail -n 1 | cut -d' ' -f2; }
