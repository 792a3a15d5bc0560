#!/bin/bash
# demo.sh - from a fresh checkout to a real engine on the mount, with figures
#
# Installs what is missing, builds, mounts a temporary backing directory, lets
# llama.cpp compute, save and restore the KV cache of a real document, and
# prints what each step took.  Exits 1 if the text after the restore differs.
#
# usage: tools/demo.sh [--json] [--plain DIR] [-o MOUNT_OPTIONS]
set -euo pipefail
cd "$(dirname "$0")/.."

tools/setup.sh >&2
. tools/env.sh
tools/engine.sh >/dev/null
[ -d build ] || meson setup build >&2
ninja -C build >&2
exec python3 tools/demo.py "$@"
