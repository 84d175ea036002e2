#!/usr/bin/env bash
# machine.sh FOLDER PROGRAM SERVER: is a machine's systemd for what systemd-coredump needs of it, until standard input ends, which it also does when
# whoever started it dies. Says "ready", or why not. Needs root.
#
# Cores are kept in FOLDER/cores and a real journald's entries in FOLDER/journal: both run in a mount namespace in which these are where they
# belong, and in a cgroup namespace in which systemd's units are at the root. Outside there is but the socket, which the kernel's handler looks for
# in the machine's own /run; whoever starts this has the lock of kernel.core_pattern, so that it is there once.
set -euo pipefail

if [ "${1:-}" != inside ]; then
	folder=$1
	if grep -q ' /run/systemd/coredump$' /proc/net/unix; then echo 'systemd listens at /run/systemd/coredump itself' && exit 1; fi
	prefix=milvus-coredump-agent-test-systemd-
	hierarchies=()
	for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
		[ ! -e "$hierarchy/cgroup.procs" ] || hierarchies+=("$hierarchy")
	done
	remove() {
		local left groups=("${hierarchies[@]/%//$1}")
		for _ in $(seq 100); do
			left=$(find "${groups[@]}" -name cgroup.procs -exec cat {} + 2>/dev/null) || true
			# shellcheck disable=SC2086 # a list of ids
			[ -z "$left" ] || kill -KILL $left 2>/dev/null || true
			find "${groups[@]}" -depth -type d -exec rmdir {} + 2>/dev/null || true
			[ -d "${groups[0]}" ] || break
			sleep 0.05
		done
		rm -f /run/systemd/coredump
	}
	# Of one that was killed.
	for left in "${hierarchies[0]}/$prefix"*; do
		[ ! -d "$left" ] || [ -d "/proc/${left##*-}" ] || remove "${left##*/}"
	done
	trap 'remove "$prefix$$"' EXIT
	mkdir -p /run/systemd "$folder"/{cores,journal,machine-run} "${hierarchies[@]/%//$prefix$$}"
	rm -f /run/systemd/coredump
	(
		for hierarchy in "${hierarchies[@]}"; do echo "$BASHPID" >"$hierarchy/$prefix$$/cgroup.procs"; done
		exec setpriv --pdeathsig KILL unshare --mount --cgroup --propagation private "$0" inside "$@" "${hierarchies[@]/%//$prefix$$}"
	)
	exit
fi

shift
folder=$1 program=$2 server=$3
shift 3
mount --bind /run "$folder/machine-run"
mount -t tmpfs none /run
# Tells journald that it may write to disk.
mkdir -p /run/systemd/journal && touch /run/systemd/journal/flushed
mount -t tmpfs none /var/lib/systemd
mount -t tmpfs none /var/log
mkdir /var/lib/systemd/coredump /var/log/journal
mount --bind "$folder/cores" /var/lib/systemd/coredump
mount --bind "$folder/journal" /var/log/journal
printf '[Journal]\n%s\n' Storage=persistent ReadKMsg=no Audit=no RateLimitIntervalSec=0 >"$folder/journald.conf"
mount --bind "$folder/journald.conf" /etc/systemd/journald.conf

slices=()
for group; do
	slice=$group/system.slice/system-systemd\\x2dcoredump.slice
	mkdir -p "$slice"
	slices+=("$slice")
done
start() { setpriv --pdeathsig KILL "${@:2}" >"$folder/$1.log" 2>&1 </dev/null & }
start journald /usr/lib/systemd/systemd-journald
start server "$server" "$folder/machine-run/systemd/coredump" "$program" "${slices[@]}"
for _ in $(seq 200); do
	if grep -q listening "$folder/server.log" && [ -S /run/systemd/journal/socket ]; then
		echo ready
		cat >/dev/null
		exit
	fi
	sleep 0.05
done
echo "it does not come up: $(tail -qn 2 "$folder"/{journald,server}.log | paste -sd ' ')"
exit 1
