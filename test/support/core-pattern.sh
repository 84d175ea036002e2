#!/bin/bash
# core-pattern.sh PATTERN: sets kernel.core_pattern, says "set", and puts it back when its standard input ends, which it also does when the test
# that started it dies. Holds the lock that all who change this setting of the whole machine take.
set -eu
# Whoever only crashes something shares the lock, and goes through the gate first: else a change would wait for as long as there are crashes.
exec 8>/tmp/core_pattern.gate 9>/tmp/core_pattern.lock
flock 8
flock 9
flock -u 8
before=$(cat /proc/sys/kernel/core_pattern)
trap 'echo "$before" >/proc/sys/kernel/core_pattern' EXIT
echo "$1" >/proc/sys/kernel/core_pattern
echo set
cat >/dev/null
