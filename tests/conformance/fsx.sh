#!/bin/bash
# fsx.sh - random reads, writes, truncates and maps against a model in memory
#
# usage: tests/conformance/fsx.sh [DIR]
#
# DIR (or $XFSTESTS) is a source tree of xfstests, of which only ltp/fsx.c and
# its headers are needed; the program is built in a temporary folder.  Exits 77
# when there is no tree.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-${XFSTESTS:-}}

[ -f "$dir/ltp/fsx.c" ] || { echo "no tree of xfstests given (\$XFSTESTS)"; exit 77; }
dir=$(cd "$dir" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for name in SYS_TYPES SYS_STAT SYS_TIME SYS_IOCTL STDLIB UNISTD ERRNO STRING STRINGS \
	SYS_FCNTL SYS_PARAM SYS_MMAN ASSERT ERR LINUX_FALLOC; do
	echo "#define HAVE_${name}_H 1"
done >"$tmp/config.h"
echo '#define STDC_HEADERS 1' >>"$tmp/config.h"
# fsx asks statx for atomic writes only; older headers do not know them.
cat >"$tmp/statx.h" <<-'C'
	struct no_statx {
		unsigned long stx_attributes;
		unsigned stx_atomic_write_unit_min, stx_atomic_write_unit_max;
	};
	#define statx no_statx
	#define STATX_WRITE_ATOMIC 0
	#define STATX_ATTR_WRITE_ATOMIC 0
	#define xfstests_statx(...) (errno = ENOSYS, -1)
C
gcc -O1 -w -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -include getopt.h -I"$tmp" \
	-I"$dir/src" "$dir/ltp/fsx.c" -o "$tmp/fsx"

passed=0 failed=0
# one NAME FSX-ARGUMENT... - one run in a mount of its own
one() {
	local name=$1
	shift
	if "$here/with_mount.py" "$tmp/fsx" -q "$@" "fsx-$name" >"$tmp/log" 2>&1; then
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
