/*
 * grid_base.c - writes the base layer: magnitudes by prefix code, signs
 *
 * Each channel takes the table that prices its counts of magnitudes least;
 * tables with few channels then merge into a neighbour, since each table
 * costs the reader four short lanes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"

/* Bits of a listed escape. */
static const uint32_t BASE_ESCAPE_BITS = 24;

/* Fewer channels than this do not keep four lanes busy. */
static const unsigned BASE_FEW_CHANNELS = 12;

struct base_work {
	const struct base_job *job;
	uint32_t stride; /* bytes of a channel's pairs, padded */
	uint8_t *pairs;  /* channel by channel */
	uint8_t *table;  /* per channel */
	uint8_t *lanes;  /* coded */
	struct grid_escapes escapes;
};

static uint32_t base_stride(const struct grid *g)
{
	return (g->t + GRID_ROWS - 1) / GRID_ROWS * (GRID_ROWS / 2);
}

static uint32_t base_escapes_cap(const struct grid *g)
{
	return g->n / 16 + 64;
}

static size_t base_lanes_room(const struct grid *g)
{
	return (size_t)g->w * g->h * PREFIX_BITS / 8 +
	       (GRID_TABLES + 1) * 4 * 16;
}

size_t base_encode_room(const struct grid *g)
{
	return (size_t)g->w * base_stride(g) + g->w + base_lanes_room(g) +
	       base_escapes_cap(g) * sizeof(struct grid_escape) +
	       5 * (KERNEL_SLACK + 64);
}

/* Price in 1/16 bit of n zeros and the counted rest. */
static int64_t base_price(unsigned table, uint32_t n0, const uint32_t count[4])
{
	const int16_t *price = grid_prices[table];

	return (int64_t)n0 * price[0] + (int64_t)count[0] * price[1] +
	       (int64_t)count[1] * price[2] + (int64_t)count[2] * price[3] +
	       (int64_t)count[3] * price[4];
}

/* A byte each is less than what the channel's escapes would add. */
static bool base_is_wide(const struct base_job *job, uint32_t c, int64_t price)
{
	const struct grid *g = job->g;
	int64_t n_over = 0;

	for (uint32_t t = 0; t < g->t; t++)
		n_over += job->mag[(size_t)t * g->w + c] > 14;
	return price + 16 * (int64_t)BASE_ESCAPE_BITS * n_over >
	       16 * 8 * (int64_t)g->t;
}

static uint8_t base_table(struct base_work *s, uint32_t c)
{
	const struct grid *g = s->job->g;
	uint32_t count[4];
	int64_t least = INT64_MAX;
	unsigned best = 0;

	s->job->k->count(s->pairs + (size_t)c * s->stride, s->stride, count);
	uint32_t n0 = g->t - count[0] - count[1] - count[2];

	for (unsigned i = 0; i < GRID_TABLES; i++) {
		int64_t price = base_price(i, n0, count);

		if (price < least) {
			least = price;
			best = i;
		}
	}
	if (16 * (int64_t)BASE_ESCAPE_BITS * (g->t - n0) < least)
		return GRID_NONE;
	if (best == GRID_TABLES - 1 && base_is_wide(s->job, c, least))
		best = GRID_WIDE;
	return (uint8_t)best;
}

static void base_merge(struct base_work *s, uint32_t n_of[GRID_WIDE + 1])
{
	uint8_t to[GRID_WIDE + 1];

	for (unsigned i = 0; i <= GRID_WIDE; i++)
		to[i] = (uint8_t)i;
	for (unsigned i = 0; i < GRID_TABLES; i++) {
		unsigned up = i + 1 < GRID_TABLES ? n_of[i + 1] : 0;
		unsigned down = i > 0 ? n_of[i - 1] : 0;

		if (!n_of[i] || n_of[i] >= BASE_FEW_CHANNELS || !(up | down))
			continue;
		unsigned j = up >= down ? i + 1 : i - 1;

		n_of[j] += n_of[i];
		n_of[i] = 0;
		to[i] = (uint8_t)j;
	}
	for (uint32_t c = 0; c < s->job->g->w; c++) {
		while (to[s->table[c]] != s->table[c])
			s->table[c] = to[s->table[c]];
	}
}

static void base_turn_to_pairs(struct base_work *s)
{
	const struct grid *g = s->job->g;

	for (uint32_t t = 0; t < g->t; t += GRID_ROWS)
		s->job->k->pair(s->job->mag + (size_t)t * g->w, g->w,
				s->pairs + t / 2, s->stride);
}

static void base_choose_tables(struct base_work *s,
			       uint32_t n_of[GRID_WIDE + 1])
{
	memset(n_of, 0, (GRID_WIDE + 1) * sizeof(n_of[0]));
	for (uint32_t c = 0; c < s->job->g->w; c++) {
		s->table[c] = base_table(s, c);
		n_of[s->table[c]]++;
	}
	base_merge(s, n_of);
}

/* All that a channel without lanes has. */
static void base_list_channel(struct base_work *s, uint32_t c)
{
	const struct grid *g = s->job->g;

	for (uint32_t t = 0; t < g->t; t++) {
		uint32_t at = t * g->w + c;

		if (s->job->mag[at])
			escapes_add(&s->escapes, at, s->job->mag[at]);
	}
}

/* Magnitudes beyond 14, and those of channels that should be zero. */
static void base_list_large(struct base_work *s)
{
	const struct grid *g = s->job->g;

	for (uint32_t c = 0; c < g->w; c++) {
		if (s->table[c] == GRID_NONE)
			base_list_channel(s, c);
	}

	for (uint32_t t = 0; t < g->t; t++) {
		const uint8_t *mag = s->job->mag + (size_t)t * g->w;

		if (s->job->row_max[t] <= 14)
			continue;
		for (uint32_t c = 0; c < g->w; c++) {
			if (mag[c] > 14 && s->table[c] < GRID_TABLES)
				escapes_add(&s->escapes, t * g->w + c, mag[c]);
		}
	}
}

/* Values of a channel whose pair is rare. */
static void base_list_rare(struct base_work *s, uint32_t c)
{
	const struct grid *g = s->job->g;
	const struct prefix_encoder *code =
	    &s->job->codes->encoder[s->table[c]];
	const uint8_t *pairs = s->pairs + (size_t)c * s->stride;

	for (uint32_t h = 0; h < g->h; h++) {
		uint8_t pair = pairs[h], in = code->stand_in[pair];
		uint32_t at = 2 * h * g->w + c;

		if (in == pair)
			continue;
		if ((in & 15) != (pair & 15))
			escapes_add(&s->escapes, at, s->job->mag[at]);
		if (in >> 4 != pair >> 4)
			escapes_add(&s->escapes, at + g->w,
				    s->job->mag[at + g->w]);
	}
}

/* The four lanes of one table to dst; returns their end. */
static uint8_t *base_put_lanes(struct base_work *s, const uint16_t *channel,
			       uint32_t n, uint8_t *dst, uint8_t *ret_lens)
{
	const struct prefix_encoder *code =
	    &s->job->codes->encoder[s->table[channel[0]]];

	for (unsigned l = 0; l < 4; l++) {
		struct bit_writer b = { .dst = dst };
		size_t end = lane_cut(n, l + 1);

		for (size_t i = lane_cut(n, l); i < end; i++) {
			size_t at = (size_t)channel[i] * s->stride;

			if (prefix_put(code, s->pairs + at, s->job->g->h, &b) &
			    PREFIX_RARE)
				base_list_rare(s, channel[i]);
		}
		store32(ret_lens + 4 * l, (uint32_t)(bits_end(&b) - dst));
		dst = bits_end(&b);
	}
	return dst;
}

static int base_order(const void *a, const void *b)
{
	uint32_t x = ((const struct grid_escape *)a)->at;
	uint32_t y = ((const struct grid_escape *)b)->at;

	return (x > y) - (x < y);
}

/* Sorts, and keeps one of those that name the same value. */
static void base_sort_escapes(struct grid_escapes *list)
{
	uint32_t n = 0;

	if (list->n)
		qsort(list->at, list->n, sizeof(list->at[0]), base_order);
	for (uint32_t i = 0; i < list->n; i++) {
		if (!n || list->at[n - 1].at != list->at[i].at)
			list->at[n++] = list->at[i];
	}
	list->n = n;
}

/* Entries including those that only bridge a distance. */
static uint32_t base_count_escapes(const struct grid_escapes *list)
{
	uint32_t n = 0, last = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		n += 1 + (list->at[i].at - last) / 0xffff;
		last = list->at[i].at;
	}
	return n;
}

static void base_put_escapes(const struct grid_escapes *list, struct out *out)
{
	uint32_t last = 0;

	for (uint32_t i = 0; i < list->n; i++) {
		uint32_t distance = list->at[i].at - last;
		uint8_t entry[3] = { 0xff, 0xff, 0 };

		for (; distance >= 0xffff; distance -= 0xffff)
			out_put(out, entry, 3);
		store16(entry, (uint16_t)distance);
		entry[2] = (uint8_t)list->at[i].value;
		out_put(out, entry, 3);
		last = list->at[i].at;
	}
}

static void base_put_wide(const struct base_work *s, struct out *out)
{
	const struct grid *g = s->job->g;

	for (uint32_t c = 0; c < g->w; c++) {
		if (s->table[c] != GRID_WIDE)
			continue;
		for (uint32_t t = 0; t < g->t; t++)
			out_put(out, s->job->mag + (size_t)t * g->w + c, 1);
	}
}

static void base_put_tables(const struct base_work *s, struct out *out)
{
	for (uint32_t c = 0; c < s->job->g->w; c += 2) {
		uint8_t two = (uint8_t)(s->table[c] | s->table[c + 1] << 4);

		out_put(out, &two, 1);
	}
}

/* Lists the channels of a table, ascending. */
static uint32_t base_channels(const struct base_work *s, unsigned table,
			      uint16_t *ret)
{
	uint32_t n = 0;

	for (uint32_t c = 0; c < s->job->g->w; c++) {
		ret[n] = (uint16_t)c;
		n += s->table[c] == table;
	}
	return n;
}

static int base_write(struct base_work *s, uint16_t *channel, struct out *out)
{
	const struct base_job *job = s->job;
	uint8_t lens[GRID_TABLES * 16], word[4], *end = s->lanes;
	size_t n_lens = 0;

	base_list_large(s);
	base_put_tables(s, out);
	for (unsigned i = 0; i < GRID_TABLES; i++) {
		uint32_t n = base_channels(s, i, channel);

		if (!n)
			continue;
		end = base_put_lanes(s, channel, n, end, lens + n_lens);
		n_lens += 16;
	}
	if (s->escapes.n > s->escapes.cap)
		return -E2BIG;
	base_sort_escapes(&s->escapes);
	out_put(out, lens, n_lens);
	store32(word, base_count_escapes(&s->escapes));
	out_put(out, word, 4);
	out_put(out, s->lanes, (size_t)(end - s->lanes));
	base_put_wide(s, out);
	base_put_escapes(&s->escapes, out);
	out_put(out, job->signs, job->signs_len);
	return 0;
}

int base_encode(const struct base_job *job, struct arena *mem, struct out *out)
{
	const struct grid *g = job->g;
	struct base_work s = { .job = job, .stride = base_stride(g) };
	uint32_t n_of[GRID_WIDE + 1];

	s.pairs = arena_take(mem, (size_t)g->w * s.stride + KERNEL_SLACK);
	s.table = arena_take(mem, g->w);
	s.lanes = arena_take(mem, base_lanes_room(g));
	s.escapes.cap = base_escapes_cap(g);
	s.escapes.at =
	    arena_take(mem, s.escapes.cap * sizeof(struct grid_escape));
	uint16_t *channel = arena_take(mem, (g->w + 1) * sizeof(*channel));

	if (!s.pairs || !s.table || !s.lanes || !s.escapes.at || !channel)
		return -ENOMEM;

	base_turn_to_pairs(&s);
	base_choose_tables(&s, n_of);
	return base_write(&s, channel, out);
}
