#!/bin/sh
# Makes a checkout ready to run: scripts/setup.sh [demo|test]
#
# Installs the npm packages, Node itself among them, and the Debian packages that are missing, when it may; else it says in one line what is missing.
# Builds the crash program. When all is there it does nothing, in well under a second.
set -eu
cd "$(dirname "$0")/.."
purpose=${1:-test}

fail() {
	echo "setup: $*" >&2
	exit 1
}

# npm must not run by the Node that it is about to replace.
PATH=$(printf %s "$PATH" | tr : '\n' | grep -v '/node_modules/\.bin$' | paste -sd :)
export PATH

# Programs, each with the Debian package that brings it.
programs='gdb:gdb gcc:gcc zstd:zstd gzip:gzip lz4:lz4 xz:xz-utils getfattr:attr c++filt:binutils timeout:coreutils cc1:libc6-dev'
[ "$purpose" = demo ] || programs="$programs g++:g++ go:golang-go rustc:rustc gdb-multiarch:gdb-multiarch readelf:binutils eu-readelf:elfutils debuginfod:debuginfod setfattr:attr flock:util-linux unshare:util-linux nsenter:util-linux script:bsdutils zsh:zsh fish:fish curl:curl openssl:openssl setpriv:util-linux journalctl:systemd /usr/lib/systemd/systemd-journal-remote:systemd-journal-remote musl-gcc:musl-tools perl:perl-base pip3:python3-pip clang++:clang aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-aarch64:qemu-user /usr/aarch64-linux-gnu/include/stdlib.h:libc6-dev-arm64-cross"

# For a real node in the tests, which only root can have.
[ "$purpose" = demo ] || [ "$(id -u)" != 0 ] || programs="$programs containerd:containerd runc:runc bridge:containernetworking-plugins iptables:iptables ip:iproute2 buildah:buildah mmdebstrap:mmdebstrap busybox:busybox-static /usr/include/fuse3/fuse.h:libfuse3-dev"

missing_packages() {
	for entry in $programs; do
		case $entry in
		cc1:*) [ -e /usr/include/stdlib.h ] || echo "${entry#*:}" ;;
		*.h:*) [ -e "${entry%%:*}" ] || echo "${entry#*:}" ;;
		bridge:*) [ -e /usr/lib/cni/bridge ] || [ -e /opt/cni/bin/bridge ] || echo "${entry#*:}" ;;
		*) command -v "${entry%%:*}" >/dev/null || echo "${entry#*:}" ;;
		esac
	done | sort -u | paste -sd ' '
}

install_packages() {
	missing=$(missing_packages)
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || fail "please install these, by the names they have on your system: $missing"
	as_root=
	if [ "$(id -u)" != 0 ]; then
		sudo -n true 2>/dev/null || fail "missing: $missing; as root: apt-get update && apt-get install --no-install-recommends $missing"
		as_root=sudo
	fi
	echo "setup: installing $missing"
	log=$(mktemp)
	# shellcheck disable=SC2086 # a list of words
	if ! { $as_root apt-get update && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		rm -f "$log"
		fail "apt-get could not install: $missing"
	fi
	rm -f "$log"
}

install_modules() {
	cmp -s package-lock.json node_modules/.installed && [ -x node_modules/node/bin/node ] && return 0
	command -v npm >/dev/null || fail 'npm is missing: install Node 20 or later (https://nodejs.org)'
	echo 'setup: installing npm packages'
	npm ci --no-audit --no-fund --loglevel=error || fail 'npm ci failed'
	[ -x node_modules/node/bin/node ] || npm rebuild --loglevel=error node || true # install scripts may be switched off by default
	[ -x node_modules/node/bin/node ] || fail 'the package "node" did not install its program: allow its install script (npm config set ignore-scripts false)'
	cp package-lock.json node_modules/.installed
}

build_crasher() {
	[ build/milvus_crasher -nt crasher/milvus_crasher.c ] && return 0
	mkdir -p build
	gcc -g -O1 -Wall -Wextra -pthread -o build/milvus_crasher crasher/milvus_crasher.c || fail 'the crash program could not be built'
}

# It runs in any container.
build_static_crasher() {
	[ build/crash-test-program/milvus_crasher -nt crasher/milvus_crasher.c ] && return 0
	crasher/build-static.sh build/crash-test-program/milvus_crasher || fail 'the static crash program could not be built'
}

# prepare WHAT SCRIPT [ARGUMENT]: has the script make what is not there yet. The tests that need it are skipped without it, except in CI.
prepare() {
	what=$1
	shift
	script=$1
	shift
	"$script" --find "$@" >/dev/null 2>&1 && return
	echo "setup: getting $what for the tests, which may take some minutes, once"
	log=$(mktemp)
	if ! "$script" "$@" >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		rm -f "$log"
		[ "${CI:-}" != true ] || fail "$what can't be had"
		echo "setup: $what can't be had: the tests that need it will be skipped"
		return
	fi
	rm -f "$log"
}

prepare_tests() {
	build_static_crasher
	for part in kubernetes kwok helm; do prepare $part test/support/kubernetes/build.sh $part; done
	prepare 'an S3 server' test/support/s3/build.sh
	prepare systemd-coredump test/support/systemd-coredump/build.sh
	prepare promtool test/support/promtool/build.sh
	prepare 'a language model' test/support/real-model/build.sh
	prepare 'a real Milvus' test/support/milvus/build.sh
}

install_packages
install_modules
build_crasher
[ "$purpose" = demo ] || prepare_tests
