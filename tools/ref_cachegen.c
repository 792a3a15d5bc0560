/*
 * ref_cachegen.c - after CacheGen: differences to an anchor token, coded
 *
 * The first of every CACHEGEN_GROUP tokens is the anchor: 8 bits a value, one
 * f16 scale a token, the largest magnitude being 127 steps.  The others are
 * their difference to the anchor as a reader has it, in steps of X times 0.5,
 * 1 or 1.5 rms deviations of the matrix in the first, second and last third of
 * the layers.
 *
 * Bits are those of an ideal adaptive arithmetic coder with a model for each
 * channel, one of anchors and one of differences: counts that start at 1/2 for
 * each symbol from the channel's least to its largest, which are stored in 16
 * bits each.  No coder can spend fewer with that model, and a real one spends a
 * few bits more; no table has to be stored.  Anchors of a channel cost 8 bits
 * each where that is less.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/mem.h"
#include "tools/ref_schemes.h"

#define CACHEGEN_GROUP 10u
#define CACHEGEN_MOST  8000 /* differences, in steps */

struct cachegen_range {
	int lo, hi;
	uint32_t n;
};

/* Root of the mean square of the values about their channels' means. */
static double cachegen_deviation(const struct ref_part *p, const float *v)
{
	uint32_t cols = p->m->cols;
	double all = 0;

	for (uint32_t k = 0; k < cols; k++) {
		double sum = 0, squares = 0;

		for (uint32_t r = 0; r < p->rows; r++) {
			double x = (double)v[(size_t)r * cols + k];

			sum += x;
			squares += x * x;
		}
		all += squares - sum * sum / p->rows;
	}
	return sqrt(fmax(all, 0) / ((double)p->rows * cols));
}

static float cachegen_step(const struct ref_part *p, const float *v)
{
	uint32_t third = 3 * p->m->layer / p->m->n_layers;
	double step = p->x * 0.5 * (third + 1) * cachegen_deviation(p, v);

	return (float)fmax(step, 1e-30);
}

/* Indices of one row; v becomes what a reader has of an anchor. */
static float cachegen_anchor(float *v, uint32_t cols, int16_t *q)
{
	float most = 0;

	for (uint32_t k = 0; k < cols; k++)
		most = fmaxf(most, fabsf(v[k]));

	float scale = ref_f16(most / 127);

	for (uint32_t k = 0; k < cols; k++) {
		float at = scale > 0 ? roundf(v[k] / scale) : 0;

		q[k] = (int16_t)fmaxf(-127, fminf(127, at));
		v[k] = scale * (float)q[k];
	}
	return scale;
}

static void cachegen_delta(const float *v, const float *anchor, uint32_t cols,
			   float step, int16_t *q)
{
	for (uint32_t k = 0; k < cols; k++) {
		float at = roundf((v[k] - anchor[k]) / step);

		q[k] = (int16_t)fmaxf(-CACHEGEN_MOST, fminf(CACHEGEN_MOST, at));
	}
}

/* Least and largest of a channel's anchors, or of its differences. */
static struct cachegen_range cachegen_range(const struct ref_part *p,
					    const int16_t *q, bool anchors)
{
	struct cachegen_range range = { INT16_MAX, INT16_MIN, 0 };

	for (uint32_t r = 0; r < p->rows; r++) {
		int s = q[(size_t)r * p->m->cols];

		if ((r % CACHEGEN_GROUP == 0) != anchors)
			continue;
		range.lo = s < range.lo ? s : range.lo;
		range.hi = s > range.hi ? s : range.hi;
		range.n++;
	}
	return range;
}

/* What the adaptive coder spends on them: it depends on the counts alone. */
static double cachegen_channel(const struct ref_part *p, const int16_t *q,
			       bool anchors)
{
	uint32_t count[2 * CACHEGEN_MOST + 1];
	struct cachegen_range range = cachegen_range(p, q, anchors);

	if (!range.n)
		return 0;
	int n_symbols = range.hi - range.lo + 1;
	double half = 0.5 * n_symbols;
	double nats = lgamma(range.n + half) - lgamma(half);

	memset(count, 0, (size_t)n_symbols * sizeof(*count));
	for (uint32_t r = 0; r < p->rows; r++)
		if ((r % CACHEGEN_GROUP == 0) == anchors)
			count[q[(size_t)r * p->m->cols] - range.lo]++;
	for (int s = 0; s < n_symbols; s++)
		if (count[s])
			nats -= lgamma(count[s] + 0.5) - lgamma(0.5);

	double bits = nats / log(2) + 32;
	return anchors && bits > 8.0 * range.n ? 8.0 * range.n : bits;
}

static void cachegen_encode(const struct ref_part *p, struct ref_code *c)
{
	uint32_t cols = p->m->cols, n_anchors = 0;
	float step = cachegen_step(p, c->v), *anchor = c->v;
	double bits = 0;

	for (uint32_t r = 0; r < p->rows; r++) {
		size_t at = (size_t)r * cols;

		if (r % CACHEGEN_GROUP == 0) {
			anchor = c->v + at;
			c->scale[++n_anchors] =
			    cachegen_anchor(anchor, cols, c->q + at);
			continue;
		}
		cachegen_delta(c->v + at, anchor, cols, step, c->q + at);
	}
	c->scale[0] = step;
	for (uint32_t k = 0; k < cols; k++)
		bits += cachegen_channel(p, c->q + k, true) +
			cachegen_channel(p, c->q + k, false) + 1;
	c->bits += 32 + 16 * n_anchors + (uint64_t)ceil(bits);
}

static void cachegen_decode(const struct ref_part *p, struct ref_code *c)
{
	uint32_t cols = p->m->cols, n_anchors = 0;
	const float *anchor = NULL;

	for (uint32_t r = 0; r < p->rows; r++) {
		size_t at = (size_t)r * cols;
		bool is_anchor = r % CACHEGEN_GROUP == 0;
		float step = c->scale[is_anchor ? ++n_anchors : 0];

		if (is_anchor)
			anchor = c->v + at;
		for (uint32_t k = 0; k < cols; k++)
			c->v[at + k] = step * (float)c->q[at + k] +
				       (is_anchor ? 0 : anchor[k]);
	}
}

const struct ref_scheme ref_cachegen = {
	.name = "cachegen",
	.about = "anchors and coded differences; X times the bins (1)",
	.x = 1,
	.x_max = 100,
	.coder = true,
	.encode = cachegen_encode,
	.decode = cachegen_decode,
};
