#!/bin/bash
# The man page and the completion scripts, judged by the programs that read them: a page that man
# complains about, or a script that completes nothing, is worse than none.
set -u
: "${SHARE:?the folder that the build wrote}" "${BIN:?the folder of the programs}" "${ROOT:?the project}"
passed=0 failed=0

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

is_silent() {
    local said
    said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }
}

is_64() {
    "$@" >/dev/null 2>&1
    [ $? -eq 64 ]
}

man_page=$SHARE/man/man1/colloq.1
man_warns() { { man --warnings -E UTF-8 -l "$man_page" >/dev/null; } 2>&1; }
# A page that is built anywhere and any time the same has no date.
mandoc_warns() { mandoc -T lint -W warning "$man_page" | grep -v 'missing date'; true; }
check "man has nothing to warn about" is_silent man_warns
check "neither has mandoc" is_silent mandoc_warns
check "the page is shown" grep -q 'unanswered' <(MANWIDTH=80 man -E UTF-8 -l "$man_page")

# Whose key is which: of every provider that is built in.
mapfile -t variables < <(sed -n 's/^  key_envs: \[\(.*\)\]$/\1/p; s/^  base_url_env: //p' "$ROOT"/schemas/providers/*.yaml | tr -d ' ' | tr , '\n' | sort -u)
has_all_variables() {
    local name
    [ "${#variables[@]}" -gt 20 ] || return 1
    for name; do
        grep -qF -- "$name" "$man_page" || { echo "no $name"; return 1; }
    done
}
check "the page names the key of every provider" has_all_variables "${variables[@]}"
for name in "${variables[@]}"; do
    case $name in *_API_KEY) check "so does README: $name" grep -q "\`$name\`" "$ROOT/README.md" ;; esac
done

bash_script=$SHARE/bash-completion/completions/colloq
zsh_script=$SHARE/zsh/site-functions/_colloq
fish_script=$SHARE/fish/vendor_completions.d/colloq.fish
check "bash reads its script" is_silent bash -n "$bash_script"
check "shellcheck has nothing to say" is_silent shellcheck -S warning "$bash_script"
check "zsh reads its script" is_silent zsh -n "$zsh_script"
check "fish reads its script" is_silent fish --no-config -n "$fish_script"

# shellcheck source=/dev/null
. "$bash_script"

# completes WORDS WANTED: the last of the words, as bash would have it completed.
completes() {
    local -a wanted
    read -ra COMP_WORDS <<<"$1"
    [[ $1 != *' ' ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    _colloq
    read -ra wanted <<<"$2"
    [ "${COMPREPLY[*]}" = "${wanted[*]}" ] || { echo "  have: ${COMPREPLY[*]}"; return 1; }
}

check "nouns" completes 'colloq co' 'conversation cost'
check "verbs" completes 'colloq batch s' 'submit show'
check "verbs behind a setting with a value" completes 'colloq --data /x batch wa' 'watch'
check "options" completes 'colloq batch run f --un' '--unanswered'
check "settings" completes 'colloq stat --sim' '--simulate'
check "not another command's options" completes 'colloq batch list --un' ''
check "values" completes 'colloq cost --by mo' 'model'
check "values behind an equals sign" completes 'colloq cost --by = me' 'message'
check "all values" completes 'colloq batch run f --billed ' 'retry park fail'
check "values of settings" completes 'colloq stat --log-level w' 'warn'
check "nouns behind help" completes 'colloq help la' 'lane'

fish_completes() {
    local have
    have=$(fish --no-config -c "source '$fish_script'; complete -C '$1'" | cut -f1 | sort | xargs)
    [ "$have" = "$2" ] || { echo "  have: $have"; return 1; }
}

check "fish: nouns" fish_completes 'colloq co' 'conversation cost'
check "fish: verbs" fish_completes 'colloq batch s' 'show submit'
check "fish: options" fish_completes 'colloq batch run f --un' '--unanswered'
check "fish: values" fish_completes 'colloq cost --by mo' 'model'

check "help --man writes the same" cmp -s "$man_page" <("$BIN/colloq" help --man)
check "the help of a mistyped verb is a refusal" is_64 "$BIN/colloq" batch rnu --help
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
