#!/bin/bash
# pjdfstest.sh - the POSIX file system test suite over a fresh mount
#
# usage: tests/conformance/pjdfstest.sh [DIR]
#
# DIR (or $PJDFSTEST) is a checkout of pjdfstest, already built.  Prints the
# failed checks of each file and a closing count of checks.  Needs root.  Exits
# 77 when there is none.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-${PJDFSTEST:-}}

[ -n "$dir" ] || { echo "no checkout of pjdfstest given (\$PJDFSTEST)"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
command -v prove >/dev/null || { echo "no prove (package perl)"; exit 77; }
dir=$(cd "$dir" && pwd)
[ -x "$dir/pjdfstest" ] || { echo "pjdfstest is not built in $dir"; exit 77; }

out=$(mktemp)
trap 'rm -f "$out"' EXIT
status=0
"$here/with_mount.py" -o allow_other,default_permissions \
	prove -j3 -r "$dir/tests" >"$out" 2>&1 || status=$?

# "path (Wstat: 0 Tests: 10 Failed: 2)" and the lines that name the checks.
sed -n '/^Test Summary Report/,/^Files=/p' "$out" | grep -v '^-*$' ||
	[ "$status" = 0 ] || tail -n 20 "$out"
awk -v status="$status" '
	/ Failed: [0-9]+\)/ { sub(/.* Failed: /, ""); failed += $0 + 0 }
	/^Files=/ { sub(/.*Tests=/, ""); checks = $0 + 0 }
	END {
		if (status && !failed) failed = 1
		printf "%d passed, %d failed\n", checks - failed, failed
		exit failed > 0
	}' "$out"
