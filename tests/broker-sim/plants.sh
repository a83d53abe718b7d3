#!/bin/bash
# plants.sh FOLDER NAME:[SEED]…: every planted bug must be noticed within ten thousand schedules, from
# SEED on (1). As many at once as there are processors.
set -u
folder=$1
shift

# Says how a plant was noticed; fails if it was not.
try() {
    local name=${1%%:*} from=${1##*:} said code why
    said=$("$folder/broker-sim-$name" --seeds "${SCHEDULES:-10000}" --from "${SEED_FROM:-${from:-1}}" \
        --short 2>/dev/null)
    code=$?
    why=$(grep -E 'broke a promise' <<<"$said" | head -n 1)
    if [[ $code -eq 1 && -n $why ]]; then
        echo "caught: $name: $why"
    else
        echo "NOT CAUGHT: $name (exit $code)"
        return 1
    fi
}
export -f try
export folder

printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'try {}'
