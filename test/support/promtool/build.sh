#!/usr/bin/env bash
# build.sh [--find]: prints the path of promtool, which checks alerts as Prometheus does: the one that is installed, or else Debian's.
#
# Its package, which is Prometheus itself, is only unpacked, into the user's cache: installing it would start a server. That takes seconds, where the many
# Go modules that it is built from take minutes. With --find it fetches nothing, and says in one line why there is nothing.
set -euo pipefail
fail() { echo "$*" >&2 && exit 1; }

program=$(command -v promtool) || program=${XDG_CACHE_HOME:-$HOME/.cache}/milvus-coredump-agent/promtool/promtool

if [ ! -x "$program" ]; then
	command -v dpkg >/dev/null && command -v apt-get >/dev/null || fail 'promtool is missing: install Prometheus'
	[ "${1:-}" != --find ] || fail 'promtool is not unpacked yet: scripts/setup.sh test'
	folder=$(dirname "$program")
	mkdir -p "$folder"
	part=$(mktemp -d "$folder/.part.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	# It fetches as another user where it can, and says so where it can't. The lists of packages may be older than the package.
	(cd "$part" && { apt-get download prometheus || { apt-get update && apt-get download prometheus; }; }) >&2
	dpkg -x "$part"/*.deb "$part/content"
	mv "$part/content/usr/bin/promtool" "$program"
fi
echo "$program"
