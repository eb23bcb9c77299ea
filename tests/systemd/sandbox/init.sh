# Process 1 of a sandbox: arranges the file system, then becomes systemd.
# $WORK holds etc/ (to be /etc), srv/ (to be /srv) and the socket `notify`; $BINARY is to lie in the environment of every site.
set -eu

mount --make-rprivate /
mount -t proc proc /proc
for place in "$WORK"/srv/*/venv/bin/rwsgi; do
    [ ! -e "$place" ] || mount --bind "$BINARY" "$place"
done
mount --rbind "$WORK/srv" /srv
mount --bind "$WORK/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /run
: >/run/test-notify
mount --bind "$WORK/notify" /run/test-notify
# Nothing of what the units write reaches the machine.
mount -t tmpfs -o mode=755 tmpfs /var
mkdir /var/lib /var/log /var/cache
mkdir -m 1777 /var/tmp
ln -s /run /var/run
mount -t tmpfs -o mode=1777 tmpfs /tmp
umount -R /sys/fs/cgroup 2>/dev/null || true
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup

exec env -i PATH="$PATH" container=rwsgi-test NOTIFY_SOCKET=/run/test-notify SYSTEMD_UNIT_PATH=/etc/systemd/system \
    /lib/systemd/systemd --system --unit=boot.target --log-target=journal --log-level=info --show-status=no
