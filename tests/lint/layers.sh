#!/bin/bash
# layers.sh - includes go down only: fs, tools -> fs/store -> policy, codec
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0

# may FOLDER ALLOWED... - the folders that FOLDER's project headers come from
may() {
	local folder=$1 allowed
	shift
	[ -d "$folder" ] || return 0
	allowed=$(printf '%s\n' "$@")
	while IFS= read -r line; do
		local path=${line#*#include \"}
		path=${path%%\"*}
		if ! grep -qxF "$(dirname "$path")" <<<"$allowed"; then
			echo "${line%%:*} includes $path, which lies above it"
			status=1
		fi
	done < <(git ls-files "$folder/*.[ch]" | xargs -r grep -H '#include ".*/')
}

may codec codec codec/layout
may policy policy
may fs/store fs/store policy codec codec/layout
exit $status
