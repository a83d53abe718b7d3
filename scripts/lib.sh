# Read by the other scripts; not a program. Puts the working folder at the top of the project.
# shellcheck shell=sh disable=SC2034

set -eu
umask 022
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
# Messages of the tools are read by these scripts and by people of any language.
export LC_ALL=C.UTF-8

say() {
    printf '%s\n' "$*" >&2
}

# die EXIT-CODE MESSAGE
die() {
    code=$1
    shift
    say "$(basename -- "$0"): $*"
    exit "$code"
}

# number OPTION VALUE [LEAST]: the value, which has to be a whole number.
number() {
    case ${2-} in
    '' | *[!0-9]* | ??????????*) die 64 "$1 needs a whole number of up to 9 digits, not '${2-}'" ;;
    esac
    [ "$2" -ge "${3-0}" ] || die 64 "$1 is $3 at least, not $2"
    printf '%s\n' "$2"
}

# As root, or through sudo; without either, says which command a person has to run.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo -- "$@"
    else
        die 77 "needs root for: $*. Run it as root, or install sudo."
    fi
}

# Seconds since the start of the machine, for spans.
now_s() {
    cut -d. -f1 /proc/uptime
}

# build PRESET [TARGET…]: configures where that is due, and builds.
build() {
    preset=$1
    shift
    if [ ! -f "build/$preset/build.ninja" ]; then
        mkdir -p build
        cmake --preset "$preset" >"build/configure.$preset.log" 2>&1 || {
            cat "build/configure.$preset.log" >&2
            die 70 "cmake could not configure the preset $preset"
        }
    fi
    if [ $# -gt 0 ]; then
        cmake --build "build/$preset" --target "$@"
    else
        cmake --build "build/$preset"
    fi
}
