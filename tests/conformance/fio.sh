#!/bin/bash
# fio.sh - every byte written is verified, in the shapes of a KV store
#
# usage: tests/conformance/fio.sh
#
# Exits 77 when fio is not installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v fio >/dev/null || { echo "fio is not installed"; exit 77; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT

passed=0 failed=0
# one NAME FIO-ARGUMENT... - one job in a mount of its own
one() {
	local name=$1
	shift
	if "$here/with_mount.py" fio --name="$name" --minimal --do_verify=1 \
		--verify_fatal=1 "$@" >"$log" 2>&1; then
		echo "passed  $name"
		passed=$((passed + 1))
	else
		echo "failed  $name: fio $*"
		tail -n 8 "$log" | cut -c1-300
		failed=$((failed + 1))
	fi
}

one sequential --rw=write --bs=1M --size=64M --numjobs=2 --verify=xxhash --end_fsync=1
one many-files --rw=write --bs=256k --filesize=4M --nrfiles=32 --size=128M \
	--file_service_type=sequential --verify=xxhash --fsync_on_close=1
one random --rw=randwrite --bsrange=4k-256k --size=64M --verify=crc32c
one direct --rw=write --bs=1M --size=64M --direct=1 --verify=crc32c
one direct-random --rw=randwrite --bs=4k --size=16M --direct=1 --verify=crc32c \
	--ioengine=libaio --iodepth=16
one mmap --rw=randwrite --bs=4k --size=16M --ioengine=mmap --verify=crc32c
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
