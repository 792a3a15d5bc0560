/* tile.c - the face of the codecs: one tile to bytes and back */
#include "codec/tile.h"

#include <errno.h>

/* A read of one byte costs a whole tile; a larger one gains nothing. */
#define TILE_OPAQUE_BYTES (256u << 10)

/* More values per tile code better: 0.4 % from 256 tokens to 1024. */
#define TILE_BYTES (512u << 10)

/* Fewer tokens tell too little about a channel, if these fit at all. */
#define TILE_MIN_ROWS 256u

/* The largest power of two <= v, v >= 1. */
static uint32_t tile_floor_pow2(uint64_t v)
{
	return 1u << (63 - __builtin_clzll(v));
}

uint32_t tile_rows(uint8_t elem, uint32_t cols)
{
	uint64_t row = (uint64_t)cols * elem_bytes(elem);

	if (!row || row > TILE_MAX_BYTES)
		return 0;
	if (elem == ELEM_U8)
		return TILE_OPAQUE_BYTES;
	if (row * TILE_MIN_ROWS <= TILE_BYTES)
		return tile_floor_pow2(TILE_BYTES / row);
	if (row * TILE_MIN_ROWS <= TILE_MAX_BYTES)
		return TILE_MIN_ROWS;
	return tile_floor_pow2(TILE_MAX_BYTES / row);
}

bool shape_valid(const struct shape *shape)
{
	size_t elem = elem_bytes(shape->elem);

	if (!elem || shape->role > ROLE_V || !shape->rows || !shape->cols)
		return false;
	if (shape->elem == ELEM_U8 && shape->cols != 1)
		return false;
	if (shape->step != 0 &&
	    !(shape->step >= SHAPE_STEP_MIN && shape->step <= SHAPE_STEP_MAX))
		return false;
	return (uint64_t)shape->rows * shape->cols <= TILE_MAX_BYTES / elem;
}

size_t tile_bound(const struct shape *shape)
{
	return shape_bytes(shape);
}

int tile_encode(const struct shape *shape, const void *src, struct scratch *ws,
		void *dst, size_t dst_cap, uint8_t *ret_codec_id,
		struct coded *ret)
{
	const struct codec *raw = codec_by_id(CODEC_RAW);
	const struct codec *codec = codec_choose(shape, src);
	size_t len = shape_bytes(shape);
	size_t worth = len - len / 16;
	int r = -E2BIG;

	if (worth > dst_cap)
		worth = dst_cap;
	if (codec != raw)
		r = codec->encode(shape, src, ws, dst, worth, ret);
	if (r == -E2BIG) {
		codec = raw;
		r = codec->encode(shape, src, ws, dst, dst_cap, ret);
	}
	if (r == 0)
		*ret_codec_id = codec->id;
	return r;
}

int tile_decode(uint8_t codec_id, const struct shape *shape,
		const struct coded_view *in, struct scratch *ws, void *dst)
{
	const struct codec *codec = codec_by_id(codec_id);

	if (!codec)
		return -EOPNOTSUPP;
	return codec->decode(shape, in, ws, dst);
}
