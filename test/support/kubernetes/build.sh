#!/usr/bin/env bash
# build.sh [--find] kubernetes|kwok|helm: prints the folder with what the tests need of it, built from Go modules once for each version.
#
#   kubernetes   etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubelet and kubectl: one program by six names
#   kwok         kwok, and stages.yaml: what its nodes do, and how its pods end
#   helm         helm, as the image has it
#
# With --find it builds nothing, and says in one line why there is nothing. An empty build cache takes some minutes, 4 GB of disk and 2.3 GB of
# memory; a warm one seconds. What is built is kept in the user's cache, also for other checkouts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/milvus-coredump-agent/kubernetes
kubernetes=$(awk '$1 == "k8s.io/kubernetes" { print $2; exit }' server/go.mod)
kwok=v0.8.0
image=../../../image/helm
helm=$(awk '$1 == "helm.sh/helm/v4" { print $2; exit }' "$image/go.mod")

find_only=
[ "${1:-}" != --find ] || { find_only=yes && shift; }
what=${1:-}
# shellcheck source=../go.sh
. ../go.sh

build_kubernetes() {
	local go minor=${kubernetes#v1.} flags='-s -w' package
	go=$(go_of "$(awk '$1 == "go" { print $2 }' server/go.mod)")
	minor=${minor%%.*}
	for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
		flags+=" -X $package.gitVersion=$kubernetes -X $package.gitMajor=1 -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
	done
	(cd server && CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS='-mod=readonly -buildvcs=false' "$go" build -trimpath -ldflags "$flags" -o "$1/kubernetes" .)
	for name in etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kubectl; do ln -s kubernetes "$1/$name"; done
}

build_kwok() {
	local go stages stage
	go=$(go_of 1.26.0)
	CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOBIN=$1 "$go" install -trimpath -ldflags '-s -w' "sigs.k8s.io/kwok/cmd/kwok@$kwok"
	stages=$("$go" env GOMODCACHE)/sigs.k8s.io/kwok@$kwok/kustomize/stage
	for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease pod/fast/pod-{complete,delete}; do
		cat "$stages/$stage.yaml" && printf '\n---\n'
	done >"$1/stages.yaml"
}

build_helm() {
	local go
	go=$(go_of "$(awk '$1 == "go" { print $2 }' "$image/go.mod")")
	GO=$go "$image/build.sh" "$1/helm"
}

# A change of what is built, or how, makes another folder.
sum() { sha256sum | cut -c1-12; }
case $what in
kubernetes) folder=$cache/$kubernetes-$({ cat server/go.mod server/go.sum server/main.go && declare -f build_kubernetes; } | sum) ;;
kwok) folder=$cache/kwok-$kwok-$(declare -f build_kwok | sum) ;;
helm) folder=$cache/helm-$helm-$(cat "$image/go.mod" "$image/go.sum" "$image/build.sh" | sum) ;;
*) sed -n '2s/^# //p' "${BASH_SOURCE[0]##*/}" >&2 && exit 2 ;;
esac

once "$cache" "$folder" "$find_only" "build_$what"
echo "$folder"
