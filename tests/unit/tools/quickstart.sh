#!/bin/bash
# Which examples scripts/quickstart --real chooses, by the keys that there are. It runs in a copy of
# the project without examples, so that it ends where it would read the first that it has chosen.
set -u
: "${ROOT:?the project}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
mkdir -p "$work/scripts"
cp "$ROOT/scripts/quickstart" "$ROOT/scripts/lib.sh" "$work/scripts/"
printf '#!/bin/sh\necho installing\nexit 99\n' >"$work/scripts/install-deps"
chmod +x "$work/scripts/install-deps"
: >"$work/own.jsonl"

# ends CODE WORDS VARIABLE… -- ARGUMENT…
ends() {
    local code=$1 words=$2 met
    local -a variables=()
    shift 2
    while [ "$1" != -- ]; do
        variables+=("$1")
        shift
    done
    shift
    (cd "$work" && env -i PATH="$PATH" HOME="$work" "${variables[@]}" scripts/quickstart "$@") \
        >"$work/met" 2>&1
    met=$?
    if [ "$met" = "$code" ] && grep -qF -- "$words" "$work/met"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $words, $code; it ended with $met:"
        cat "$work/met"
    fi
}

ends 78 'GEMINI_API_KEY=…' -- --real
ends 78 'preserve-env=OPENAI_API_KEY,ANTHROPIC_API_KEY,GEMINI_API_KEY' SUDO_USER=me -- --real
ends 66 schemas/examples/first.jsonl OPENAI_API_KEY=x -- --real
ends 66 schemas/examples/anthropic.jsonl ANTHROPIC_API_KEY=x -- --real
ends 66 schemas/examples/gemini.jsonl GEMINI_API_KEY=x -- --real
ends 78 'needs a key' -- --real own.jsonl
# The next step is taken, which here is one that fails.
ends 99 installing GROQ_API_KEY=x -- --real own.jsonl
ends 99 installing -- --simulate own.jsonl
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
