# shellcheck shell=bash disable=SC2154
# A real terminal for the scenarios that look at what people see: tmux, with a plain shell in it whose
# prompt is "$ " and which says each command's exit code as "[exit N]".
command -v tmux >/dev/null || { echo "skipped: tmux is not installed"; exit 77; }
socket=$work/tmux.sock
runs=0

tm() { tmux -u -S "$socket" -f /dev/null "$@"; }

# open_terminal COLUMNS: with the environment of this script.
open_terminal() {
    tm new-session -d -x "$1" -y 50 -s main "env PS1='$ ' TERM=xterm-256color bash --norc --noprofile -i"
    tm set-option -t main history-limit 50000 >/dev/null
    until_true 30 shows '$ '
}
close_terminal() { tm kill-server 2>/dev/null; }

# What stands on the screen and above it; lines that the terminal has wrapped are joined.
screen() { tm capture-pane -p -J -S - -t main | sed 's/ *$//'; }
# The same with its colours.
coloured() { tm capture-pane -p -e -S - -t main; }
shows() { grep -qF -- "$1" <<<"$(screen)"; }
shows_like() { grep -qE -- "$1" <<<"$(screen)"; }

# Nothing but the prompt is on the screen.
is_empty() { [ "$(tm capture-pane -p -t main | sed 's/ *$//; /^$/d')" = '$' ]; }
# typed COMMAND: on an empty screen; returns when it has been started. What the shell clears goes
# above the screen, and only then can it be forgotten there.
typed() {
    runs=$((runs + 1))
    tm send-keys -t main C-l
    until_true 60 is_empty
    tm clear-history -t main
    tm send-keys -t main -l "$1; echo [exit \$? of $runs]"
    tm send-keys -t main Enter
}
pressed() { tm send-keys -t main "$@"; }
ended() { shows_like "^\[exit [0-9]+ of $runs\]"; }
# ended_with CODE: waits until the command has ended.
ended_with() {
    until_true 120 ended || { screen; return 1; }
    shows_like "^\[exit $1 of $runs\]" || { screen; return 1; }
}
# is_within COLUMNS [WORDS]: no line of what colloq said is longer, but for commands to be copied and
# paths; from the line with these words on, where others speak before.
is_within() {
    local long
    long=$(screen | sed -n "/${2:-^}/,\$p" | grep -vE '^\$ |colloq [a-z]+ |/' | grep -E ".{$(($1 + 1)),}")
    [ -z "$long" ] || { echo "$long"; return 1; }
}
