#!/bin/bash
# colloq doctor says what is in force and where it comes from, finds what is wrong and says what to
# do about it, shows no key, and neither starts nor makes anything.
. "$(dirname "$0")/lib.sh"
export HOME=$work/home COLLOQ_CONFIG=
unset OPENAI_API_KEY OPENAI_API_KEY_FILE ANTHROPIC_API_KEY ANTHROPIC_API_KEY_FILE STATE_DIRECTORY
mkdir -p "$HOME/.config/colloq"
file=$HOME/.config/colloq/colloq.yaml
port=$((20000 + $$ % 4000 * 3))

# doctor CODE [OPTIONS]: said.txt has it all on one line a check, whatever was wrapped.
doctor() {
    local want=$1 code
    shift
    "$BIN/colloq" doctor "$@" >"$work/raw.txt" 2>"$work/err.txt"
    code=$?
    sed ':a;N;$!ba;s/\n         / /g' "$work/raw.txt" >"$work/said.txt"
    is "$code" "$want" || { cat "$work/raw.txt" "$work/err.txt"; return 1; }
}
finds() { grep -qE -- "$1" "$work/said.txt" || { echo "  no '$1' in:"; cat "$work/said.txt"; return 1; }; }

# ---- nothing there ----------------------------------------------------------------------------
check "without any key no call can be made" doctor 1
check "which is the only problem" is "$(grep '^problem' "$work/said.txt")" \
    "problem  all: none, so no call can be made => give the key of one provider, or --simulate"
check "who asks another host needs none" doctor 1 --endpoint "ipc://$work/nobody.sock"
check "and is told of none" is "$(grep -c 'no call can be made' "$work/said.txt")" 0
check "a folder that is to be made is no problem" doctor 0 --simulate
check "it is the one at home" finds "^note +folder: $HOME/.local/share/colloq/simulated: not made yet \(default\)"
check "nobody listens, which is none either" finds "^note +ingress: nobody listens"
check "the clock is not behind the day on which prices were read" finds "^ok +here: 20"
doctor 1 >/dev/null
check "a missing key is named with its variable" finds "^note +openai: none => .*OPENAI_API_KEY"
check "versions are there" finds "^ok +libzmq: [0-9]+\."
check "nothing was made" test ! -e "$HOME/.local"
check "no line is longer than a terminal" is "$(awk 'length > 80 && !/\//' "$work/raw.txt")" ""

# ---- all is well ------------------------------------------------------------------------------
export OPENAI_API_KEY=sk-never-shown
printf 'data: %s\nbroker: {listen: "tcp://127.0.0.1:%s"}\nlog: {level: warn}\n' "$data" $port >"$file"
start_dev
check "with colloq running there is no problem" doctor 0 --simulate --data "$data"
check "the ingress answers" finds "^ok +ingress: answers"
check "and the others" finds "^ok +worker: 1 joined"
check "its clock agrees" finds "^ok +colloq's: "
check "the ports are its own" finds "^ok +broker: colloq listens there \(tcp://127.0.0.1:$port\)"
check "a sync was measured" finds "^ok +fsync: [0-9.]+ ms|^note +fsync"
check "a setting says where it stands" finds "^ok +log.level: warn \($file:3\)"
check "nothing was left in the folder" is "$(find "$data" -name 'doctor-*')" ""
check "the same as JSON" doctor 0 --simulate --data "$data" --json
check "is an object" finds '^\{"schema":"colloq/doctor/1","is_ok":true,"checks":\[\{"area":"settings","name":"file","state":"ok"'

# ---- other money ------------------------------------------------------------------------------
check "who means the real money is told so" doctor 1 --data "$data"
check "by the ingress" finds "^problem +ingress: colloq runs with simulated money here; give --simulate"
check "a key is named by its variable" finds "^ok +openai: set \(OPENAI_API_KEY\)"
check "the processes drain with 0" stop_dev

# ---- what is wrong ----------------------------------------------------------------------------
"$BIN/provider-sim" --port $((port + 1)) --bill "$work/bill.jsonl" --port-file "$work/port" 2>/dev/null &
simulator=$!
until_true 60 test -s "$work/port"
chmod 755 "$data"
unset OPENAI_API_KEY
export ANTHROPIC_API_KEY_FILE=$work/no-such-key
check "a folder, a port and a key that are wrong are problems" doctor 1 --data "$data" --simulate=false
check "the kind of money in the files" finds "^problem +money: simulated .* => give --simulate"
check "the folder's rights" finds "^problem +folder: $data: others may enter it .* => chmod 700 $data"
check "a port that somebody else has" finds \
    "^problem +ingress: another program has it \(tcp://127.0.0.1:$((port + 1))\) => choose another"
check "the port beside it is free" finds "^ok +broker: free"
check "a key file that is not there" finds "^problem +anthropic: .*no-such-key cannot be read \(ANTHROPIC_API_KEY_FILE\)"
check "they are counted" finds "^[0-9]+ problems, "
kill "$simulator"
wait "$simulator" 2>/dev/null
chmod 700 "$data"
unset ANTHROPIC_API_KEY_FILE
check "a stated endpoint that is silent" doctor 1 --data "$data" --simulate --endpoint "ipc://$work/nobody.sock"
check "is named with who stated it" finds "^problem +ingress: does not answer \(ipc://$work/nobody.sock, --endpoint\)"

# ---- keys of the file -------------------------------------------------------------------------
printf 'providers:\n  openai: {key: sk-never-shown}\n  anthropic: {key: "env:NOT_SET_HERE"}\n' >"$file"
chmod 644 "$file"
check "a key that others can read is a problem" doctor 1 --data "$data/none"
check "with the line and the remedy" finds "^problem +openai: others can read it \($file:2\) => chmod 600 $file"
check "so is a variable that is not set" finds "^problem +anthropic: .*not set here \(env:NOT_SET_HERE, $file:3\)"
chmod 600 "$file"
NOT_SET_HERE=sk-never-shown doctor 0 --data "$data/none"
check "both mended, they are none" is $? 0
check "a key is in the settings" finds "^ok +openai: in the settings \($file:2\)"
check "no key was ever shown" is "$(cat "$work"/*.txt | grep -c sk-never)" 0
echo 'wrkr: {x: 1}' >"$file"
check "a file that cannot be read is a problem too" doctor 1
check "with its line" finds "^problem +settings: $file:1: there is no setting wrkr.x"
check "nothing was made" test ! -e "$data/none"
end_test
