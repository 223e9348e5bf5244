#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# fresh_root.sh - the Debian packages in a fresh root: install, try, remove, and
# nothing is left.
#
# debootstrap makes a minimal Debian 12 in a folder, in a private mount namespace.
# Dependencies come from Debian's mirror, then dpkg alone installs the packages.
# packaging/debian/tests/installed tries the packages.  After `dpkg --purge` the root
# has the files of before, no process of ours, and an empty /dev/shm.
#
# RUNRIG_ROOT names a folder with a finished debootstrap, to be copied.
#
# Usage: fresh_root.sh FOLDER_OF_DEBS
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
debs=$(cd "$1" && pwd)

if [ "$(id -u)" -ne 0 ]; then
	echo "fresh_root.sh: chroot needs root"
	exit 77
fi
if [ "${IN_NAMESPACE:-}" != yes ]; then
	IN_NAMESPACE=yes exec unshare -m -p -f --mount-proc --kill-child --propagation private \
		"${BASH_SOURCE[0]}" "$debs"
fi

root=$(mktemp -d)
mount -t tmpfs -o mode=0755 tmpfs "$root"
trap 'umount -l "$root" && rmdir "$root"' EXIT

if [ -n "${RUNRIG_ROOT:-}" ]; then
	cp -a "$RUNRIG_ROOT/." "$root/"
else
	debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1 || {
		tail -n 20 "$root.log" >&2
		rm -f "$root.log"
		exit 1
	}
	rm -f "$root.log"
fi
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777,size=1g tmpfs "$root/dev/shm"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# The mirror's settings of this machine.
cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true

in_root() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive http_proxy="${http_proxy:-}" \
		chroot "$root" "$@"
}

# Files of the root, less the files of dpkg and apt, which any installation changes.
files() {
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o \
		-path ./tmp -o -path ./var/lib/dpkg -o -path ./var/log -o \
		-path ./var/cache -o -path ./root -o -path ./etc/ld.so.cache \) -prune \
		-o -print) | sort
}

mkdir "$root/tmp/debs" "$root/tmp/source"
cp "$debs"/*.deb "$root/tmp/debs/"
rm -f "$root"/tmp/debs/*-dbgsym_*
cp -a "$source/tests" "$source/docs" "$root/tmp/source/"
cp "$source/packaging/debian/tests/installed" "$root/tmp/installed"

echo "=== what the packages need"
mapfile -t names < <(for deb in "$root"/tmp/debs/*.deb; do
	dpkg-deb -f "$deb" Package
done)
ours=$(printf '%s|' "${names[@]}")
needed=$(for deb in "$root"/tmp/debs/*.deb; do
	dpkg-deb -f "$deb" Depends | tr ',' '\n'
done | sed 's/^ *//' | grep -vE "^(${ours%|})( |\$)" | sort -u | paste -sd,)
tries=$(sed -n '/^Depends:/,/^Restrictions:/p' \
	"$source/packaging/debian/tests/control" |
	sed 's/^Depends: @,//; /^Restrictions:/d' | tr '\n' ' ')
in_root apt-get update -qq
in_root apt-get satisfy -y -qq --no-install-recommends "$needed, $tries" \
	>"$root/tmp/apt.log" 2>&1 || {
	tail -n 20 "$root/tmp/apt.log" >&2
	exit 1
}
files >"$root/tmp/before"

echo "=== dpkg --install"
in_root sh -c 'dpkg --install /tmp/debs/*.deb' >/dev/null
in_root dpkg --list "${names[@]}" | grep -c '^ii'

in_root sh /tmp/installed /tmp/source

echo "=== dpkg --purge"
in_root dpkg --purge "${names[@]}" >/dev/null
files >"$root/tmp/after"
diff "$root/tmp/before" "$root/tmp/after" || {
	echo "fresh_root.sh: purging left these files" >&2
	exit 1
}
left=$(find "$root/dev/shm" -mindepth 1)
[ -z "$left" ] || {
	echo "fresh_root.sh: in /dev/shm: $left" >&2
	exit 1
}
# The namespace has this script and its children alone.
running=$(pgrep -fl 'runrig|rigbench' | grep -v fresh_root || true)
[ -z "$running" ] || {
	echo "fresh_root.sh: still running: $running" >&2
	exit 1
}
echo "nothing is left"
