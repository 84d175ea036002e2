#!/usr/bin/env bash
# Makes the images that the Dockerfiles begin with, under the names that they have there: Debian's out of Debian's packages, and Node's out of that,
# the npm packages `node` and `npm`. What Debian leaves out of its slim image is left out here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
node=node_modules/node/bin/node
npm=11.19.1
certificates=${NODE_EXTRA_CA_CERTS:+/etc/ssl/certs/ca-certificates.crt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make_debian() {
	mmdebstrap --quiet --variant=minbase --include=usr-is-merged --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
		--customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' bookworm "$work/debian.tar"
	container=$(buildah from scratch)
	buildah add -q "$container" "$work/debian.tar" /
	buildah config --cmd bash "$container"
}

make_node() {
	container=$(buildah from --pull-never "$1")
	buildah run "$container" -- sh -c 'apt-get update && apt-get install -y --no-install-recommends libatomic1'
	buildah copy -q "$container" "$node" /usr/local/bin/
	npm install --prefix "$work" --no-audit --no-fund --loglevel=error "npm@$npm"
	buildah copy -q "$container" "$work/node_modules/npm" /usr/local/lib/node_modules/npm
	buildah run "$container" -- ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
	buildah config --cmd node ${certificates:+--env "NODE_EXTRA_CA_CERTS=$certificates"} "$container"
}

# base NAME RECIPE COMMAND…: makes the image NAME, if there is none of that recipe yet.
base() {
	made=localhost/base:$(printf %s "$2" | sha256sum | cut -c1-12)
	if [ -z "$(buildah images -q "$made" 2>/dev/null)" ]; then
		echo "making $1"
		"${@:3}"
		buildah commit -q --rm "$container" "$made"
	fi
	buildah tag "$made" "$1"
}

debian=$(declare -f make_debian)
base docker.io/library/debian:bookworm-slim "$debian" make_debian
base docker.io/library/node:26-bookworm-slim "$debian $(declare -f make_node) $certificates $npm $("$node" --version)" make_node "$made"
