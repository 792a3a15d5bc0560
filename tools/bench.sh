#!/bin/bash
# bench.sh - builds, measures the mount against plain files, writes the page
#
# usage: tools/bench.sh [--data FILE...] [--pairs N] [--quick] [--json]
#                       [--out FILE]
#
# The page is docs/performance.md unless --out names another; --json prints
# the figures as well.  Cold reads need root (the kernel's caches are dropped).
set -euo pipefail
cd "$(dirname "$0")/.."

. tools/env.sh
[ -d build ] || meson setup build >&2
ninja -C build fs/adaptcachefs tools/adaptcache >&2
exec python3 tools/bench.py "$@"
