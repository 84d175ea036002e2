#!/usr/bin/env bash
# Builds the agent's image, and the image of the crash program for tests: scripts/build.sh
#
#   IMAGE_NAME     milvus-coredump-agent   with the registry before it, if it is to be pushed; the other is IMAGE_NAME-crasher
#   IMAGE_TAG      the version in package.json
#   PLATFORM       this machine's          or linux/amd64, linux/arm64
#   BUILDER        docker, podman or buildah, the first that works
#   BUILD_OPTIONS  more options for the builder
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=$(sed -n 's/^\t"version": "\(.*\)",$/\1/p' package.json)
name=${IMAGE_NAME:-milvus-coredump-agent}
tag=${IMAGE_TAG:-$version}

fail() {
	echo "build: $*" >&2
	exit 1
}

# A client alone builds nothing.
works() {
	case $1 in
	docker) docker info ;;
	podman) podman info ;;
	buildah) buildah info ;;
	esac >/dev/null 2>&1
}

choose_builder() {
	local one there=()
	for one in ${BUILDER:-docker podman buildah}; do
		command -v "$one" >/dev/null || continue
		works "$one" && echo "$one" && return
		there+=("$one")
	done
	[ ${#there[@]} = 0 ] || fail "${there[*]} is installed and does not work; \"${there[0]} info\" tells why (is its engine running?)"
	fail "${BUILDER:-docker, podman or buildah} is needed to build the images, and not installed"
}

# build NAME DOCKERFILE OPTION…
build() {
	local command=(build)
	# Those of Debian 12 don't know it by themselves.
	[ "$builder" = docker ] || command+=(--layers --build-arg "BUILDPLATFORM=linux/$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')")
	[ -z "${PLATFORM:-}" ] || command+=(--platform "$PLATFORM")
	# shellcheck disable=SC2086 # a list of words
	DOCKER_BUILDKIT=1 "$builder" "${command[@]}" ${BUILD_OPTIONS:-} --build-arg VERSION="$tag" -f "$2" "${@:3}" . || fail "$1:$tag could not be built"
}

builder=$(choose_builder)
echo "build: with $builder"
build "$name" Dockerfile -t "$name:$tag"
build "$name-crasher" Dockerfile.crasher -t "$name-crasher:$tag"
# The program for the ConfigMap is the one in the image, which holds nothing else.
rm -rf build/crash-test-program
build "$name-crasher" Dockerfile.crasher --output type=local,dest=build/crash-test-program

echo "built $name:$tag"
echo "built $name-crasher:$tag, and out of it build/crash-test-program/milvus_crasher for the ConfigMap crash-test-program"
case $name in
*/*) echo "next: $builder push $name:$tag, then IMAGE_NAME=$name IMAGE_TAG=$tag scripts/deploy.sh" ;;
*) echo "next: have the nodes get it (set IMAGE_NAME to REGISTRY/$name and push it, or import it), then IMAGE_NAME=$name IMAGE_TAG=$tag scripts/deploy.sh" ;;
esac
