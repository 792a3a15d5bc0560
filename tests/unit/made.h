/*
 * made.h - containers made in memory, as packing would write them, and others
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <xxhash.h>

#include "codec/head.h"
#include "codec/mem.h"
#include "codec/scratch.h"
#include "codec/tile.h"
#include "fs/store/cut.h"

#define MADE_AT_TABLE_SUM 144
#define MADE_AT_HEAD_SUM  152

/* Zeroed: as packing does it. */
struct made_how {
	const char *codec;    /* takes every tile it can; NULL: what suits */
	const uint8_t *shift; /* as in struct shape, for that codec */
	uint32_t tile_rows;   /* of every extent; 0: what suits */
	uint8_t more_layers;  /* bit l: bytes that nobody needs in layer l */
	bool window;          /* made to be cut, and the recent tiles last */
	const struct source *facts; /* beside the bytes; NULL: none */
};

/* A container, whole.  made_done. */
struct made {
	struct head head;
	uint8_t *at;
	size_t len;
};

static inline int made_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	memcpy(dst, (const uint8_t *)ctx + off, len);
	return 0;
}

static inline void made_done(struct made *m)
{
	free(m->at);
	head_done(&m->head);
	*m = (struct made){ 0 };
}

static inline int made_tile(struct made *m, uint32_t t, const uint8_t *plain,
			    const struct made_how *how, struct scratch *ws,
			    uint8_t *dst, struct coded *ret)
{
	struct shape s = head_shape(&m->head, t);
	const uint8_t *src = plain + head_tile_off(&m->head, t);
	const struct codec *codec =
	    how->codec ? codec_by_name(how->codec) : NULL;
	struct head_tile *tile = &m->head.tiles[t];
	int r = -E2BIG;

	s.shift = how->shift;
	if (codec)
		r = codec->encode(&s, src, ws, dst, tile_bound(&s), ret);
	if (r == 0)
		tile->codec = codec->id;
	else
		r = tile_encode(&s, src, ws, dst, tile_bound(&s), &tile->codec,
				ret);
	if (r == 0 && how->window) {
		const struct head_extent *e = &m->head.extents[tile->extent];

		tile_keep(tile->codec, ret);
		if (t - e->first_tile >= head_recent(e))
			tile_recent(tile->codec, ret);
	}
	if (r == 0)
		memcpy(tile->len, ret->len, sizeof(tile->len));
	return r;
}

/* Byte i of what layer l of tile t is filled with, if nobody needs it. */
static inline uint8_t made_filler(unsigned l, uint32_t t, uint32_t i)
{
	return (uint8_t)(l * 71 + t * 31 + i * 7);
}

/* A tile of zeros has no bytes at all. */
static inline void made_more(struct head_tile *tile, uint32_t t, uint8_t layers)
{
	for (unsigned l = 0; l < LAYER_EXACT; l++)
		if (layers & 1u << l && tile->codec != CODEC_ZERO)
			tile->len[l] = (t + l) % 4 * 9;
}

/* Copies the tiles' layers, which lie back to back, to their places. */
static inline void made_fill(struct made *m, const uint8_t *bytes,
			     const struct coded *coded)
{
	struct head *h = &m->head;

	for (uint32_t t = 0; t < h->n_tiles; t++)
		for (unsigned l = 0; l < N_LAYERS; l++) {
			struct head_tile *tile = &h->tiles[t];
			uint32_t len = tile->len[l];
			uint8_t *dst = m->at + h->section[l].off + tile->off[l];

			if (!len)
				continue;
			for (uint32_t i = 0; !coded[t].len[l] && i < len; i++)
				dst[i] = made_filler(l, t, i);
			memcpy(dst, bytes, coded[t].len[l]);
			bytes += coded[t].len[l];
			tile->sum[l] = XXH3_64bits(dst, len);
		}
}

/* The largest error of its tiles is the extent's. */
static inline void made_errors(struct head *h, const struct coded *coded)
{
	for (uint32_t t = 0; t < h->n_tiles; t++)
		for (unsigned l = 0; l < N_LAYERS; l++) {
			float *e = &h->extents[h->tiles[t].extent].error[l];

			if (coded[t].error[l] > *e)
				*e = coded[t].error[l];
		}
}

static inline int made_tiles(struct made *m, const uint8_t *plain,
			     const struct made_how *how, uint8_t *dst,
			     struct coded *ret)
{
	struct scratch *ws = scratch_new();
	int r = ws ? 0 : -ENOMEM;

	for (uint32_t t = 0; r == 0 && t < m->head.n_tiles; t++) {
		r = made_tile(m, t, plain, how, ws, dst, &ret[t]);
		for (unsigned l = 0; r == 0 && l < N_LAYERS; l++)
			dst += ret[t].len[l];
		if (how->more_layers)
			made_more(&m->head.tiles[t], t, how->more_layers);
	}
	scratch_free(ws);
	return r;
}

/* Encodes all tiles and lays the container out.  m->head has its extents. */
static inline int made_pack(struct made *m, const uint8_t *plain,
			    const struct made_how *how)
{
	auto_free uint8_t *bytes = malloc(m->head.logical_size + 1);
	int r = bytes ? head_cut(&m->head) : -ENOMEM;
	auto_free struct coded *coded =
	    calloc(m->head.n_tiles + 1u, sizeof(*coded));

	if (r == 0)
		r = coded ? made_tiles(m, plain, how, bytes, coded) : -ENOMEM;
	if (r < 0)
		return r;

	made_errors(&m->head, coded);
	head_place(&m->head);
	m->len = m->head.file_len;
	m->at = calloc(1, m->len);
	if (!m->at)
		return -ENOMEM;
	made_fill(m, bytes, coded);
	head_pack(&m->head, m->at);
	return 0;
}

/* A container of the plain bytes.  Returns 0 or -errno; made_done in any case.
 */
static inline int made_container(struct made *m, const uint8_t *plain,
				 size_t len, const struct made_how *how)
{
	struct source src = how->facts ? *how->facts : (struct source){ 0 };

	src.size = len;
	src.read = made_read;
	src.ctx = (void *)(uintptr_t)plain;

	*m = (struct made){ .head = { .logical_size = len, .entry_id = 4711 } };
	int r = cut_extents(&src, &m->head);

	for (uint32_t i = 0; how->tile_rows && i < m->head.n_extents; i++)
		m->head.extents[i].tile_rows = how->tile_rows;
	return r == 0 ? made_pack(m, plain, how) : r;
}

/* Makes both sums of the head right again. */
static inline void made_seal(struct made *m)
{
	size_t len = load32(m->at + 12);

	if (len >= HEAD_FIXED_BYTES && len <= m->len)
		store64(m->at + MADE_AT_TABLE_SUM,
			XXH3_64bits(m->at + HEAD_FIXED_BYTES,
				    len - HEAD_FIXED_BYTES));
	store64(m->at + MADE_AT_HEAD_SUM, XXH3_64bits(m->at, MADE_AT_HEAD_SUM));
}
