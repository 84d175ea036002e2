#!/usr/bin/env bash
# build.sh [--find]: prints the folder with two servers of Milvus, as packages of PyPI bring them.
#
#   milvus/        Milvus itself: a stripped Go program with C++ and Rust libraries; programs in bin/, and config.yaml.template and glog.conf
#   milvus-lite/   the small one, a C++ program with names; milvus and its libraries
#
# Nothing is built; what is fetched is what packages.txt says, with checksums. It is kept in the user's cache, also for other checkouts: they are 390 MB
# that only tests take. With --find it fetches nothing, and says in one line why there is nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
what=Milvus
# shellcheck source=../go.sh
. ../go.sh

[ "$(uname -s) $(uname -m)" = 'Linux x86_64' ] || { echo "$what of the tests runs on Linux with x86-64 only" >&2 && exit 1; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/milvus-coredump-agent/milvus
folder=$cache/$(cat packages.txt build.sh | sha256sum | cut -c 1-12)

fetch_servers() {
	pip3 install --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-compile --only-binary :all: --require-hashes \
		--target "$1/python" --requirement packages.txt
	mv "$1/python/milvus_lite/lib" "$1/milvus-lite"
	chmod 755 "$1/milvus-lite/milvus"
	mkdir "$1/milvus"
	mv "$1/python/milvus/data"/* "$1/milvus"
	# The package does this at its first start. These are files of xz, whatever their names say.
	for packed in "$1"/milvus/bin/*.lzma; do
		xz -dc <"$packed" >"${packed%.lzma}"
		chmod 755 "${packed%.lzma}"
		rm "$packed"
	done
	rm -r "$1/python"
}

once "$cache" "$folder" "$([ "${1:-}" != --find ] || echo yes)" fetch_servers
echo "$folder"
