#!/bin/sh
# power-cuts.sh FOLDER [CUTS]: on a disk that keeps its word no cut of power breaks a promise; with
# synchronous=NORMAL, and on a disk that lies, cuts must, or else this test would see nothing.
set -u
folder=$1
cuts=${2:-10000}
failed=0

# run SUBJECT CUTS MODE: prints what the program says; its exit code.
run() {
    "$folder/power-cuts-$1" --cuts "$2" --mode "$3" --jobs "$(nproc)"
}

# must_break SUBJECT MODE
must_break() {
    said=$(run "$1" 600 "$2")
    code=$?
    echo "$said"
    broken=$(echo "$said" | sed -n 's/.* \([0-9]*\) stories broken$/\1/p')
    if [ "$code" -ne 1 ] || [ "${broken:-0}" -eq 0 ]; then
        echo "NOT SEEN: $1, mode $2: nothing broke (exit $code)"
        failed=1
    fi
}

run journal $((cuts - cuts / 10)) full || failed=1
run ledger $((cuts / 10)) full || failed=1
for subject in journal ledger; do
    must_break $subject normal
    must_break $subject lying
done
exit $failed
