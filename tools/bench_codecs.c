/* bench_codecs.c - memcpy, general compressors and our codecs, measured */
#include <errno.h>
#include <lz4.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "codec/scratch.h"
#include "codec/tile.h"
#include "tools/bench.h"
#include "tools/coding.h"
#include "tools/prefix.h"

static int codecs_copy(struct bench *b, const struct bench_method *m,
		       struct bench_row *row, unsigned run)
{
	double start = bench_now();

	(void)m;
	memcpy(b->dst, b->t.at, b->t.len);
	row->encode_s[run] = row->decode_s[run] = bench_now() - start;
	for (uint32_t i = 0; i < b->t.head.n_extents && run == 0; i++) {
		const struct head_extent *e = &b->t.head.extents[i];

		row->bytes[e->role] += (double)e->len;
	}
	return 0;
}

/* The layers' lengths, as if a container held these tensors alone. */
static void codecs_sizes(struct bench *b, struct bench_row *row,
			 unsigned n_layers)
{
	struct head *h = &b->t.head;
	uint64_t end = head_bytes(h), payload = 0;

	for (unsigned l = 0; l < n_layers; l++) {
		if (h->section[l].len)
			end = h->section[l].off + h->section[l].len;
		payload += h->section[l].len;
	}
	row->shared = (double)(end - payload);
	for (uint32_t t = 0; t < h->n_tiles; t++) {
		unsigned n =
		    coding_layered(b->tile[t].codec) ? n_layers : N_LAYERS;
		uint8_t role = h->extents[h->tiles[t].extent].role;

		for (unsigned l = 0; l < n; l++)
			row->bytes[role] += b->tile[t].coded.len[l];
	}
}

static void codecs_place(struct bench *b)
{
	struct head *h = &b->t.head;

	for (uint32_t t = 0; t < h->n_tiles; t++)
		memcpy(h->tiles[t].len, b->tile[t].coded.len,
		       sizeof(h->tiles[t].len));
	head_place(h);
}

static bool codecs_is_recent(const struct head *h, uint32_t tile)
{
	const struct head_extent *e = &h->extents[h->tiles[tile].extent];

	return tile - e->first_tile >= head_recent(e);
}

static int codecs_encode(struct bench *b, const struct bench_method *m,
			 double *ret_s)
{
	const struct head *h = &b->t.head;
	double start = bench_now();
	size_t pos = 0;

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		struct bench_tile *tile = &b->tile[t];
		struct shape shape = head_shape(h, t);

		shape.step = b->o->step;
		tile->pos = pos;
		int r = coding_encode(m->codec, &shape,
				      b->t.at + head_tile_off(h, t), b->ws,
				      b->coded + pos, b->coded_cap - pos,
				      &tile->codec, &tile->coded);
		if (r < 0)
			return r;
		if (codecs_is_recent(h, t))
			tile_recent(tile->codec, &tile->coded);
		for (unsigned l = 0; l < N_LAYERS; l++)
			pos += tile->coded.len[l];
	}
	*ret_s = bench_now() - start;
	return 0;
}

static int codecs_decode(struct bench *b, unsigned n_layers, double *ret_s)
{
	const struct head *h = &b->t.head;
	double start = bench_now();

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		const struct bench_tile *tile = &b->tile[t];
		struct shape shape = head_shape(h, t);
		struct coded_view in = coding_view(
		    &tile->coded, b->coded + tile->pos,
		    coding_layered(tile->codec) ? n_layers : N_LAYERS);
		int r = tile_decode(tile->codec, &shape, &in, b->ws,
				    b->dst + head_tile_off(h, t));

		if (r < 0)
			return r;
	}
	*ret_s = bench_now() - start;
	return 0;
}

/* One encoding, and a row for each rate that it can be read at. */
static int codecs_tiles(struct bench *b, const struct bench_method *m,
			struct bench_row *rows, unsigned run)
{
	double encode_s;
	int r = codecs_encode(b, m, &encode_s);

	if (r == 0)
		codecs_place(b);
	for (unsigned i = 0; r == 0 && i < m->n_rows; i++) {
		unsigned n_layers = N_LAYERS - m->n_rows + 1 + i;

		rows[i].encode_s[run] = encode_s;
		r = codecs_decode(b, n_layers, &rows[i].decode_s[run]);
		if (r == 0 && run == 0) {
			codecs_sizes(b, &rows[i], n_layers);
			r = bench_error(b, &rows[i]);
		}
		if (r == 0 && rows[i].exact &&
		    memcmp(b->dst, b->t.at, b->t.len))
			r = -EBADMSG;
	}
	return r;
}

/* Bytes of the compressed tile; 0: it is no smaller. */
static size_t codecs_compress(struct bench *b, int level, const uint8_t *src,
			      size_t len, uint8_t *dst, size_t cap)
{
	size_t n;

	if (!level) {
		int got = LZ4_compress_default((const char *)src, (char *)dst,
					       (int)len, (int)cap);

		n = got < 0 ? 0 : (size_t)got;
	} else {
		n = ZSTD_compressCCtx(scratch_cctx(b->ws), dst, cap, src, len,
				      level);
	}
	return n < len ? n : 0; /* an error of zstd is a huge number */
}

static bool codecs_expand(struct bench *b, int level, const uint8_t *src,
			  size_t n, uint8_t *dst, size_t len)
{
	if (n == len)
		memcpy(dst, src, len);
	else if (!level)
		return LZ4_decompress_safe((const char *)src, (char *)dst,
					   (int)n, (int)len) == (int)len;
	else
		return ZSTD_decompressDCtx(scratch_dctx(b->ws), dst, len, src,
					   n) == len;
	return true;
}

static void codecs_general_encode(struct bench *b, int level, double *ret_s)
{
	const struct head *h = &b->t.head;
	double start = bench_now();
	size_t pos = 0;

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		struct bench_tile *tile = &b->tile[t];
		const uint8_t *src = b->t.at + head_tile_off(h, t);
		struct shape shape = head_shape(h, t);
		size_t len = shape_bytes(&shape);
		size_t n = codecs_compress(b, level, src, len, b->coded + pos,
					   len + BENCH_SLACK);

		if (!n) {
			memcpy(b->coded + pos, src, len);
			n = len;
		}
		*tile = (struct bench_tile){ .pos = pos, .codec = CODEC_RAW };
		tile->coded.len[LAYER_EXACT] = (uint32_t)n;
		pos += n;
	}
	*ret_s = bench_now() - start;
}

/* lz4 (level 0) and zstd, by tiles. */
static int codecs_general(struct bench *b, const struct bench_method *m,
			  struct bench_row *row, unsigned run)
{
	const struct head *h = &b->t.head;
	bool good = true;

	codecs_general_encode(b, m->level, &row->encode_s[run]);
	double start = bench_now();

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		const struct bench_tile *tile = &b->tile[t];
		struct shape shape = head_shape(h, t);

		good &= codecs_expand(b, m->level, b->coded + tile->pos,
				      tile->coded.len[LAYER_EXACT],
				      b->dst + head_tile_off(h, t),
				      shape_bytes(&shape));
	}
	row->decode_s[run] = bench_now() - start;
	if (run == 0) {
		codecs_place(b);
		codecs_sizes(b, row, N_LAYERS);
	}
	return good && !memcmp(b->dst, b->t.at, b->t.len) ? 0 : -EBADMSG;
}

unsigned bench_codecs(const struct bench *b, struct bench_method *m,
		      struct bench_row *rows)
{
	const char *names[] = { "memcpy", "lz4", "zstd -1", "zstd -3",
				bench_wide(b) ? "split32" : "split16" };
	const struct codec *grid = codec_by_name("grid");

	m[0] = (struct bench_method){ .run = codecs_copy };
	m[1] = (struct bench_method){ .run = codecs_general };
	m[2] = (struct bench_method){ .run = codecs_general, .level = 1 };
	m[3] = (struct bench_method){ .run = codecs_general, .level = 3 };
	m[4] = (struct bench_method){ .run = codecs_tiles,
				      .codec = codec_by_name(names[4]) };
	m[5] = (struct bench_method){ .run = codecs_tiles,
				      .codec = grid,
				      .n_rows = N_LAYERS };
	for (unsigned i = 0; i < 5; i++) {
		m[i].n_rows = 1;
		rows[i].exact = true;
		snprintf(rows[i].name, sizeof(rows[i].name), "%s", names[i]);
	}
	if (bench_wide(b))
		return 5;
	for (unsigned l = 0; l < N_LAYERS; l++) {
		rows[5 + l].exact = l == LAYER_EXACT;
		snprintf(rows[5 + l].name, sizeof(rows[5].name), "grid %s",
			 prefix_names[l]);
	}
	return 6;
}
