/*
 * lmcache.h - the orders of axes that LMCache numbers
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "codec/layout/axes.h"

#define LMCACHE_DIMS 4

/*
 * The axes of one of LMCache's memory formats with this shape, dimensions that
 * it has not being 0 or 1.  Returns false for formats that hold no KV (what
 * another codec made, hidden states), and for a shape that is not the format's.
 */
bool lmcache_axes(uint64_t format, const uint64_t shape[LMCACHE_DIMS],
		  struct axes *ret);
