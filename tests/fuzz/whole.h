/*
 * whole.h - a client's file as the mount would take it: recognised, cut, coded,
 * decoded, the same
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/layout/layout.h"
#include "codec/mem.h"
#include "codec/scratch.h"
#include "codec/tile.h"

struct whole {
	const uint8_t *data;
	size_t len;
};

/* The source's ctx is a struct whole, first of all. */
static inline int whole_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct whole *f = ctx;

	if (off > f->len || len > f->len - off)
		abort();
	memcpy(dst, f->data + off, len);
	return 0;
}

static inline void whole_tile(const struct shape *shape, const uint8_t *src,
			      struct scratch *ws)
{
	size_t len = shape_bytes(shape);
	auto_free uint8_t *dst = malloc(tile_bound(shape));
	auto_free uint8_t *back = malloc(len);
	struct coded_view in = { .n_layers = N_LAYERS };
	struct coded coded;
	uint8_t codec;

	if (!shape_valid(shape) || !dst || !back)
		abort();
	if (tile_encode(shape, src, ws, dst, tile_bound(shape), &codec,
			&coded) < 0)
		abort();
	for (size_t l = 0, at = 0; l < N_LAYERS; at += coded.len[l++]) {
		in.layer[l] = dst + at;
		in.len[l] = coded.len[l];
	}
	if (tile_decode(codec, shape, &in, ws, back) < 0 ||
	    memcmp(back, src, len) != 0)
		abort();
}

/* Bytes from off as rows of this shape, tile by tile. */
static inline void whole_code(const struct whole *f, uint64_t off, uint64_t len,
			      struct shape shape, struct scratch *ws)
{
	uint32_t rows = tile_rows(shape.elem, shape.cols);

	if (!rows) {
		shape = (struct shape){ .elem = ELEM_U8, .cols = 1 };
		rows = tile_rows(ELEM_U8, 1);
	}
	uint64_t row = shape.cols * elem_bytes(shape.elem);

	for (uint64_t at = 0; at < len; at += shape.rows * row) {
		shape.rows = rows;
		if (rows > (len - at) / row)
			shape.rows = (uint32_t)((len - at) / row);
		whole_tile(&shape, f->data + off + at, ws);
		shape.first_row += shape.rows;
	}
}

/* Extents are whole rows inside the file, in order, apart; all comes back. */
static inline void whole_check(const struct source *src)
{
	const struct whole *f = src->ctx;
	struct shape opaque = { .elem = ELEM_U8, .cols = 1 };
	struct scratch *ws = scratch_new();
	const struct layout *layout;
	struct extents list;
	uint64_t end = 0;

	if (!ws || layout_recognise(src, &layout, &list) < 0)
		abort();
	for (size_t i = 0; i < list.n; i++) {
		const struct extent *e = &list.at[i];
		struct shape shape = { .elem = e->elem,
				       .role = e->role,
				       .cols = e->cols };

		if (!e->len || e->off < end || e->off > f->len ||
		    e->len > f->len - e->off)
			abort();
		if (!e->cols || e->len % (e->cols * elem_bytes(e->elem)))
			abort();
		whole_code(f, end, e->off - end, opaque, ws);
		whole_code(f, e->off, e->len, shape, ws);
		end = e->off + e->len;
	}
	whole_code(f, end, f->len - end, opaque, ws);
	extents_done(&list);
	scratch_free(ws);
}
