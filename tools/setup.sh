#!/bin/bash
# setup.sh - installs what building and testing AdaptCache needs, once
#
# For Debian 12 or newer, as root or with sudo.  Asks the network only for what
# is missing; with everything there it ends at once and works offline.
#
# FUSE passthrough needs libfuse >= 3.17.  Where the distribution's is older,
# the source package of Debian's next release is built as a static library
# under $ADAPTCACHE_PREFIX (tools/env.sh), verified by the keys that this
# machine's apt already trusts and fetched from the archive that it already
# uses.  Without it the build falls back to the distribution's libfuse.
#
# --peers adds what tools/bench.sh compares with: btrfs's and squashfs's tools,
# and the passthrough example of the same libfuse source, kept in
# $ADAPTCACHE_PREFIX/peers.  Their absence leaves rows out; it stops nothing.
#
# usage: tools/setup.sh [--no-fuse] [--peers]
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/env.sh

WANT_FUSE=3.17
SOURCE_SUITE=trixie # the first release of Debian with libfuse >= WANT_FUSE

PACKAGES=(gcc clang meson ninja-build pkg-config liblz4-dev libzstd-dev
	libxxhash-dev check fuse3 libfuse3-dev python3 python3-venv attr
	dpkg-dev xz-utils)
# Their absence skips a check; it does not stop the build.
OPTIONAL=(clang-format shellcheck fio perl)
PEERS=(btrfs-progs squashfs-tools g++)

say() { echo "setup: $*"; }

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# missing PACKAGE... - those that are not installed
missing() {
	local p
	for p; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null |
			grep -qx installed || echo "$p"
	done
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends "$@" >"$log" 2>&1
}

# Installs the missing ones, all together or else one by one.
install_packages() {
	local kind=$1 lack p
	shift
	mapfile -t lack < <(missing "$@")
	[ ${#lack[@]} -gt 0 ] || return 0
	say "installing ${lack[*]}"
	if [ -z "${updated:-}" ]; then
		as_root apt-get update -q >"$log" 2>&1 ||
			say "the package lists cannot be refreshed (offline?)"
		updated=1
	fi
	apt_install "${lack[@]}" && return 0
	for p in "${lack[@]}"; do
		apt_install "$p" || true
	done
	mapfile -t lack < <(missing "$@")
	[ ${#lack[@]} -gt 0 ] || return 0
	say "cannot install the $kind packages: ${lack[*]}"
	[ "$kind" = optional ] || { tail -n 5 "$log"; return 1; }
}

fuse_new_enough() { pkg-config --atleast-version="$WANT_FUSE" fuse3; }

# The archive that holds the release this machine runs, as apt knows it.
archive_uri() {
	local codename
	# shellcheck disable=SC1091
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016 # the fields are apt's
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' |
		awk -v c="$codename" '$1 == c && $2 == "main" { print $3; exit }'
}

# Downloads and unpacks the source package fuse3 into $1, signatures verified.
fetch_source() {
	local dir=$1 uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -r "$keyring" ] || keyring=
	uri=$(archive_uri)
	[ -n "$uri" ] || { say "apt knows no Debian archive"; return 1; }
	mkdir -p "$dir"/{lists,cache}/partial
	echo "deb-src ${keyring:+[signed-by=$keyring]} $uri $SOURCE_SUITE main" \
		>"$dir/sources.list"
	local apt=(apt-get -q -o "Dir::Etc::SourceList=$dir/sources.list"
		-o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$dir/lists"
		-o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root
		-o APT::Update::Error-Mode=any)
	"${apt[@]}" update &&
		(cd "$dir" && "${apt[@]}" source --download-only fuse3) &&
		dpkg-source --no-check -x "$dir"/fuse3_*.dsc "$dir/src"
}

build_fuse() {
	local dir=$1
	fetch_source "$dir" &&
		meson setup "$dir/build" "$dir/src" --prefix="$ADAPTCACHE_PREFIX/fuse3" --libdir=lib \
			--buildtype=release -Ddefault_library=static -Dutils=false \
			-Dexamples=false -Dtests=false &&
		DESTDIR=$dir/stage ninja -C "$dir/build" install
}

# The example, linked against the library it comes with.
build_peer() {
	local dir=$tmp/peer
	fetch_source "$dir" &&
		meson setup "$dir/build" "$dir/src" --buildtype=release \
			-Ddefault_library=static -Dutils=false -Dexamples=true -Dtests=false &&
		ninja -C "$dir/build" example/passthrough_hp &&
		install -D -t "$ADAPTCACHE_PREFIX/peers" "$dir/build/example/passthrough_hp"
}

peers() {
	install_packages optional "${PEERS[@]}"
	[ ! -x "$ADAPTCACHE_PREFIX/peers/passthrough_hp" ] || return 0
	say "building libfuse's passthrough example"
	build_peer >"$log" 2>&1 || say "it cannot be built: going on without it"
}

# A program linked against the library must run and say the same version.
try_fuse() {
	local pc=$1/lib/pkgconfig version
	version=$(PKG_CONFIG_PATH=$pc pkg-config --modversion fuse3)
	cat >"$tmp/try.c" <<-'C'
		#define FUSE_USE_VERSION 317
		#include <fuse_lowlevel.h>
		#include <stdio.h>
		int main(void)
		{
			puts(fuse_pkgversion());
			return !fuse_passthrough_open;
		}
	C
	# shellcheck disable=SC2046 # flags are words
	gcc "$tmp/try.c" -o "$tmp/try" \
		$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs fuse3) &&
		[ "$("$tmp/try")" = "$version" ]
}

private_fuse() {
	fuse_new_enough && return 0
	say "building libfuse >= $WANT_FUSE (the distribution has $(pkg-config --modversion fuse3))"
	if ! build_fuse "$tmp/fuse" >"$log" 2>&1; then
		say "no newer libfuse (offline, or the archive has none): going on without passthrough"
		grep -E '^(E|Err|ERROR)' "$log" | tail -n 2 || true
		return 0
	fi
	rm -rf "$ADAPTCACHE_PREFIX/fuse3"
	mkdir -p "$ADAPTCACHE_PREFIX"
	mv "$tmp/fuse/stage$ADAPTCACHE_PREFIX/fuse3" "$ADAPTCACHE_PREFIX/fuse3"
	if ! try_fuse "$ADAPTCACHE_PREFIX/fuse3" >"$log" 2>&1; then
		rm -rf "$ADAPTCACHE_PREFIX/fuse3"
		say "the libfuse built does not work: going on without passthrough"
		tail -n 2 "$log"
	fi
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
log=$tmp/log

fuse=private_fuse more=:
for arg; do
	case $arg in
	--no-fuse) fuse=: ;;
	--peers) more=peers ;;
	*) say "usage: tools/setup.sh [--no-fuse] [--peers]"; exit 2 ;;
	esac
done

install_packages needed "${PACKAGES[@]}"
install_packages optional "${OPTIONAL[@]}"
$fuse
$more
. tools/env.sh
say "libfuse $(pkg-config --modversion fuse3)"
echo "PKG_CONFIG_PATH=${PKG_CONFIG_PATH:-}"
