#!/usr/bin/env bash
# build.sh [--find]: prints the path of systemd-coredump, of the very version of the systemd that is installed, whose library it needs.
#
# Its package is only unpacked, into the user's cache: installing it would change three settings of the kernel at once. With --find it fetches nothing,
# and says in one line why there is nothing.
set -euo pipefail
fail() { echo "$*" >&2 && exit 1; }

version=$(dpkg-query -W -f '${Version}' systemd 2>/dev/null) || fail 'systemd-coredump can only be unpacked where systemd is a Debian package'
folder=${XDG_CACHE_HOME:-$HOME/.cache}/milvus-coredump-agent/systemd-coredump/$version
program=$folder/systemd-coredump

if [ ! -x "$program" ]; then
	[ "${1:-}" != --find ] || fail 'systemd-coredump is not unpacked yet: scripts/setup.sh test'
	mkdir -p "$folder"
	part=$(mktemp -d "$folder/.part.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	# It fetches as another user where it can, and says so where it can't.
	(cd "$part" && apt-get download "systemd-coredump=$version") >&2
	dpkg -x "$part"/*.deb "$part/content"
	found=$(find "$part/content" -type f -path '*/systemd/systemd-coredump')
	ldd "$found" | grep -q 'not found' && fail "systemd-coredump $version does not find its libraries: $(ldd "$found" | grep 'not found' | paste -sd ' ')"
	mv "$found" "$program"
fi
echo "$program"
