/*
 * codec_grid.c - the grid codec: one coding, many rates
 *
 * The format is in grid.h.
 */
#include "codec/codec_grid.h"

#include "codec/grid_layers.h"

static int grid_encode_default(const struct shape *shape, const void *src,
			       struct scratch *ws, void *dst, size_t dst_cap,
			       struct coded *ret)
{
	return codec_grid_encode_step(shape, src, GRID_STEP_108, ws,
				      &(struct out){ dst, (uint8_t *)dst +
								  dst_cap,
						     false },
				      ret);
}

const struct codec codec_grid = {
	.id = 4,
	.name = "grid",
	.encode = grid_encode_default,
	.decode = grid_decode,
};
