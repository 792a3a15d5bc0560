/*
 * codec_grid.c - the grid codec: one coding, many rates
 *
 * The format is in grid.h.
 */
#include "codec/codecs.h"
#include "codec/grid_layers.h"

static int codec_grid_encode(const struct shape *shape, const void *src,
			     struct scratch *ws, void *dst, size_t dst_cap,
			     struct coded *ret)
{
	uint8_t *at = dst;
	struct out out = { .at = at, .end = at + dst_cap };

	return grid_encode(shape, src, ws, &out, ret);
}

const struct codec codec_grid = {
	.id = 4,
	.name = "grid",
	.layered = true,
	.encode = codec_grid_encode,
	.decode = grid_decode,
};
