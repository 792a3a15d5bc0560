#!/bin/bash
# format.sh - clang-format has nothing to change; exits 77 without it
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v clang-format >/dev/null || { echo "clang-format is not installed"; exit 77; }
git ls-files '*.c' '*.h' | xargs -r clang-format --dry-run -Werror
