#!/usr/bin/env bash
# build.sh [--find]: prints the path of versitygw, an S3 server, built from its Go module once for each version.
#
# With --find it builds nothing, and says in one line why there is nothing. An empty build cache takes some minutes. What is built is kept in the user's
# cache, also for other checkouts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
version=v1.8.0
what=versitygw
# shellcheck source=../go.sh
. ../go.sh

cache=${XDG_CACHE_HOME:-$HOME/.cache}/milvus-coredump-agent/s3
folder=$cache/versitygw-$version
if [ ! -d "$folder" ]; then
	[ "${1:-}" != --find ] || { echo "$what is not built yet: scripts/setup.sh test" >&2 && exit 1; }
	mkdir -p "$cache"
	# One at a time: memory is soon used up. Another checkout may have built it meanwhile.
	exec 9>"$cache/.lock"
	flock 9
	if [ ! -d "$folder" ]; then
		rm -rf "$cache"/.part.*
		part=$(mktemp -d "$cache/.part.XXXXXX")
		trap 'rm -rf "$part"' EXIT
		go=$(go_of 1.25.0)
		CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOBIN=$part "$go" install -trimpath -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@$version" >&2
		chmod 755 "$part"
		mv "$part" "$folder"
	fi
fi
echo "$folder/versitygw"
