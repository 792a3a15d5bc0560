#!/bin/bash
# sizes.sh - no source file over 600 lines, no script line that ends in blanks
set -euo pipefail
cd "$(dirname "$0")/../.."
LINES_MAX=600
status=0

while IFS= read -r file; do
	n=$(wc -l <"$file")
	if [ "$n" -gt "$LINES_MAX" ]; then
		echo "$file has $n lines, more than $LINES_MAX"
		status=1
	fi
	if grep -nE '[[:blank:]]+$' "$file"; then
		echo "$file has blanks at the end of lines"
		status=1
	fi
done < <(git ls-files '*.c' '*.h' '*.sh' '*.py' '*meson.build' .ci/run)
exit $status
