/*
 * grid_find.c - which rotation a tile's means have, from its values alone
 *
 * Turned back the right way, K's means hold most of its energy; turned back
 * wrongly, or not at all, they blur.  A sample of pairs and rows tells the
 * candidates apart; the best must then gain over the whole tile.
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_layers.h"

/* Rows and pairs looked at for each candidate, in the first and last head. */
#define FIND_ROWS  48
#define FIND_PAIRS 6

/* What the variance must fall to, to be worth the turning. */
static const double FIND_GAIN = 0.9;

/* Pairs that turn too slowly tell nothing: only this part of them. */
static const uint32_t FIND_FAST_PART = 2;

struct find {
	const struct grid *g;
	const uint16_t *x;
	uint32_t stride; /* rows from one looked at to the next */
	/* pair by pair, of both heads: values of the rows looked at */
	double re[2 * FIND_PAIRS][FIND_ROWS], im[2 * FIND_PAIRS][FIND_ROWS];
};

static double find_value(uint16_t x, bool bf16)
{
	uint32_t mag = x & 0x7fff;
	uint32_t bits = bf16 ? mag << 16 : (mag << 13);
	float f;

	/* as a float, f16's exponent is 112 too small */
	memcpy(&f, &bits, sizeof(f));
	double v = bf16 ? (double)f : (double)f * 0x1p112;

	return x >> 15 ? -v : v;
}

/* Which pair of a head is looked at as the i-th. */
static uint32_t find_pair(uint32_t dims, uint32_t i)
{
	return (1 + i) * (dims / 2 / FIND_FAST_PART) / (FIND_PAIRS + 1);
}

static void find_sample(struct find *s, uint32_t dims, unsigned pairing)
{
	const struct grid *g = s->g;

	for (uint32_t i = 0; i < 2 * FIND_PAIRS; i++) {
		uint32_t pair = find_pair(dims, i / 2);
		uint32_t head = i % 2 ? g->w - dims : 0;
		uint32_t a = pairing ? pair : 2 * pair;
		uint32_t b = pairing ? pair + dims / 2 : 2 * pair + 1;

		for (uint32_t r = 0; r < FIND_ROWS; r++) {
			const uint16_t *x =
			    s->x + (size_t)r * s->stride * g->w + head;

			s->re[i][r] = find_value(x[a], g->bf16);
			s->im[i][r] = find_value(x[b], g->bf16);
		}
	}
}

/* Energy of one pair's mean, turned back by step from row to row. */
static double find_pair_energy(const double *re, const double *im,
			       struct rotation step)
{
	double cos = step.cos * 0x1p-30, sin = step.sin * 0x1p-30;
	double c = 1, s = 0, sum_re = 0, sum_im = 0;

	for (uint32_t r = 0; r < FIND_ROWS; r++) {
		double next = c * cos - s * sin;

		sum_re += re[r] * c + im[r] * s;
		sum_im += im[r] * c - re[r] * s;
		s = s * cos + c * sin;
		c = next;
	}
	return sum_re * sum_re + sum_im * sum_im;
}

static double find_energy(const struct find *s, const struct grid_turn *turn)
{
	struct rotation steps[GRID_MAX_DIMS / 2];
	double sum = 0;

	rotation_steps(turn, steps);
	for (uint32_t i = 0; i < 2 * FIND_PAIRS; i++) {
		struct rotation step = rotation_power(
		    steps[find_pair(turn->dims, i / 2)], s->stride);

		sum += find_pair_energy(s->re[i], s->im[i], step);
	}
	return sum;
}

/* What the same pairs' means hold if they stay. */
static double find_plain_energy(const struct find *s)
{
	const struct rotation none = { 1 << 30, 0 };
	double sum = 0;

	for (uint32_t i = 0; i < 2 * FIND_PAIRS; i++)
		sum += find_pair_energy(s->re[i], s->im[i], none);
	return sum;
}

/* The candidate whose means hold most beyond the plain ones, per pair. */
static void find_best(struct find *s, struct grid *g)
{
	double best = 0;

	for (unsigned i = 0; i < 2 * grid_n_turns; i++) {
		const struct grid_turn *turn = &grid_turns[i / 2];
		unsigned pairing = i % 2;

		if (g->cols % turn->dims)
			continue;
		find_sample(s, turn->dims, pairing);
		double gain = find_energy(s, turn) - find_plain_energy(s);

		if (gain > best) {
			best = gain;
			g->turn = i / 2 + 1;
			g->pairing = pairing;
		}
	}
}

/* Sums of all columns turned back. */
static int find_sums(const struct grid *g, const struct kernels *k,
		     const uint16_t *x, float *sum, struct arena mem)
{
	int16_t cos[GRID_MAX_DIMS + 32], sin[GRID_MAX_DIMS + 32];
	struct turner turner;
	int r = turner_init(&turner, g, k, &mem);

	if (r)
		return r;
	struct turn_row row = {
		.w = g->w, .dims = turner.dims, .cos = cos, .sin = sin
	};

	for (uint32_t t = 0; t < g->t; t++) {
		turner_angles(&turner, t, cos, sin);
		for (uint32_t c = 0; c < row.dims; c++) {
			bool second = g->pairing ? c >= row.dims / 2 : c % 2;

			if (second)
				sin[c] = (int16_t)-sin[c];
		}
		k->unturn[g->bf16](&row, x + (size_t)t * g->w, g->pairing, sum);
	}
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

	memset(sum, 0, g->w * sizeof(*sum));
	double turned = -1, plain = find_square(mean, g->cols);

	if (find_sums(g, k, x, sum, *mem) == 0) {
		turned = 0;
		for (uint32_t c = 0; c < g->w; c++)
			turned += (double)sum[c] * (double)sum[c];
		turned *= 0x1p-30 / g->t / g->t / g->w;
	}
	if (!(variance + plain - turned < FIND_GAIN * variance)) {
		g->turn = 0;
		g->pairing = 0;
		return variance;
	}
	for (uint32_t c = 0; c < g->w; c++)
		mean[c] = (double)sum[c] * 0x1p-15 / g->t;
	return variance + plain - turned;
}
