#!/bin/bash
# quality.sh - builds, judges what each rate does to a real model, writes the page
#
# usage: tools/quality.sh [--quick] [--cache FOLDER] [--out FOLDER]
#
# The page is docs/quality.md with docs/quality.svg, and the model's profile in
# tools/profiles/, unless --quick: half the texts, few rates, printed only.  Verdicts
# are kept under $ADAPTCACHE_PREFIX/quality (tools/env.sh): only what changed is
# judged again.  From nothing, about an hour on one core.
set -euo pipefail
cd "$(dirname "$0")/.."

. tools/env.sh
python=$(tools/engine.sh --judge)
[ -d build ] || meson setup build >&2
ninja -C build tools/adaptcache tests/bench/bench_entropy >&2
exec nice -n 5 "$python" tools/quality.py build/tools/adaptcache "$@"
