# Holds a sandbox for as long as somebody holds this script's standard input: gives it a cgroup of its own, starts
# what is in $INIT there as process 1 of new namespaces, and takes both away at the end.
# Runs as root in a mount namespace of its own. $WORK is a directory to work in.
set -eu

mkdir "$WORK/cgroup"
mount -t cgroup2 cgroup2 "$WORK/cgroup"
own="$WORK/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/rwsgi-test-$$"
mkdir "$own"

remove() {
    echo 1 >"$own/cgroup.kill"
    # The kernel takes a moment for each process; a cgroup can be removed when its last one is buried.
    for _ in $(seq 500); do
        find "$own" -depth -type d -exec rmdir {} + 2>/dev/null && return
        sleep 0.01
    done
    echo "the cgroup $own cannot be removed" >&2
}
trap remove EXIT
trap "exit 1" HUP INT TERM

exec 3<&0
(
    echo 0 >"$own/cgroup.procs"
    exec 3<&-
    exec unshare --cgroup --fork --ipc --kill-child --mount --net --pid --uts sh -c "$INIT"
) </dev/null &
init=$!
(cat <&3 >/dev/null; echo 1 >"$own/cgroup.kill") &
exec 3<&-
wait "$init"
