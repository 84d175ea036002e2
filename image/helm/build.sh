#!/bin/sh
# build.sh FILE: builds the helm that go.mod names, every module checked against go.sum, for GOARCH. GO is the Go to do it with.
set -eu
output=$(realpath -m "$1")
cd "$(dirname "$0")"
version=$(awk '$1 == "helm.sh/helm/v4" { print $2 }' go.mod)
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false'
exec "${GO:-go}" build -trimpath -ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$version" -o "$output" helm.sh/helm/v4/cmd/helm
