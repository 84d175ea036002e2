# shellcheck shell=bash
# Sourced by what builds programs for the tests from Go modules.

# go_of RELEASE: prints a Go of at least that release, for building `$what`: the one that is there, or else just that release, which is a module like
# others and so comes by the same way. Go takes care of this by itself since 1.21, where it is allowed to; stable distributions have older ones.
go_of() {
	command -v go >/dev/null || { echo "go is missing: building $what takes Go, of any release since 1.19" >&2 && exit 1; }
	local have dir
	have=$(GOTOOLCHAIN=local go env GOVERSION)
	if printf '%s\n' "$1" "${have#go}" | sort -C -V; then
		command -v go
		return
	fi
	dir=$(GOTOOLCHAIN=local GOFLAGS=-mod=mod go mod download -json "golang.org/toolchain@v0.0.1-go$1.$(go env GOOS)-$(go env GOARCH)" |
		sed -n 's/^\t"Dir": "\(.*\)",*$/\1/p')
	[ -n "$dir" ] || { echo "go is too old: ${have#go}, and $what takes $1" >&2 && exit 1; }
	# Files of a module can't be executed, of which an old Go knows no exception.
	chmod +x "$dir"/bin/* "$dir"/pkg/tool/*/*
	echo "$dir/bin/go"
}

# once CACHE FOLDER FIND_ONLY COMMAND: has the command fill a folder in the cache, which it is given, if that is not there. Not with FIND_ONLY.
once() {
	local cache=$1 folder=$2 find_only=$3
	[ ! -d "$folder" ] || return 0
	[ -z "$find_only" ] || { echo "$what is not built yet: scripts/setup.sh test" >&2 && exit 1; }
	mkdir -p "$cache"
	# One at a time: memory is soon used up. Another checkout may have built it meanwhile.
	exec 9>"$cache/.lock"
	flock 9
	[ ! -d "$folder" ] || return 0
	rm -rf "$cache"/.part.*
	part=$(mktemp -d "$cache/.part.XXXXXX")
	trap 'rm -rf "$part"' EXIT
	"$4" "$part" >&2
	chmod 755 "$part"
	mv "$part" "$folder"
}
