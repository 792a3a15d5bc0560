/* head.c - the head of a container, to bytes and back */
#include "codec/head.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/tile.h"

#define EXTENT_BYTES   20
#define TILE_BYTES     4
#define TILE_PER_LAYER 12
/* No layer is worth more than the plain tile and its tables. */
#define LAYER_MAX_BYTES (TILE_MAX_BYTES + 65536)
#define AT_SECTIONS     56
#define AT_TABLE_SUM    144
#define AT_HEAD_SUM     152
/* Fewer tokens tell too little about a channel. */
#define HALVED_MIN_ROWS 256

/* A window asks more of a reader than version 1 says. */
static unsigned head_mask_version(uint8_t mask)
{
	return mask & 1u << LAYER_WINDOW ? 2 : 1;
}

unsigned head_version(const struct head *h)
{
	return head_mask_version(h->layer_mask);
}

/* Whether a layer has its place in the fixed part, the mask and an extent. */
static bool head_knows(unsigned version, unsigned layer)
{
	return version > 1 || layer != LAYER_WINDOW;
}

/* The mask as it is on disk, where version 1 leaves no gap. */
static uint8_t head_pack_mask(uint8_t mask)
{
	if (head_mask_version(mask) > 1)
		return mask;
	return (uint8_t)((mask & 1u) | (mask >> 1 & ~1u));
}

/* And back; a bit that stands for no layer, or the wrong version, is damage. */
static int head_parse_mask(unsigned version, uint8_t bits, uint8_t *ret)
{
	unsigned mask = version > 1 ? bits : (bits & 1u) | (bits & ~1u) << 1;

	if (mask >> N_LAYERS || head_mask_version((uint8_t)mask) != version)
		return -EBADMSG;
	*ret = (uint8_t)mask;
	return 0;
}

static size_t head_extent_bytes(unsigned version)
{
	return EXTENT_BYTES + 4 * (version > 1 ? N_LAYERS : N_LAYERS - 1);
}

static unsigned head_n_layers(uint8_t mask)
{
	return (unsigned)__builtin_popcount(mask);
}

static size_t head_tile_bytes(uint8_t mask)
{
	return TILE_BYTES + (size_t)TILE_PER_LAYER * head_n_layers(mask);
}

/* Where the head section ends, by the fixed part alone. */
static uint64_t head_least_len(const uint8_t *b, unsigned version)
{
	uint64_t first = load64(b + AT_SECTIONS);

	if (version > 1)
		return align_up((uint64_t)load32(b + 12), HEAD_ALIGN) + first;
	return first + load64(b + AT_SECTIONS + 8);
}

int head_parse_brief(const void *src, size_t len, struct head_brief *ret)
{
	const uint8_t *b = src;

	if (len < HEAD_FIXED_BYTES || memcmp(b, HEAD_MAGIC, 8))
		return -EBADMSG;
	unsigned version = load32(b + 8);

	if (version < 1 || version > HEAD_VERSION)
		return -EOPNOTSUPP;
	if (load64(b + AT_HEAD_SUM) != XXH3_64bits(b, AT_HEAD_SUM))
		return -EBADMSG;

	ret->head_len = load32(b + 12);
	ret->logical_size = load64(b + 16);
	ret->entry_id = load64(b + 24);
	ret->file_len = load64(b + 32);
	ret->least_len = ret->file_len;
	ret->layered = b[49] & 1u << LAYER_HEAD;
	if (ret->layered)
		ret->least_len = head_least_len(b, version);
	if (ret->head_len < HEAD_FIXED_BYTES || ret->head_len > ret->file_len ||
	    ret->logical_size > INT64_MAX || ret->file_len > INT64_MAX ||
	    ret->least_len > ret->file_len || ret->least_len < ret->head_len)
		return -EBADMSG;
	return 0;
}

static uint64_t head_row_bytes(const struct head_extent *e)
{
	return (uint64_t)e->cols * elem_bytes(e->elem);
}

/* Tiles of one extent, or 0 when it is not whole rows in sane tiles. */
static uint64_t head_extent_tiles(const struct head_extent *e)
{
	uint64_t row = head_row_bytes(e);

	if (e->elem > ELEM_F32 || !row || !e->tile_rows || !e->len ||
	    e->len % row || row > TILE_MAX_BYTES ||
	    e->tile_rows > TILE_MAX_BYTES / row)
		return 0;

	uint64_t rows = e->len / row;
	return (rows + e->tile_rows - 1) / e->tile_rows;
}

/* Sets the extents' places; returns how many tiles they make. */
static int head_count(struct head *h, uint32_t *ret)
{
	uint64_t off = 0, n = 0;

	for (uint32_t i = 0; i < h->n_extents; i++) {
		struct head_extent *e = &h->extents[i];
		uint64_t tiles = head_extent_tiles(e);

		if (!tiles || e->len > h->logical_size - off ||
		    tiles > UINT32_MAX - n)
			return -EBADMSG;
		e->off = off;
		e->first_tile = (uint32_t)n;
		off += e->len;
		n += tiles;
	}
	if (off != h->logical_size)
		return -EBADMSG;
	*ret = (uint32_t)n;
	return 0;
}

/* Makes the tiles of extents that head_count has placed. */
static int head_make_tiles(struct head *h, uint32_t n)
{
	h->tiles = calloc(n ? n : 1, sizeof(*h->tiles));
	if (!h->tiles)
		return -ENOMEM;
	h->n_tiles = n;

	for (uint32_t i = 0; i < h->n_extents; i++) {
		uint32_t end =
		    i + 1 < h->n_extents ? h->extents[i + 1].first_tile : n;

		for (uint32_t t = h->extents[i].first_tile; t < end; t++)
			h->tiles[t].extent = i;
	}
	return 0;
}

int head_cut(struct head *h)
{
	uint32_t n = 0;
	int r = head_count(h, &n);

	return r < 0 ? r : head_make_tiles(h, n);
}

/* Sets each tile's place in its sections; returns the sections' lengths. */
static void head_sum_tiles(struct head *h, uint64_t len[N_LAYERS])
{
	memset(len, 0, N_LAYERS * sizeof(*len));
	for (uint32_t t = 0; t < h->n_tiles; t++)
		for (unsigned l = 0; l < N_LAYERS; l++) {
			h->tiles[t].off[l] = len[l];
			len[l] += h->tiles[t].len[l];
		}
}

void head_place(struct head *h)
{
	uint64_t len[N_LAYERS];

	head_sum_tiles(h, len);
	h->layer_mask = 0;
	for (unsigned l = 0; l < N_LAYERS; l++)
		if (len[l])
			h->layer_mask |= (uint8_t)(1u << l);

	uint64_t end = head_bytes(h);

	h->file_len = end;
	for (unsigned l = 0; l < N_LAYERS; l++) {
		h->section[l] = (struct head_section){ 0 };
		if (!len[l])
			continue;
		h->section[l].off = align_up(end, HEAD_ALIGN);
		h->section[l].len = len[l];
		end = h->section[l].off + len[l];
		h->file_len = end;
	}
}

size_t head_bytes(const struct head *h)
{
	return HEAD_FIXED_BYTES +
	       (size_t)h->n_extents * head_extent_bytes(head_version(h)) +
	       (size_t)h->n_tiles * head_tile_bytes(h->layer_mask);
}

static uint8_t *head_pack_extent(const struct head_extent *e, unsigned version,
				 uint8_t *b)
{
	store64(b, e->len);
	b[8] = e->elem;
	b[9] = e->role;
	store16(b + 10, e->model_layer);
	store32(b + 12, e->cols);
	store32(b + 16, e->tile_rows);
	b += EXTENT_BYTES;
	for (unsigned l = 0; l < N_LAYERS; l++) {
		uint32_t bits;

		if (!head_knows(version, l))
			continue;
		memcpy(&bits, &e->error[l], 4);
		store32(b, bits);
		b += 4;
	}
	return b;
}

static uint8_t *head_pack_tile(const struct head_tile *t, uint8_t mask,
			       uint8_t *b)
{
	store32(b, t->codec);
	b += TILE_BYTES;
	for (unsigned l = 0; l < N_LAYERS; l++) {
		if (!(mask & 1u << l))
			continue;
		store32(b, t->len[l]);
		store64(b + 4, t->sum[l]);
		b += TILE_PER_LAYER;
	}
	return b;
}

/* Version 2 leaves out where the sections are: it follows from the lengths. */
static void head_pack_sections(const struct head *h, uint8_t *b)
{
	unsigned version = head_version(h);

	for (unsigned l = 0; l < N_LAYERS; l++) {
		if (!head_knows(version, l))
			continue;
		if (version == 1) {
			store64(b, h->section[l].off);
			b += 8;
		}
		store64(b, h->section[l].len);
		b += 8;
	}
}

void head_pack(const struct head *h, void *dst)
{
	size_t len = head_bytes(h);
	unsigned version = head_version(h);
	uint8_t *b = dst;
	uint8_t *at = b + HEAD_FIXED_BYTES;

	memset(b, 0, HEAD_FIXED_BYTES);
	memcpy(b, HEAD_MAGIC, 8);
	store32(b + 8, version);
	store32(b + 12, (uint32_t)len);
	store64(b + 16, h->logical_size);
	store64(b + 24, h->entry_id);
	store64(b + 32, h->file_len);
	store32(b + 40, h->n_extents);
	store32(b + 44, h->n_tiles);
	b[48] = h->layout;
	b[49] = head_pack_mask(h->layer_mask);
	head_pack_sections(h, b + AT_SECTIONS);

	for (uint32_t i = 0; i < h->n_extents; i++)
		at = head_pack_extent(&h->extents[i], version, at);
	for (uint32_t t = 0; t < h->n_tiles; t++)
		at = head_pack_tile(&h->tiles[t], h->layer_mask, at);

	store64(b + AT_TABLE_SUM,
		XXH3_64bits(b + HEAD_FIXED_BYTES, len - HEAD_FIXED_BYTES));
	store64(b + AT_HEAD_SUM, XXH3_64bits(b, AT_HEAD_SUM));
}

static int head_parse_extent(const uint8_t *b, unsigned version,
			     struct head_extent *e)
{
	e->len = load64(b);
	e->elem = b[8];
	e->role = b[9];
	e->model_layer = load16(b + 10);
	e->cols = load32(b + 12);
	e->tile_rows = load32(b + 16);
	b += EXTENT_BYTES;
	for (unsigned l = 0; l < N_LAYERS; l++) {
		if (!head_knows(version, l)) {
			e->error[l] = e->error[l - 1];
			continue;
		}
		uint32_t bits = load32(b);

		memcpy(&e->error[l], &bits, 4);
		if (!isfinite(e->error[l]) || e->error[l] < 0)
			return -EBADMSG;
		b += 4;
	}
	return 0;
}

static int head_parse_tiles(const uint8_t *b, struct head *h)
{
	for (uint32_t t = 0; t < h->n_tiles; t++) {
		h->tiles[t].codec = b[0];
		b += TILE_BYTES;
		for (unsigned l = 0; l < N_LAYERS; l++) {
			if (!(h->layer_mask & 1u << l))
				continue;
			h->tiles[t].len[l] = load32(b);
			h->tiles[t].sum[l] = load64(b + 4);
			if (h->tiles[t].len[l] > LAYER_MAX_BYTES)
				return -EBADMSG;
			b += TILE_PER_LAYER;
		}
	}
	return 0;
}

/*
 * The sections must be exactly where head_place would put them, as far as the
 * version says where they are.
 */
static int head_check_places(struct head *h)
{
	struct head want = *h;

	head_place(&want); /* the tiles are shared: sets their off, too */
	if (want.layer_mask != h->layer_mask || want.file_len != h->file_len)
		return -EBADMSG;
	for (unsigned l = 0; l < N_LAYERS; l++) {
		if (head_version(h) > 1)
			h->section[l].off = want.section[l].off;
		if (h->section[l].off != want.section[l].off ||
		    h->section[l].len != want.section[l].len)
			return -EBADMSG;
	}
	return 0;
}

static void head_parse_sections(const uint8_t *b, struct head *h)
{
	unsigned version = head_version(h);

	for (unsigned l = 0; l < N_LAYERS; l++) {
		if (!head_knows(version, l))
			continue;
		if (version == 1) {
			h->section[l].off = load64(b);
			b += 8;
		}
		h->section[l].len = load64(b);
		b += 8;
	}
}

/* The fixed part into h; the counts are those the lengths allow. */
static int head_parse_fixed(const uint8_t *b, size_t len, struct head *h)
{
	struct head_brief brief;
	int r = head_parse_brief(b, len, &brief);

	if (r < 0)
		return r;
	h->logical_size = brief.logical_size;
	h->entry_id = brief.entry_id;
	h->file_len = brief.file_len;
	h->n_extents = load32(b + 40);
	h->n_tiles = load32(b + 44);
	h->layout = b[48];
	r = head_parse_mask(load32(b + 8), b[49], &h->layer_mask);
	if (r < 0)
		return r;
	head_parse_sections(b + AT_SECTIONS, h);

	if (h->n_extents > HEAD_EXTENTS_MAX || brief.head_len != len ||
	    head_bytes(h) != len ||
	    load64(b + AT_TABLE_SUM) !=
		XXH3_64bits(b + HEAD_FIXED_BYTES, len - HEAD_FIXED_BYTES))
		return -EBADMSG;
	return 0;
}

static int head_parse_tables(const uint8_t *b, struct head *h)
{
	h->extents =
	    calloc(h->n_extents ? h->n_extents : 1, sizeof(*h->extents));
	if (!h->extents)
		return -ENOMEM;
	unsigned version = head_version(h);
	for (uint32_t i = 0; i < h->n_extents; i++) {
		if (head_parse_extent(b, version, &h->extents[i]) < 0)
			return -EBADMSG;
		b += head_extent_bytes(version);
	}

	/* The count is the file's; the extents must agree before we allocate.
	 */
	uint32_t n = 0;
	int r = head_count(h, &n);
	if (r < 0 || n != h->n_tiles)
		return -EBADMSG;
	r = head_make_tiles(h, n);
	if (r < 0)
		return r;
	r = head_parse_tiles(b, h);
	return r < 0 ? r : head_check_places(h);
}

int head_parse(const void *src, size_t len, struct head *ret)
{
	struct head h = { 0 };
	int r = head_parse_fixed(src, len, &h);

	if (r == 0)
		r = head_parse_tables((const uint8_t *)src + HEAD_FIXED_BYTES,
				      &h);
	if (r < 0) {
		head_done(&h);
		return r;
	}
	*ret = h;
	return 0;
}

struct shape head_shape(const struct head *h, uint32_t tile)
{
	const struct head_extent *e = &h->extents[h->tiles[tile].extent];
	uint64_t first = (uint64_t)(tile - e->first_tile) * e->tile_rows;
	uint64_t left = e->len / head_row_bytes(e) - first;

	return (struct shape){
		.elem = e->elem,
		.role = e->role,
		.rows = left < e->tile_rows ? (uint32_t)left : e->tile_rows,
		.cols = e->cols,
		.first_row = first < UINT32_MAX ? (uint32_t)first : UINT32_MAX,
	};
}

uint64_t head_tile_off(const struct head *h, uint32_t tile)
{
	if (tile == h->n_tiles)
		return h->logical_size;

	const struct head_extent *e = &h->extents[h->tiles[tile].extent];

	return e->off + (uint64_t)(tile - e->first_tile) * e->tile_rows *
			    head_row_bytes(e);
}

uint32_t head_tile_at(const struct head *h, uint64_t off)
{
	uint32_t lo = 0, hi = h->n_extents;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (h->extents[mid].off <= off)
			lo = mid;
		else
			hi = mid;
	}

	const struct head_extent *e = &h->extents[lo];
	uint64_t tile = e->tile_rows * head_row_bytes(e);

	return e->first_tile + (uint32_t)((off - e->off) / tile);
}

unsigned head_layers_present(const struct head *h, uint64_t len)
{
	unsigned n = 0;

	while (n < N_LAYERS && h->section[n].off + h->section[n].len <= len)
		n++;
	/* A rate of its own has bytes of its own. */
	while (n > 0 && n < N_LAYERS && !h->section[n - 1].len)
		n--;
	return n;
}

uint64_t head_layers_bytes(const struct head *h, unsigned n_layers)
{
	uint64_t end = head_bytes(h);

	for (unsigned l = 0; l < n_layers; l++)
		if (h->section[l].len)
			end = h->section[l].off + h->section[l].len;
	return end;
}

unsigned head_least_layers(const struct head *h)
{
	unsigned least = 0;

	for (uint32_t t = 0; t < h->n_tiles; t++)
		while (
		    least < N_LAYERS &&
		    !tile_survives(h->tiles[t].codec, h->tiles[t].len, least))
			least++;
	return least;
}

uint32_t head_recent(const struct head_extent *e)
{
	uint64_t rows = e->len / head_row_bytes(e);
	uint64_t older = head_extent_tiles(e) / 2;

	/* Tiles are few where they are large, and the last may be short. */
	if (older * e->tile_rows > rows / 2 + rows / 16)
		older--;
	return (uint32_t)older;
}

/* Whether a layered codec takes it, unless a tile is none of its kind. */
static bool head_may_drop(const struct head_extent *e)
{
	return e->role != ROLE_NONE &&
	       (e->elem == ELEM_F16 || e->elem == ELEM_BF16) &&
	       head_extent_tiles(e);
}

double head_halve(struct head *h)
{
	double all = 0, older = 0;

	for (uint32_t i = 0; i < h->n_extents; i++) {
		struct head_extent *e = &h->extents[i];

		if (!head_may_drop(e))
			continue;
		double row = (double)head_row_bytes(e);

		while (e->len / head_row_bytes(e) < 4ull * e->tile_rows &&
		       e->tile_rows > HALVED_MIN_ROWS)
			e->tile_rows /= 2;
		all += (double)e->len;
		older += row * e->tile_rows * head_recent(e);
	}
	return older > 0 ? older / all : 0;
}

void head_done(struct head *h)
{
	free(h->extents);
	free(h->tiles);
	*h = (struct head){ 0 };
}
