#!/bin/bash
# fsx.sh - random reads, writes, truncates and maps against a model in memory
#
# usage: tests/conformance/fsx.sh [PROGRAM]
#
# PROGRAM (or $FSX) is the fsx of xfstests (ltp/fsx), already built.  Exits 77
# when there is none.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
fsx=${1:-${FSX:-}}

[ -x "$fsx" ] || { echo "no built fsx given (\$FSX)"; exit 77; }
fsx=$(realpath "$fsx")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

passed=0 failed=0
# one NAME FSX-ARGUMENT... - one run in a mount of its own
one() {
	local name=$1
	shift
	if "$here/with_mount.py" "$fsx" -q "$@" "fsx-$name" >"$tmp/log" 2>&1; then
		echo "passed  $name"
		passed=$((passed + 1))
	else
		echo "failed  $name: fsx $*"
		grep -v '^[0-9]' "$tmp/log" | tail -n 15
		failed=$((failed + 1))
	fi
}

one buffered-and-mmap -N 20000 -S 1
one buffered-and-mmap-large -N 3000 -S 2 -l 8388608 -o 1048576
one buffered -N 10000 -S 3 -R -W
one reopened -N 5000 -S 4 -c 100
one direct -N 10000 -S 5 -Z -r 512 -w 512 -t 512 -R -W
one direct-and-mmap -N 10000 -S 6 -Z -r 512 -w 512 -t 512
one direct-pages -N 10000 -S 7 -Z -r 4096 -w 4096 -t 4096
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
