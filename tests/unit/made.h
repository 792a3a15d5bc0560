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
	const char *codec;   /* takes every tile it can; NULL: what suits */
	uint32_t tile_rows;  /* of every extent; 0: what suits */
	uint8_t more_layers; /* bit l: bytes that nobody needs in layer l */
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
			    uint8_t *dst)
{
	struct shape s = head_shape(&m->head, t);
	const uint8_t *src = plain + head_tile_off(&m->head, t);
	const struct codec *codec =
	    how->codec ? codec_by_name(how->codec) : NULL;
	struct head_tile *tile = &m->head.tiles[t];
	struct coded coded;
	int r = -E2BIG;

	if (codec)
		r = codec->encode(&s, src, ws, dst, tile_bound(&s), &coded);
	if (r == 0)
		tile->codec = codec->id;
	else
		r = tile_encode(&s, src, ws, dst, tile_bound(&s), &tile->codec,
				&coded);
	if (r == 0)
		memcpy(tile->len, coded.len, sizeof(tile->len));
	return r;
}

/* Byte i of what layer l of tile t is filled with, if nobody needs it. */
static inline uint8_t made_filler(unsigned l, uint32_t t, uint32_t i)
{
	return (uint8_t)(l * 71 + t * 31 + i * 7);
}

/* Copies the tiles' layers to their places, and sums them. */
static inline void made_fill(struct made *m, const uint8_t *coded,
			     uint8_t more_layers)
{
	struct head *h = &m->head;

	for (uint32_t t = 0; t < h->n_tiles; t++)
		for (unsigned l = 0; l < N_LAYERS; l++) {
			struct head_tile *tile = &h->tiles[t];
			uint32_t len = tile->len[l];
			uint8_t *dst = m->at + h->section[l].off + tile->off[l];
			bool filler = more_layers & 1u << l;

			if (!len)
				continue;
			for (uint32_t i = 0; filler && i < len; i++)
				dst[i] = made_filler(l, t, i);
			if (!filler) {
				memcpy(dst, coded, len);
				coded += len;
			}
			tile->sum[l] = XXH3_64bits(dst, len);
		}
}

/* A tile of zeros has no bytes at all. */
static inline void made_more(struct head_tile *tile, uint32_t t, uint8_t layers)
{
	for (unsigned l = 0; l < LAYER_EXACT; l++)
		if (layers & 1u << l && tile->codec != CODEC_ZERO)
			tile->len[l] = (t + l) % 4 * 9;
}

/* Encodes all tiles and lays the container out.  m->head has its extents. */
static inline int made_pack(struct made *m, const uint8_t *plain,
			    const struct made_how *how)
{
	struct scratch *ws = scratch_new();
	auto_free uint8_t *coded = malloc(m->head.logical_size + 1);
	size_t len = 0;
	int r = ws && coded ? head_cut(&m->head) : -ENOMEM;

	for (uint32_t t = 0; r == 0 && t < m->head.n_tiles; t++) {
		r = made_tile(m, t, plain, how, ws, coded + len);
		for (unsigned l = 0; l < N_LAYERS; l++)
			len += m->head.tiles[t].len[l];
		made_more(&m->head.tiles[t], t, how->more_layers);
	}
	scratch_free(ws);
	if (r < 0)
		return r;

	head_place(&m->head);
	m->len = m->head.file_len;
	m->at = calloc(1, m->len);
	if (!m->at)
		return -ENOMEM;
	made_fill(m, coded, how->more_layers);
	head_pack(&m->head, m->at);
	return 0;
}

/* A container of the plain bytes.  Returns 0 or -errno; made_done in any case.
 */
static inline int made_container(struct made *m, const uint8_t *plain,
				 size_t len, const struct made_how *how)
{
	struct source src = { len, made_read, (void *)(uintptr_t)plain };

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
