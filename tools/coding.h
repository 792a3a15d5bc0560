/*
 * coding.h - a tile by the codec that is wanted, if that takes it
 *
 * Thread-safe for different scratches.
 */
#pragma once

#include <stdbool.h>

#include "codec/codec.h"

/* Whether fewer layers than all of this codec decode. */
bool coding_layered(uint8_t codec);

/*
 * Encodes by `wanted` if it is not NULL, the elements have 16 bits and it saves
 * 1/16; else as a mount does.  Returns as tile_encode.
 */
int coding_encode(const struct codec *wanted, const struct shape *shape,
		  const void *src, struct scratch *ws, void *dst,
		  size_t dst_cap, uint8_t *ret_codec, struct coded *ret);

/* The first n_layers layers of what lies back to back at `at`. */
struct coded_view coding_view(const struct coded *coded, const uint8_t *at,
			      unsigned n_layers);
