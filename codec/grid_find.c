/*
 * grid_find.c - which rotation a tile's means have, from its values alone
 *
 * Turned back the right way, K's means hold most of its energy; turned back
 * wrongly, or not at all, they blur.  A sample of pairs and rows tells the
 * candidates apart; the best must then gain over the whole tile.
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_rotate.h"

/* Rows and pairs looked at for each candidate; pairs of two heads. */
#define FIND_ROWS  32
#define FIND_PAIRS 6
#define FIND_LANES (2 * FIND_PAIRS)

/* From this many rows on, every fourth tells enough; else every other. */
static const uint32_t FIND_MANY_ROWS = 512;

/* What the variance must fall to, to be worth the turning. */
static const double FIND_GAIN = 0.9;

/* Pairs that turn too slowly tell nothing: only this part of them. */
static const uint32_t FIND_FAST_PART = 2;

struct find {
	const struct grid *g;
	const uint16_t *x;
	uint32_t stride; /* rows from one looked at to the next */
	/* both of each pair: the first head's pairs, then the last one's */
	float re[FIND_ROWS][FIND_LANES], im[FIND_ROWS][FIND_LANES];
};

static float find_value(uint16_t x, bool bf16)
{
	uint32_t mag = x & 0x7fff;
	uint32_t bits = bf16 ? mag << 16 : (mag << 13);
	float f;

	/* as a float, f16's exponent is 112 too small */
	memcpy(&f, &bits, sizeof(f));
	f = bf16 ? f : f * 0x1p112f;
	return x >> 15 ? -f : f;
}

/* Which pair of a head is looked at as the i-th. */
static uint32_t find_pair(uint32_t dims, uint32_t i)
{
	return (1 + i) * (dims / 2 / FIND_FAST_PART) / (FIND_PAIRS + 1);
}

static void find_sample(struct find *s, uint32_t dims, unsigned pairing)
{
	const struct grid *g = s->g;
	uint32_t a[FIND_LANES], other = pairing ? dims / 2 : 1;

	for (uint32_t i = 0; i < FIND_LANES; i++) {
		uint32_t pair = find_pair(dims, i % FIND_PAIRS);

		a[i] = pairing ? pair : 2 * pair;
		a[i] += i < FIND_PAIRS ? 0 : g->w - dims;
	}
	for (uint32_t r = 0; r < FIND_ROWS; r++) {
		const uint16_t *x = s->x + (size_t)r * s->stride * g->w;

		for (uint32_t i = 0; i < FIND_LANES; i++) {
			s->re[r][i] = find_value(x[a[i]], g->bf16);
			s->im[r][i] = find_value(x[a[i] + other], g->bf16);
		}
	}
}

/* The rotation from one row looked at to the next, lane by lane. */
static void find_steps(const struct find *s, const struct grid_turn *turn,
		       float *cos, float *sin)
{
	struct rotation steps[FIND_PAIRS];
	uint32_t pair[FIND_PAIRS];

	for (uint32_t i = 0; i < FIND_PAIRS; i++)
		pair[i] = find_pair(turn->dims, i);
	rotation_steps(turn, pair, FIND_PAIRS, steps);
	for (uint32_t i = 0; i < FIND_PAIRS; i++) {
		struct rotation r = rotation_power(steps[i], s->stride);

		cos[i] = cos[i + FIND_PAIRS] = (float)r.cos * 0x1p-30f;
		sin[i] = sin[i + FIND_PAIRS] = (float)r.sin * 0x1p-30f;
	}
}

/* Energy of the means when turned back by these steps. */
static float find_energy(const struct find *s, const float *cos,
			 const float *sin)
{
	float c[FIND_LANES], d[FIND_LANES] = { 0 };
	float re[FIND_LANES] = { 0 }, im[FIND_LANES] = { 0 }, sum = 0;

	for (uint32_t i = 0; i < FIND_LANES; i++)
		c[i] = 1;
	for (uint32_t r = 0; r < FIND_ROWS; r++) {
		for (uint32_t i = 0; i < FIND_LANES; i++) {
			float next = c[i] * cos[i] - d[i] * sin[i];

			re[i] += s->re[r][i] * c[i] + s->im[r][i] * d[i];
			im[i] += s->im[r][i] * c[i] - s->re[r][i] * d[i];
			d[i] = d[i] * cos[i] + c[i] * sin[i];
			c[i] = next;
		}
	}
	for (uint32_t i = 0; i < FIND_LANES; i++)
		sum += re[i] * re[i] + im[i] * im[i];
	return sum;
}

/* The candidates of one head size and pairing: what they gain over means
 * that stay, the best so far being kept in g. */
static void find_among(struct find *s, unsigned first, unsigned pairing,
		       struct grid *g, float *best)
{
	float cos[FIND_LANES], sin[FIND_LANES] = { 0 };
	uint32_t dims = grid_turns[first].dims;

	for (uint32_t i = 0; i < FIND_LANES; i++)
		cos[i] = 1;
	find_sample(s, dims, pairing);
	float plain = find_energy(s, cos, sin);

	for (unsigned i = first; i < grid_n_turns && grid_turns[i].dims == dims;
	     i++) {
		find_steps(s, &grid_turns[i], cos, sin);
		float gain = find_energy(s, cos, sin) - plain;

		if (gain > *best) {
			*best = gain;
			g->turn = i + 1;
			g->pairing = pairing;
		}
	}
}

/* The candidate whose means hold most beyond those that stay. */
static void find_best(struct find *s, struct grid *g)
{
	float best = 0;

	for (unsigned i = 0; i < grid_n_turns; i++) {
		uint32_t dims = grid_turns[i].dims;

		if (g->cols % dims || (i && grid_turns[i - 1].dims == dims))
			continue;
		find_among(s, i, GRID_INTERLEAVED, g, &best);
		find_among(s, i, GRID_HALVES, g, &best);
	}
}

/* sin of the second of each pair counts the other way. */
static void find_sign(int16_t *sin, size_t dims, unsigned pairing)
{
	if (pairing == GRID_HALVES) {
		for (size_t i = dims / 2; i < dims; i++)
			sin[i] = (int16_t)-sin[i];
	} else {
		for (size_t i = 1; i < dims; i += 2)
			sin[i] = (int16_t)-sin[i];
	}
}

/* Means of all columns turned back, from every step-th row. */
static int find_means(const struct grid *g, const struct kernels *k,
		      const uint16_t *x, float *sum, struct arena mem)
{
	int16_t cos[GRID_MAX_DIMS + 32], sin[GRID_MAX_DIMS + 32];
	uint32_t step = g->t >= FIND_MANY_ROWS ? 4 : 2;
	struct turner turner;
	int r = turner_init(&turner, g, k, &mem);

	if (r)
		return r;
	struct turn_row row = {
		.w = g->w, .dims = turner.dims, .cos = cos, .sin = sin
	};
	float n = (float)((g->t + step - 1) / step);

	memset(sum, 0, g->w * sizeof(*sum));
	for (uint32_t t = 0; t < g->t; t += step) {
		turner_angles(&turner, t, cos, sin);
		find_sign(sin, row.dims, g->pairing);
		k->unturn[g->bf16](&row, x + (size_t)t * g->w, g->pairing, sum);
	}
	for (uint32_t c = 0; c < g->w; c++)
		sum[c] *= 0x1p-15f / n;
	return 0;
}

static double find_square(const double *v, uint32_t n)
{
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += v[i] * v[i];
	return sum / n;
}

double rotate_find(struct grid *g, const struct kernels *k, const uint16_t *x,
		   double variance, double *mean, struct arena *mem)
{
	struct find s = { .g = g, .x = x, .stride = g->t / FIND_ROWS };
	float *sum = arena_take(mem, g->w * sizeof(*sum) + KERNEL_SLACK);

	if (!sum || !s.stride || g->w != g->cols)
		return variance;
	find_best(&s, g);
	if (!g->turn)
		return variance;

	double turned = -1, plain = find_square(mean, g->cols);

	if (find_means(g, k, x, sum, *mem) == 0) {
		turned = 0;
		for (uint32_t c = 0; c < g->w; c++)
			turned += (double)sum[c] * (double)sum[c] / g->w;
	}
	if (!(variance + plain - turned < FIND_GAIN * variance)) {
		g->turn = 0;
		g->pairing = 0;
		return variance;
	}
	for (uint32_t c = 0; c < g->w; c++)
		mean[c] = (double)sum[c];
	return variance + plain - turned;
}
