#!/bin/sh
# build-static.sh FILE: builds the crash program with all that it needs, so that it runs in any image.
set -eu
mkdir -p "$(dirname "$1")"
exec musl-gcc -static -g -O1 -Wall -Wextra -pthread -Wl,--build-id -o "$1" "$(dirname "$0")/milvus_crasher.c"
