/*
 * grid_base_read.c - reads the base layer, a band of rows at a time
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"

/* The parts of the layer while it is parsed. */
struct base_parse {
	const struct grid *g;
	const uint8_t *at, *end;      /* what is not yet parsed */
	uint32_t n_of[GRID_WIDE + 1]; /* channels per table */
	struct lane lanes[GRID_TABLES][4];
};

/* Room of a lane's pairs: what the decoder may write beyond, too. */
static size_t base_lane_room(size_t n_pairs)
{
	return n_pairs + KERNEL_SLACK;
}

size_t base_parse_room(const struct grid *g, size_t len)
{
	return (size_t)g->w * g->h + (GRID_TABLES * 4 + 1) * KERNEL_SLACK +
	       g->h + g->w * (sizeof(uint32_t) + sizeof(uint16_t)) + len +
	       g->w / 8 + 6 * (KERNEL_SLACK + 64);
}

static int base_parse_tables(struct base_parse *s)
{
	uint32_t half = s->g->w / 2;

	if ((size_t)(s->end - s->at) < half)
		return -EBADMSG;
	for (uint32_t i = 0; i < half; i++) {
		s->n_of[s->at[i] & 15]++;
		s->n_of[s->at[i] >> 4]++;
	}
	s->at += half;
	for (unsigned i = GRID_TABLES; i < GRID_NONE; i++) {
		if (s->n_of[i])
			return -EBADMSG;
	}
	return 0;
}

/* Lane lengths, number of escapes, and the lanes they speak of. */
static int base_parse_lanes(struct base_parse *s, uint32_t *ret_escapes)
{
	size_t n_used = 0;
	const uint8_t *lens = s->at;

	for (unsigned i = 0; i < GRID_TABLES; i++)
		n_used += s->n_of[i] > 0;
	if ((size_t)(s->end - s->at) < 16 * n_used + 4)
		return -EBADMSG;
	s->at += 16 * n_used;
	*ret_escapes = load32(s->at);
	s->at += 4;
	for (unsigned i = 0; i < GRID_TABLES; i++) {
		if (!s->n_of[i])
			continue;
		size_t n = lanes_parse(lens, s->at, (size_t)(s->end - s->at),
				       s->lanes[i]);

		if (n == SIZE_MAX)
			return -EBADMSG;
		lens += 16;
		s->at += n;
	}
	return 0;
}

static int base_parse_rest(struct base_parse *s, struct base_view *ret)
{
	size_t wide = (size_t)s->n_of[GRID_WIDE] * s->g->t;

	if ((size_t)(s->end - s->at) < wide)
		return -EBADMSG;
	ret->wide = s->at;
	s->at += wide;
	if ((size_t)(s->end - s->at) / 3 < ret->n_escapes)
		return -EBADMSG;
	ret->escapes = s->at;
	s->at += 3 * (size_t)ret->n_escapes;
	ret->signs.src = s->at;
	ret->signs_end = 8 * (size_t)(s->end - s->at);
	return 0;
}

/* Where each lane's pairs go, and so where each channel's will be. */
static void base_place(struct base_parse *s, const uint8_t *tables,
		       struct base_view *ret)
{
	uint32_t at[GRID_WIDE + 1] = { 0 }, left[GRID_WIDE + 1] = { 0 };
	unsigned lane[GRID_WIDE + 1] = { 0 };
	size_t end = base_lane_room(s->g->h); /* before it: zeros */

	for (unsigned i = 0; i < GRID_TABLES; i++) {
		for (unsigned l = 0; s->n_of[i] && l < 4; l++) {
			size_t n = lane_cut(s->n_of[i], l + 1) -
				   lane_cut(s->n_of[i], l);

			s->lanes[i][l].dst = ret->pairs + end;
			s->lanes[i][l].n = n * s->g->h;
			end += base_lane_room(n * s->g->h);
		}
	}
	for (uint32_t c = 0; c < s->g->w; c++) {
		unsigned i = tables[c / 2] >> 4 * (c % 2) & 15;

		ret->at[c] = 0;
		if (i == GRID_WIDE)
			ret->wide_columns[ret->n_wide++] = (uint16_t)c;
		if (i >= GRID_TABLES)
			continue;
		while (!left[i]) {
			struct lane *to = &s->lanes[i][lane[i]++];

			left[i] = (uint32_t)(to->n / s->g->h);
			at[i] = (uint32_t)(to->dst - ret->pairs);
		}
		ret->at[c] = at[i];
		at[i] += s->g->h;
		left[i]--;
	}
}

static uint8_t *base_copy(const uint8_t *p, size_t len, const struct grid *g,
			  struct arena *mem)
{
	size_t slack = KERNEL_SLACK + g->w / 8;
	uint8_t *copy = arena_take(mem, len + slack);

	if (!copy)
		return NULL;
	if (len)
		memcpy(copy, p, len);
	memset(copy + len, 0, slack);
	return copy;
}

int base_parse(const uint8_t *p, size_t len, const struct grid *g,
	       const struct kernels *k, const struct grid_codes *codes,
	       struct arena *mem, struct base_view *ret)
{
	const uint8_t *copy = base_copy(p, len, g, mem);
	struct base_parse s = { .g = g, .at = copy, .end = copy + len };

	memset(ret, 0, sizeof(*ret));
	ret->g = g;
	ret->pairs = arena_take(mem, (size_t)g->w * g->h + g->h +
					 (GRID_TABLES * 4 + 1) * KERNEL_SLACK);
	ret->at = arena_take(mem, g->w * sizeof(*ret->at));
	ret->wide_columns = arena_take(mem, g->w * sizeof(uint16_t));
	if (!copy || !ret->pairs || !ret->at || !ret->wide_columns)
		return -ENOMEM;

	int r = base_parse_tables(&s);

	if (!r)
		r = base_parse_lanes(&s, &ret->n_escapes);
	if (!r)
		r = base_parse_rest(&s, ret);
	if (r)
		return r;

	memset(ret->pairs, 0, base_lane_room(g->h));
	base_place(&s, copy, ret);
	for (unsigned i = 0; i < GRID_TABLES; i++) {
		if (s.n_of[i])
			k->prefix_decode(&codes->decoder[i], s.lanes[i]);
	}
	ret->next_at = ret->n_escapes ? load16(ret->escapes) : 0;
	return 0;
}

static void base_patch_wide(const struct base_view *s, uint32_t first,
			    uint32_t rows, uint8_t *mag)
{
	for (uint32_t i = 0; i < s->n_wide; i++) {
		const uint8_t *from = s->wide + (size_t)i * s->g->t + first;

		for (uint32_t t = 0; t < rows; t++)
			mag[(size_t)t * s->g->w + s->wide_columns[i]] = from[t];
	}
}

static void base_patch_escapes(struct base_view *s, uint64_t first,
			       uint64_t end, uint8_t *mag)
{
	while (s->next_escape < s->n_escapes && s->next_at < end) {
		const uint8_t *entry = s->escapes + 3 * (size_t)s->next_escape;

		if (entry[2])
			mag[s->next_at - first] = entry[2];
		if (++s->next_escape < s->n_escapes)
			s->next_at += load16(entry + 3);
	}
}

void base_band(struct base_view *s, const struct kernels *k, uint32_t band,
	       uint8_t *mag)
{
	const struct grid *g = s->g;
	uint32_t first = band * GRID_ROWS;
	uint32_t rows = g->t - first < GRID_ROWS ? g->t - first : GRID_ROWS;

	k->unpair(s->pairs + first / 2, s->at, g->w, mag);
	base_patch_wide(s, first, rows, mag);
	base_patch_escapes(s, (uint64_t)first * g->w,
			   (uint64_t)(first + rows) * g->w, mag);
}
