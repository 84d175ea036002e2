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
build_versitygw() {
	local go
	go=$(go_of 1.25.0)
	CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOBIN=$1 "$go" install -trimpath -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@$version"
}

once "$cache" "$folder" "$([ "${1:-}" != --find ] || echo yes)" build_versitygw
echo "$folder/versitygw"
