#!/usr/bin/env bash
# build.sh [--find]: prints the folder with agent.tar and crasher.tar, the images built by scripts/build.sh without a registry of images.
#
# The images that the Dockerfiles begin with are made here (bases.sh), and helm is taken from where the tests have it. The rest is built by buildah as
# the Dockerfiles say. Needs root. It takes some minutes once; when only the source has changed, seconds. Kept in the user's cache.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/milvus-coredump-agent/image
inputs=(.dockerignore Dockerfile Dockerfile.crasher LICENSE crasher image package-lock.json package.json scripts/build.sh scripts/bundle.ts scripts/sbom.ts src test/support/image/bases.sh test/support/image/build.sh)
folder=$cache/$(find "${inputs[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)

if [ ! -e "$folder" ] && [ "${1:-}" != --apart ]; then
	[ "${1:-}" != --find ] || { echo 'the image is not built yet: test/support/image/build.sh' >&2 && exit 1; }
	[ "$(id -u)" = 0 ] || { echo 'building the image takes root' >&2 && exit 1; }
	# What buildah mounts is to be gone when this ends.
	exec unshare --mount "$here/build.sh" --apart
fi
if [ "${1:-}" = --apart ]; then
	mkdir -p "$cache"
	exec 9>"$cache/.lock"
	flock 9
fi
if [ ! -e "$folder" ]; then
	rm -rf --one-file-system "$cache"/.part.*
	# Each change of the source leaves its layers behind.
	[ ! -e "$cache/storage" ] || [ "$(du -sm "$cache/storage" | cut -f1)" -lt 20000 ] || rm -rf --one-file-system "$cache/storage"
	work=$(mktemp -d "$cache/.part.XXXXXX")
	trap 'rm -rf --one-file-system "$work"' EXIT
	# A storage of its own, whatever this machine has.
	printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$cache/storage" "$work/run" >"$work/storage.conf"
	export CONTAINERS_STORAGE_CONF=$work/storage.conf BUILDAH_ISOLATION=chroot BUILDER=buildah
	unset IMAGE_NAME IMAGE_TAG PLATFORM
	{
		"$here/bases.sh"
		helm=$(test/support/kubernetes/build.sh helm)
		mkdir -p "$work/helm/out" "$work/images"
		cp "$helm/helm" "$work/helm/out/"
		go version -m "$work/helm/out/helm" >"$work/helm/out/helm.modules"
		# Some machines reach the registries of packages only with certificates of their own.
		BUILD_OPTIONS="--build-context helm=$work/helm --volume /etc/ssl/certs:/etc/ssl/certs:ro" scripts/build.sh
		tag=$(sed -n 's/^\t"version": "\(.*\)",$/\1/p' package.json)
		buildah push -q "milvus-coredump-agent:$tag" "docker-archive:$work/images/agent.tar:docker.io/library/milvus-coredump-agent:$tag"
		buildah push -q "milvus-coredump-agent-crasher:$tag" "docker-archive:$work/images/crasher.tar:docker.io/library/milvus-coredump-agent-crasher:$tag"
		cp build/crash-test-program/milvus_crasher "$work/images/"
		buildah rm -a >/dev/null
	} >&2
	chmod 755 "$work/images"
	mv "$work/images" "$folder"
	# A few are kept, for other checkouts.
	find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name storage ! -name '.*' -printf '%T@ %p\n' | sort -rn | tail -n +4 | cut -d' ' -f2- | xargs -r rm -rf
fi
touch "$folder"
echo "$folder"
