#!/bin/sh
# plants.sh FOLDER NAME…: every planted bug must be noticed, by power cuts or by faults of the disk.
set -u
folder=$1
shift
failed=0
for name; do
    program=$folder/power-cuts-$name
    said=$("$program" --cuts 4000 --seed "${SEED:-1}" 2>/dev/null)
    code=$?
    if [ "$code" -eq 0 ]; then
        said=$("$program" --errors --seed "${SEED:-1}" 2>/dev/null)
        code=$?
    fi
    if [ "$code" -eq 1 ] && echo "$said" | grep -Eq 'broke a promise|failed an assertion|does not end'; then
        echo "caught: $name: $(echo "$said" | grep -E 'broke a promise|failed an assertion|does not end' | head -1)"
    else
        echo "NOT CAUGHT: $name (exit $code)"
        failed=1
    fi
done
exit $failed
