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

/* With one codec, if what it makes is worth having. */
static int tile_try(const struct codec *codec, const struct shape *shape,
		    const void *src, struct scratch *ws, void *dst,
		    size_t dst_cap, struct coded *ret)
{
	size_t len = shape_bytes(shape);
	size_t worth = codec->id == CODEC_RAW ? len : len - len / 16;

	return codec->encode(shape, src, ws, dst,
			     worth < dst_cap ? worth : dst_cap, ret);
}

int tile_encode(const struct shape *shape, const void *src, struct scratch *ws,
		void *dst, size_t dst_cap, uint8_t *ret_codec_id,
		struct coded *ret)
{
	const struct codec *codec = codec_choose(shape, src);
	int r = tile_try(codec, shape, src, ws, dst, dst_cap, ret);

	if (r == -E2BIG && codec->layered) {
		struct shape exact = *shape;

		exact.step = 0;
		codec = codec_choose(&exact, src);
		r = tile_try(codec, &exact, src, ws, dst, dst_cap, ret);
	}
	if (r == -E2BIG) {
		codec = codec_by_id(CODEC_RAW);
		r = tile_try(codec, shape, src, ws, dst, dst_cap, ret);
	}
	if (r == 0)
		*ret_codec_id = codec->id;
	return r;
}

void tile_keep(uint8_t codec_id, struct coded *coded)
{
	const struct codec *codec = codec_by_id(codec_id);

	if (!codec || codec->layered)
		return;
	coded->len[LAYER_HEAD] = coded->len[LAYER_EXACT];
	coded->len[LAYER_EXACT] = 0;
}

void tile_recent(uint8_t codec_id, struct coded *coded)
{
	const struct codec *codec = codec_by_id(codec_id);

	if (!codec || !codec->layered)
		return;
	coded->len[LAYER_WINDOW] = coded->len[LAYER_BASE];
	coded->error[LAYER_WINDOW] = coded->error[LAYER_BASE];
	coded->len[LAYER_BASE] = 0;
}

bool tile_drops(uint8_t codec_id, const uint32_t len[N_LAYERS])
{
	const struct codec *codec = codec_by_id(codec_id);

	return codec && codec->layered && len[LAYER_BASE];
}

bool tile_survives(uint8_t codec_id, const uint32_t len[N_LAYERS],
		   unsigned n_layers)
{
	const struct codec *codec = codec_by_id(codec_id);

	if (codec && codec->layered)
		return n_layers > LAYER_HEAD;
	for (unsigned l = n_layers; l < N_LAYERS; l++)
		if (len[l])
			return false;
	return true;
}

/* The one rate of a codec that has only one, wherever it is kept. */
static struct coded_view tile_only_rate(const struct coded_view *in)
{
	struct coded_view v = { .n_layers = N_LAYERS };
	unsigned l = in->len[LAYER_EXACT] ? LAYER_EXACT : LAYER_HEAD;

	v.layer[LAYER_EXACT] = in->layer[l];
	v.len[LAYER_EXACT] = in->len[l];
	return v;
}

/* A recent tile's base, which lies in the window, back where codecs want it. */
static struct coded_view tile_from_window(const struct coded_view *in)
{
	struct coded_view v = *in;

	v.layer[LAYER_BASE] = in->layer[LAYER_WINDOW];
	v.len[LAYER_BASE] = in->len[LAYER_WINDOW];
	v.len[LAYER_WINDOW] = 0;
	if (v.n_layers == LAYER_WINDOW + 1)
		v.n_layers = LAYER_BASE + 1;
	return v;
}

int tile_decode(uint8_t codec_id, const struct shape *shape,
		const struct coded_view *in, struct scratch *ws, void *dst)
{
	const struct codec *codec = codec_by_id(codec_id);

	if (!codec)
		return -EOPNOTSUPP;
	if (codec->layered && in->len[LAYER_WINDOW]) {
		struct coded_view recent = tile_from_window(in);

		if (in->len[LAYER_BASE])
			return -EBADMSG;
		return codec->decode(shape, &recent, ws, dst);
	}
	if (codec->layered || codec_id == CODEC_ZERO)
		return codec->decode(shape, in, ws, dst);

	struct coded_view only = tile_only_rate(in);
	return codec->decode(shape, &only, ws, dst);
}
