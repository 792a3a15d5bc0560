#!/bin/bash
# avx512.sh - AVX-512's kernels against scalar, in an emulator where need be
#
# usage: tests/conformance/avx512.sh [BUILD]
#
# BUILD (build when not given) has the unit tests.  A processor without AVX-512
# is emulated: by Bochs, which boots a Linux kernel ($KERNEL_IMAGE, or the
# newest in /boot) from a CD and takes some minutes.  That needs Debian's
# packages bochs, bochs-term, bochsbios, busybox-static, genisoimage, isolinux
# and syslinux-common.  Bochs must be 3.0 or newer: 2.7 rounds halfway cases of
# vcvtps2ph up.  $BOCHS names one that is not in PATH, $BXSHARE the folder of
# its BIOS.  Exits 77 when something of that is missing.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-$here/../../build}")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

skip() {
	echo "$1"
	exit 77
}

has_avx512() {
	grep -qw avx512f /proc/cpuinfo && grep -qw avx512bw /proc/cpuinfo &&
		grep -qw avx512vl /proc/cpuinfo
}

# What runs, here or in the emulator, where the programs are: sh, not bash.
cases() {
	cat <<-'CASES'
		export CK_FORK=no
		one() {
			name=$1
			shift
			if env "$@" >log 2>&1; then
				echo "passed  $name: $(tail -n 1 log)"
			else
				echo "failed  $name"
				tail -n 15 log
			fi
		}
		one present grep -m 1 -ow avx512vl /proc/cpuinfo
		one kernels ./test_kernel
		one kernels-asked-for ADAPTCACHE_ISA=avx512 ./test_kernel
		one tiles CK_RUN_CASE=isas ./test_grid
		one golden ADAPTCACHE_ISA=avx512 ./test_golden golden
		echo "all were run"
	CASES
}

# stage DIR - the programs and what they read
stage() {
	mkdir -p "$1"
	cp "$build"/tests/unit/test_{kernel,grid,golden} "$1"
	cp -r "$here/../golden" "$1"
	cases >"$1/cases"
}

# need FILE PACKAGE - skips when Debian's package is not there
need() {
	[ -e "$1" ] || skip "no AVX-512 here, and no $2 to emulate it"
}

# The first process: all of a system that the tests need.
make_root() {
	local root=$1 lib
	stage "$root/tests"
	mkdir -p "$root"/{bin,proc,tmp}
	cp /bin/busybox "$root/bin"
	ldd "$root"/tests/test_* | grep -o '/[^ ]*\.so[^ ]*' | sort -u |
		while read -r lib; do
			install -D "$lib" "$root$lib"
		done
	cat >"$root/init" <<-'INIT'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin
		mount -t proc proc /proc
		cd /tests
		sh ./cases
		sleep 1
		poweroff -f
	INIT
	chmod +x "$root/init"
}

# Bochs errs on the size of a compacted XSAVE area, and Linux would then
# do without AVX: so it may not use one.
make_cd() {
	local cd=$tmp/cd
	mkdir -p "$cd"
	(cd "$tmp/root" && find . | busybox cpio -o -H newc 2>"$tmp/cpio" |
		gzip -1) >"$cd/initrd"
	cp "$KERNEL_IMAGE" "$cd/vmlinuz"
	cp /usr/lib/ISOLINUX/isolinux.bin \
		/usr/lib/syslinux/modules/bios/ldlinux.c32 "$cd"
	cat >"$cd/isolinux.cfg" <<-'CFG'
		DEFAULT tests
		LABEL tests
		 KERNEL vmlinuz
		 INITRD initrd
		 APPEND console=ttyS0 quiet loglevel=1 mitigations=off noxsaves clearcpuid=xsavec
	CFG
	genisoimage -quiet -o "$tmp/cd.iso" -b isolinux.bin -c boot.cat \
		-no-emul-boot -boot-load-size 4 -boot-info-table "$cd"
}

# The versions that round as processors do.
is_new() {
	"$BOCHS" --help cpu 2>&1 | grep -qE 'Emulator ([3-9]|[1-9][0-9])\.'
}

# Debian's Bochs has its debugger built in, which waits for a word; the screen
# is a terminal that stops it when nobody reads there.
emulate() {
	cat >"$tmp/bochsrc" <<-RC
		megs: 256
		romimage: file=$BXSHARE/BIOS-bochs-latest
		vgaromimage: file=$BXSHARE/VGABIOS-lgpl-latest
		cpu: model=corei7_skylake_x, ips=50000000, reset_on_triple_fault=0
		ata0-master: type=cdrom, path=$tmp/cd.iso, status=inserted
		boot: cdrom
		com1: enabled=1, mode=file, dev=$tmp/serial
		display_library: term
		log: $tmp/bochs.log
		panic: action=fatal
		error: action=ignore
		info: action=ignore
	RC
	echo continue >"$tmp/go"
	TERM=xterm timeout 1800 "$BOCHS" -q -f "$tmp/bochsrc" -rc "$tmp/go" \
		</dev/null >"$tmp/bochs.out" 2>&1 &
	while kill -0 $! 2>"$tmp/kill" && ! grep -q '/dev/pts/' "$tmp/bochs.out"; do
		sleep 1
	done
	cat "$(grep -o '/dev/pts/[0-9]*' "$tmp/bochs.out")" >"$tmp/screen" 2>&1 ||
		true # what a terminal says when its other side is closed
	wait $! || true # 1 is its word for "off"
	[ -e "$tmp/serial" ] || mv "$tmp/bochs.out" "$tmp/serial"
	tr -d '\r' <"$tmp/serial"
}

if has_avx512; then
	stage "$tmp/tests"
	(cd "$tmp/tests" && sh ./cases) >"$tmp/out"
else
	KERNEL_IMAGE=${KERNEL_IMAGE:-$(find /boot -name 'vmlinuz-*' 2>"$tmp/find" |
		sort -V | tail -n 1 || true)}
	need "$KERNEL_IMAGE" "Linux kernel (\$KERNEL_IMAGE)"
	BOCHS=${BOCHS:-$(command -v bochs-bin || true)}
	BXSHARE=${BXSHARE:-/usr/share/bochs}
	need "$BOCHS" bochs
	need "$BXSHARE/BIOS-bochs-latest" bochsbios
	need /bin/busybox busybox-static
	need /usr/bin/genisoimage genisoimage
	need /usr/lib/ISOLINUX/isolinux.bin isolinux
	need /usr/lib/syslinux/modules/bios/ldlinux.c32 syslinux-common
	is_new || skip "no AVX-512 here, and this Bochs is older than 3.0"
	make_root "$tmp/root"
	make_cd
	emulate >"$tmp/out"
fi

cat "$tmp/out"
passed=$(grep -c '^passed  ' "$tmp/out" || true)
failed=$(grep -c '^failed  ' "$tmp/out" || true)
if ! grep -qx 'all were run' "$tmp/out"; then
	echo "failed  the emulator stopped before the end"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
