#!/bin/bash
# headline.sh - builds, runs the paper's experiment on the mount, writes its page
#
# usage: tools/headline.sh [--quick] [OPTION ...]   (tools/headline.py says which)
#
# The page is docs/headline.md with docs/headline.svg; --quick prints a part of
# it.  Caches and verdicts are kept under $ADAPTCACHE_PREFIX/quality
# (tools/env.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

. tools/env.sh
python=$(tools/engine.sh --judge)
[ -d build ] || meson setup build >&2
ninja -C build tools/adaptcache fs/adaptcachefs >&2
exec "$python" tools/headline.py build/tools/adaptcache "$@"
