#!/bin/bash
# check.sh - builds the project in every way and runs every test
#
# usage: tools/check.sh [--quick]
#
# Each step prints one line with its time, and its log if it failed.  A step
# that this machine cannot run is skipped, with the reason.  --quick leaves the
# sanitizers, the engine and the long tests out.  The closing line counts the
# steps, and each test of the steps that count their own.
#
# PJDFSTEST names a built checkout of that suite, FSX the built program of
# xfstests; they run if given.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
quick=
[ "${1:-}" != --quick ] || quick=1

builds=build-check # always configured anew
logs=$builds/logs
rm -rf "$builds"
mkdir -p "$logs"
passed=0 failed=0 skipped=0
began=$SECONDS

# count LOG STATUS - adds what the step counted, or the step itself
count() {
	local closing
	closing=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$1" | tail -n 1)
	if [ -n "$closing" ]; then
		local p f s
		read -r p f s < <(tr -dc '0-9 \n' <<<"$closing" | tr -s ' ')
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
		[ "$2" = 0 ] || [ "$f" != 0 ] || failed=$((failed + 1))
	elif [ "$2" = 0 ]; then
		passed=$((passed + 1))
	elif [ "$2" = 77 ]; then
		skipped=$((skipped + 1))
	else
		failed=$((failed + 1))
	fi
}

# step NAME COMMAND... - runs it; the status is its own
step() {
	local name=$1 log start=$SECONDS status=0 word=passed
	log=$logs/${1//[^a-z0-9]/-}
	shift
	"$@" >"$log" 2>&1 </dev/null || status=$?
	case $status in
	0) ;;
	77) word=skipped ;;
	*) word=FAILED ;;
	esac
	printf '%-8s %4d s  %s' "$word" $((SECONDS - start)) "$name"
	[ "$status" != 77 ] || printf '  (%s)' "$(tail -n 1 "$log")"
	echo
	# What the tests themselves say at their end, and what they skipped.
	if [ "$status" = 0 ]; then
		grep -E '^[0-9]+ passed, |^[0-9]+%: Checks: |^skipped ' "$log" | sed 's/^/    /'
	elif [ "$status" != 77 ]; then
		sed 's/^/    /' "$log" | tail -n 150
	fi
	count "$log" "$status"
	return "$status"
}

# build NAME COMPILER MESON-OPTION...
build() {
	local dir=$builds/$1 cc=$2
	shift 2
	CC=$cc meson setup "$dir" -Dwerror=true "$@" && ninja -C "$dir"
}

# unit NAME [VARIABLE=VALUE...] - the unit tests of that build
unit() {
	local dir=$builds/$1
	shift
	env "$@" meson test -v -C "$dir" --no-rebuild --timeout-multiplier 4
}

# scalar NAME - the tests of what has a faster form, without it
scalar() {
	ADAPTCACHE_ISA=scalar meson test -v -C "$builds/$1" --no-rebuild \
		codec grid grid_rotate planes tile golden
}

# threads NAME - the tests in which threads meet
threads() {
	CK_FORK=no meson test -v -C "$builds/$1" --no-rebuild --timeout-multiplier 4 \
		store_basic store_room store_settings store_stream \
		store_threads work budget plain tree
}

# mount_tests BUILD RUN.PY-ARGUMENT... - mount tests over that build's programs
mount_tests() {
	local dir=$PWD/$builds/$1
	shift
	export ADAPTCACHEFS=$dir/fs/adaptcachefs ADAPTCACHE=$dir/tools/adaptcache
	[ -x "$ADAPTCACHEFS" ] || { echo "no $ADAPTCACHEFS was built"; return 1; }
	python3 tests/mount/run.py "$@"
}

conformance() {
	export ADAPTCACHEFS=$PWD/$builds/gcc/fs/adaptcachefs
	[ -c /dev/fuse ] || { echo "no /dev/fuse"; return 77; }
	"tests/conformance/$1.sh"
}

lint() {
	local script
	for script in layers format sizes scripts; do
		step "lint $script" "tests/lint/$script.sh"
	done
}

# The sanitizers' builds run what touches the most code, not what takes longest.
sanitized() {
	local asan=abort_on_error=1:detect_leaks=1 tsan=halt_on_error=0:exitcode=66
	export ASAN_OPTIONS=$asan UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	export TSAN_OPTIONS=$tsan:second_deadlock_stack=1
	step "asan build" build asan gcc -Db_sanitize=address,undefined &&
		step "asan unit" unit asan CK_FORK=no
	step "asan mount" mount_tests asan -x hundred_thousand -x larger_than_memory \
		files. names. sizes. attributes. facts. damage. options. eight_writers
	step "tsan build" build tsan gcc -Db_sanitize=thread &&
		step "tsan unit" threads tsan
	step "tsan mount" mount_tests tsan files. readers_during eight_writers \
		crash.unsynced full.cap
	unset ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
}

tools/setup.sh | grep -v '^PKG_CONFIG_PATH=' || exit 1
. tools/env.sh

lint
if step "gcc build" build gcc gcc -Dtest_isa=true; then
	step "unit tests" unit gcc
	step "codec tests, scalar" scalar gcc
fi
step "clang build" build clang clang
if [ -n "$quick" ]; then
	export KILL_ROUNDS=5
	step "mount tests" mount_tests gcc -x hundred_thousand -x two_hundred \
		-x engine_llama
else
	step "mount tests" mount_tests gcc -x crash. -x engine_llama
	export ADAPTCACHE_MOUNT_OPTS=no_passthrough
	step "mount tests, no passthrough" mount_tests gcc files. names.read \
		sizes. attributes.
	unset ADAPTCACHE_MOUNT_OPTS
	step "kill -9 tests" mount_tests gcc crash.
	step "engine test" mount_tests gcc engine_llama
	step "fio" conformance fio
	step "fsx" conformance fsx
	step "pjdfstest" conformance pjdfstest
	step "AVX-512" tests/conformance/avx512.sh "$builds/gcc"
	sanitized
fi

echo "wall time $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
