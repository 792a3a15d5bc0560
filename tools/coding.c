/* coding.c - a tile by the codec that is wanted, if that takes it */
#include "tools/coding.h"

#include <errno.h>

#include "codec/tile.h"

bool coding_layered(uint8_t codec)
{
	const struct codec *c = codec_by_id(codec);

	return c && c->layered;
}

int coding_encode(const struct codec *wanted, const struct shape *shape,
		  const void *src, struct scratch *ws, void *dst,
		  size_t dst_cap, uint8_t *ret_codec, struct coded *ret)
{
	size_t len = shape_bytes(shape), worth = len - len / 16;
	int r = -E2BIG;

	if (worth > dst_cap)
		worth = dst_cap;
	if (wanted && elem_bytes(shape->elem) == 2 &&
	    codec_choose(shape, src)->id != CODEC_ZERO)
		r = wanted->encode(shape, src, ws, dst, worth, ret);
	if (r == -E2BIG)
		return tile_encode(shape, src, ws, dst, dst_cap, ret_codec,
				   ret);
	if (r == 0)
		*ret_codec = wanted->id;
	return r;
}

struct coded_view coding_view(const struct coded *coded, const uint8_t *at,
			      unsigned n_layers)
{
	struct coded_view view = { .n_layers = n_layers };

	for (unsigned l = 0; l < n_layers; l++) {
		view.layer[l] = at;
		view.len[l] = coded->len[l];
		at += coded->len[l];
	}
	return view;
}
