/*
 * tile.h - the face of the codecs: one tile to bytes and back
 *
 * How long a tile is, which codec takes it, and what happens when none helps.
 * Thread-safe for different scratches.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

struct scratch;

/*
 * Rows of a whole tile of an extent with cols elements per row: a power of
 * two, or for ELEM_U8 (cols is 1) the bytes of an opaque tile.  The last tile
 * of an extent is shorter.  0: a row does not fit into TILE_MAX_BYTES (or elem
 * is unknown); then the extent's bytes are tiled as opaque ones.
 */
uint32_t tile_rows(uint8_t elem, uint32_t cols);

/* Whether every function below may be given this shape. */
bool shape_valid(const struct shape *shape);

/* Bytes that tile_encode needs at most, whatever the contents. */
size_t tile_bound(const struct shape *shape);

/*
 * Encodes with the codec that suits; raw when that saves less than 1/16.  A
 * layered codec that declines the tile leaves it to a bit-exact one.
 * shape is valid.  Returns 0, -ENOMEM, or -E2BIG, which cannot be when dst_cap
 * is at least tile_bound.
 */
int tile_encode(const struct shape *shape, const void *src, struct scratch *ws,
		void *dst, size_t dst_cap, uint8_t *ret_codec_id,
		struct coded *ret);

/*
 * Where layers of a container may be dropped, a tile that has only one rate
 * must outlive them: moves its bytes from LAYER_EXACT to LAYER_HEAD.  Does
 * nothing to a tile of a layered codec.
 */
void tile_keep(uint8_t codec_id, struct coded *coded);

/*
 * Where a container has a window, a recent tile reads at its base before the
 * others do: moves the bytes of LAYER_BASE to LAYER_WINDOW.  Does nothing to a
 * tile that has only one rate.
 */
void tile_recent(uint8_t codec_id, struct coded *coded);

/*
 * Whether the tile's first layers up to LAYER_WINDOW say no more than its
 * channels' means: its tokens are dropped there.
 */
bool tile_drops(uint8_t codec_id, const uint32_t len[N_LAYERS]);

/* Whether the tile still reads with only its first n_layers layers. */
bool tile_survives(uint8_t codec_id, const uint32_t len[N_LAYERS],
		   unsigned n_layers);

/*
 * Fills dst (shape_bytes long) from what lies on disk; shape is valid, nothing
 * else need be.  Returns 0, -EOPNOTSUPP (no such codec), -EBADMSG (dst is then
 * undefined) or -ENOMEM.
 */
int tile_decode(uint8_t codec_id, const struct shape *shape,
		const struct coded_view *in, struct scratch *ws, void *dst);
