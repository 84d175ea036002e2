#!/bin/bash
# core-pattern.sh PATTERN [LIMIT]: sets kernel.core_pattern, and kernel.core_pipe_limit if that is given, says "set", and puts them back when its
# standard input ends, which it also does when the test that started it dies. Holds the lock that all who change these settings of the whole machine take.
set -eu
# Whoever only crashes something shares the lock, and goes through the gate first: else a change would wait for as long as there are crashes.
exec 8>/tmp/core_pattern.gate 9>/tmp/core_pattern.lock
flock 8
flock 9
flock -u 8
before=$(cat /proc/sys/kernel/core_pattern)
limit=$(cat /proc/sys/kernel/core_pipe_limit)
trap 'echo "$before" >/proc/sys/kernel/core_pattern; echo "$limit" >/proc/sys/kernel/core_pipe_limit' EXIT
[ $# -lt 2 ] || echo "$2" >/proc/sys/kernel/core_pipe_limit
echo "$1" >/proc/sys/kernel/core_pattern
# A longer one would be cut without a word.
[ "$(cat /proc/sys/kernel/core_pattern)" = "$1" ] || { echo "kernel.core_pattern takes 127 bytes: $1" >&2 && exit 1; }
echo set
cat >/dev/null
