#!/bin/bash
# scripts.sh - shell and Python files parse; shellcheck, where there, agrees
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t shell < <(git ls-files '*.sh' .ci/run)
mapfile -t python < <(git ls-files '*.py')

for file in "${shell[@]}"; do
	bash -n "$file"
done
python3 - "${python[@]}" <<-'P'
	import ast, sys
	for name in sys.argv[1:]:
	    with open(name, encoding="utf-8") as f:
	        ast.parse(f.read(), name)
P
if command -v shellcheck >/dev/null; then
	shellcheck -x "${shell[@]}"
fi
