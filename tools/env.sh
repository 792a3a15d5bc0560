# env.sh - where the project keeps what it built or fetched outside the tree
#
# Sourced, never run:  . tools/env.sh
# Sets ADAPTCACHE_PREFIX, and PKG_CONFIG_PATH so that meson finds the private
# libfuse that tools/setup.sh may have built there.
# shellcheck shell=sh

ADAPTCACHE_PREFIX=${ADAPTCACHE_PREFIX:-${XDG_CACHE_HOME:-$HOME/.cache}/adaptcache}
export ADAPTCACHE_PREFIX

if [ -f "$ADAPTCACHE_PREFIX/fuse3/lib/pkgconfig/fuse3.pc" ]; then
	case ":${PKG_CONFIG_PATH:-}:" in
	*":$ADAPTCACHE_PREFIX/fuse3/lib/pkgconfig:"*) ;;
	*) PKG_CONFIG_PATH="$ADAPTCACHE_PREFIX/fuse3/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" ;;
	esac
	export PKG_CONFIG_PATH
fi
