#!/bin/bash
# colloq provider as a program: list, show, document, of our catalogue and of one with a file more.
# Needs BIN and ROOT.
set -u
: "${BIN:?the folder of the programs}" "${ROOT:?the project}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
export HOME=$work COLLOQ_DATA=$work/data
unset COLLOQ_CATALOGUE COLLOQ_CONFIG
cd "$work" || exit 1

check() {
    local what=$1
    shift
    if "$@" >met 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$what"
        head -c 600 met
    fi
}
provider() { "$BIN/colloq" provider "$@" 2>err; }
fits() { /usr/bin/python3 "$ROOT/tests/e2e/check-schema.py" "$ROOT/schemas/cli" <answer; }
# member PATH VALUE: of the answer, as JSON.
member() {
    local met
    met=$(/usr/bin/python3 -c '
import json, sys
answer = json.load(open("answer"))
for step in sys.argv[1].split("."):
    answer = answer[int(step)] if isinstance(answer, list) else answer[step]
print(json.dumps(answer))' "$1")
    [ "$met" = "$2" ] || { echo "$1: $met, not $2"; return 1; }
}
ends() { local wanted=$1; shift; "$@" >answer; local met=$?; [ $met = "$wanted" ] || { echo "ended with $met"; return 1; }; }
# is_told FILE: no row of a table says "no" without a reason and a next step.
is_told() { grep -q '| no |' "$1" && ! grep -E '\| no \|( +\|[^|]*|[^|]*\| +)\|' "$1"; }
has_no_row_twice() { ! grep '^| [0-9]' "$1" | sort | uniq -d | grep .; }

export COLLOQ_DATA=$work/other
provider list --json >answer
check "the list fits its schema" fits
check "every API is listed" grep -q '"api":"openai.chat"' answer
provider show openai.chat --json >answer
check "an API fits its schema" fits
check "whether it keeps state" member api_stateful false
check "what it identifies" member supported_identifiers.0 '"response_id"'
check "where that stands" member identifier_extraction_paths.0.path '"$.id"'
check "and how that is known" member identifier_extraction_paths.0.source '"spec"'
cp answer whole
provider show openai --json >answer
check "a provider means its API for conversations" cmp answer whole
check "what is not served says why, and what would be next" grep -qE '^  stored completions: not served; .+; next: .+' <(provider show openai.chat)

# Paths of one's own are shown with those of the catalogue, and as one's own.
printf 'providers:\n  openai:\n    extract:\n      my_shard_id: $.meta.shard\n      my_id: header:x-my-id\n' >own.yaml
check "one's own path is shown" grep -q '^  my_shard_id  *\$.meta.shard  (your own)$' <(COLLOQ_CONFIG=$work/own.yaml provider show openai.chat)
check "and one's own header" grep -q '^  my_id  *header:x-my-id  (your own)$' <(COLLOQ_CONFIG=$work/own.yaml provider show openai.chat)
COLLOQ_CONFIG=$work/own.yaml provider show openai.chat --json >answer
check "that fits the schema too" fits
check "and has them apart" member extract.0.kind '"my_shard_id"'
check "what is not there" ends 66 provider show nobody
check "and what is" grep -q openai.chat err

# A provider that speaks a known API is a file more, and is there everywhere.
mkdir -p own/providers
sed 's/^provider: openai/provider: mine/; s/is_url_owner: true/is_url_owner: false/' \
    "$ROOT/schemas/providers/openai.chat.yaml" >own/providers/mine.chat.yaml
export COLLOQ_CATALOGUE=$work/own
provider list --json >answer
check "a file of one's own is listed" grep -q '"api":"mine.chat"' answer
check "pages are missing" ends 1 provider document --dry-run --json pages
check "what they say fits" fits
check "the pages are written" ends 0 provider document --json pages
check "what was written fits" fits
check "the new one is among them" grep -q '(`mine.chat`)' pages/providers/mine.chat.md
check "now they are right" ends 0 provider document --dry-run pages
check "nothing is written twice" ends 0 provider document pages
check "and nothing is said then" test ! -s answer
check "an identifier leads to each API" grep -qF '| response_id | [mine.chat](providers/mine.chat.md) | `$.id` |' pages/identifiers.md
check "what is not used stands apart" grep -qE '^\| stored completions \| no \|' pages/gap-analysis.md
check "each of them with a reason and what would be next" is_told pages/gap-analysis.md
check "what is served in part is not called unused" grep -qE '^\| provisioned throughput \| served, unpriced \|' pages/gap-analysis.md
check "no rule of errors stands twice" has_no_row_twice pages/providers/openai.responses.md
check "a rule for an error's type says so" grep -q '| type: insufficient_quota |' pages/providers/openai.responses.md
echo x >>pages/identifiers.md
check "a page that was changed by hand" ends 1 provider document --dry-run pages
check "is named" grep -q 'differs  pages/identifiers.md' answer

# The ledger's tables hold what the catalogue says, and a second run has nothing to do.
configure() { provider configure --data "$work/data" "$@"; }
count() { [ "$(grep -c "$1" answer)" = "$2" ] || { echo "$1: $(grep -c "$1" answer)"; return 1; }; }
check "what would be entered" ends 0 configure --dry-run
check "is said" grep -q '^would be new .*api .*mine.chat$' answer
check "and is not done" test ! -e data/ledger.db
check "the first run enters it" ends 0 configure --json
check "what it did fits its schema" fits
check "all APIs are new" member changes.0.change '"new"'
check "the second run" ends 0 configure --json
check "changes nothing" member changes '[]'
sed -i 's/^title: .*/title: Mine/; /store: true keeps/d' own/providers/mine.chat.yaml
check "a changed file" ends 0 configure --dry-run
check "is said to be one, and in what" grep -q 'changed .*mine.chat: .*retention.*title' answer
check "twice, since nothing was done" ends 0 configure
check "is the one change" count . 1
rm own/providers/mine.chat.yaml
check "a file that is gone" ends 0 configure
check "is listed no more" grep -qx 'unlisted *api *mine.chat' answer
check "and then nothing differs" ends 0 configure --json
check "indeed" member changes '[]'

# A ledger that cannot be opened: what is wrong with the file, not with the settings.
mkdir -p strange
status() { "$BIN/colloq" ledger status --data "$work/strange" 2>err; }
head -c 8192 /dev/zero | tr '\0' x >strange/ledger.db
check "a file that is no ledger" ends 65 status
check "is called that, by its name" grep -q "strange/ledger.db: is no ledger of colloq; move it away" err
check "nor is the catalogue entered in it" ends 65 provider configure --data "$work/strange"
check "with the same words" grep -q "strange/ledger.db: is no ledger of colloq" err
rm -f strange/ledger.db*
/usr/bin/python3 -c 'import sqlite3; sqlite3.connect("strange/ledger.db").executescript("create table a (b)")'
check "somebody else's database is none either" ends 65 status
rm -f strange/ledger.db*
cp data/ledger.db strange/
chmod 400 strange/ledger.db
# Root may open any file: another user is asked then.
other() { [ "$(id -u)" != 0 ] || set -- setpriv --reuid=65534 --clear-groups -- "$@"; "$@"; }
chmod 755 "$work" strange
other true 2>/dev/null && {
    asked() { other "$BIN/colloq" ledger status --data "$work/strange" 2>err; }
    check "one that may not be opened" ends 77 asked
    check "is called that" grep -q 'strange/ledger.db: cannot be read and written' err
}

echo 'provider: mine' >own/providers/mine.chat.yaml
check "a ledger is not entered a wrong catalogue" ends 78 configure
check "a file that is wrong" ends 78 provider list
check "is named" grep -q 'mine.chat.yaml' err
check "questions made no data folder" test ! -e other
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
