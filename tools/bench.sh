#!/bin/bash
# bench.sh - builds, measures the mount against other file systems, writes the page
#
# usage: tools/bench.sh [--data SLOT_FILE...] [--rounds N] [--quick] [--profile]
#                       [--names N] [--large] [--json] [--out FILE]
#
# The page is docs/performance.md, its plots lie beside it, unless --out names
# another; --json prints the figures as well.  Needs root: kernel caches are
# dropped, and other file systems mounted.  tools/setup.sh --peers installs
# those; what is missing is left out, and the page says so.
set -euo pipefail
cd "$(dirname "$0")/.."

. tools/env.sh
[ -d build ] || meson setup build >&2
ninja -C build fs/adaptcachefs tools/adaptcache >&2
exec python3 tools/bench.py "$@"
