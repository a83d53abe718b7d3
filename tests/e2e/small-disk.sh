# shellcheck shell=bash
# A disk of 64 MiB of its own, for the scenarios that fill one: sourced by them instead of lib.sh.
# They run again in a mount namespace, so that nobody else sees the disk; that needs root.
if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: a disk of its own needs root"
    exit 77
fi
if [ -z "${E2E_OWN_MOUNTS:-}" ]; then
    own="unshare -m --propagation private"
    # shellcheck disable=SC2086 # words
    $own mount -t tmpfs tmpfs /mnt 2>/dev/null ||
        { echo "skipped: nothing can be mounted here"; exit 77; }
    # shellcheck disable=SC2086
    E2E_OWN_MOUNTS=1 exec $own "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
disk=$work/disk
mkdir -p "$disk" && mount -t tmpfs -o size=64m tmpfs "$disk" || exit 1
trap 'end_all; umount -l "$disk"; finish' EXIT

# Takes all that the disk has free; what is given back meanwhile is taken by the next call.
fill() { dd if=/dev/zero bs=64k oflag=append conv=notrunc of="$disk/filler" 2>/dev/null; }
drain() { rm -f "$disk/filler"; }

# answer_lines FROM COUNT BYTES: single calls whose answers have that size.
answer_lines() {
    seq "$1" "$(($1 + $2 - 1))" | awk -v bytes="$3" '{
        printf "{\"custom_id\":\"n%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":" \
            "{\"model\":\"gpt-4.1-mini\",\"messages\":[{\"role\":\"user\"," \
            "\"content\":\"number %d @sim:body_%d\"}]}}\n", $1, $1, bytes }'
}

