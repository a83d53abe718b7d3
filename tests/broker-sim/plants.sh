#!/bin/sh
# plants.sh FOLDER NAME…: every planted bug must be noticed within a few thousand schedules.
set -u
folder=$1
shift
failed=0
for name; do
    said=$("$folder/broker-sim-$name" --seeds 4000 --from "${SEED_FROM:-1}" 2>/dev/null)
    code=$?
    if [ "$code" -eq 1 ] && echo "$said" | grep -Eq 'broke a promise|failed an assertion'; then
        echo "caught: $name: $(echo "$said" | grep -E 'broke a promise|failed an assertion' | head -1)"
    else
        echo "NOT CAUGHT: $name (exit $code)"
        failed=1
    fi
done
exit $failed
