/*
 * grid_head.c - the grid codec's head: step, means, sink rows
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"

enum {
	HEAD_R2_IS_4 = 1,
	HEAD_WIDE = 2,
	HEAD_FLAGS_1 = HEAD_R2_IS_4 | HEAD_WIDE, /* of version 1 */
	HEAD_SHIFTS = 4,
	HEAD_PLANES = 8,
	HEAD_FLAGS = HEAD_FLAGS_1 | HEAD_SHIFTS | HEAD_PLANES,
};

/* f32 holds every 2^k, 2^-k and their products with 16 bits. */
static const int HEAD_MAX_K = 100;

/* From this many rows on, every other one tells enough of a mean. */
static const uint32_t HEAD_MANY_ROWS = 512;

bool grid_measure(const struct shape *s, struct grid *ret)
{
	if ((s->elem != ELEM_F16 && s->elem != ELEM_BF16) || s->cols < 16 ||
	    s->cols > GRID_MAX_COLS || !s->rows ||
	    s->rows > TILE_MAX_BYTES / 2 / s->cols)
		return false;

	memset(ret, 0, sizeof(*ret));
	ret->bf16 = s->elem == ELEM_BF16;
	ret->cols = s->cols;
	if (!s->first_row)
		ret->n_sink = s->rows < GRID_SINKS ? s->rows : GRID_SINKS;
	ret->t = s->rows - ret->n_sink;
	ret->w = (uint32_t)align_up(s->cols, 16);
	ret->h = (ret->t + 1) / 2;
	ret->n = ret->t * ret->w;
	return ret->t > 0;
}

static int grid_head_least_k(const struct grid *g)
{
	return g->bf16 ? -HEAD_MAX_K : -24;
}

/* Of 9 * 2^k and 12 * 2^k the one nearest, in the logarithm, to the step. */
static bool grid_head_choose_step(struct grid *g, double step2)
{
	int k;

	if (!(step2 > 0 && step2 < 0x1p100))
		return false;
	(void)frexp(step2, &k);
	k = (k - 8) / 2 - 1;
	while (ldexp(step2, -2 * k) >= 216)
		k++;
	if (k < grid_head_least_k(g) || k > HEAD_MAX_K)
		return false;
	g->k = k;
	g->r2 = ldexp(step2, -2 * k) < 108 ? 3 : 4;
	g->f = 3 * g->r2;
	return true;
}

static bool grid_head_round_means(struct grid *g, const double *mean,
				  int16_t *m)
{
	/* turned, two means add */
	const double most = g->turn ? GRID_MAX_J / 2 : GRID_MAX_J;

	g->wide = false;
	for (uint32_t c = 0; c < g->cols; c++) {
		double v = mean[c] / ldexp((double)g->r2, grid_k(g, c));

		if (!(fabs(v) * g->r2 <= most))
			return false;
		int steps = (int)(v < 0 ? v - 0.5 : v + 0.5);

		if (steps < -128 || steps > 127)
			g->wide = true;
		m[c] = (int16_t)(steps * (int)g->r2);
	}
	for (uint32_t c = g->cols; c < g->w; c++)
		m[c] = grid_head_pad_mean(g);
	return true;
}

int16_t grid_head_pad_mean(const struct grid *g)
{
	int r2 = (int)g->r2;

	return (int16_t)((1 << grid_mantissa(g)) / r2 * r2);
}

static float grid_head_float(uint16_t x, bool bf16)
{
	uint32_t bits = (uint32_t)x << 16;
	float f;

	if (!bf16) {
		int e = x >> 10 & 31, m = x & 1023;

		f = ldexpf((float)(e ? m | 1024 : m), (e ? e : 1) - 25);
		return x >> 15 ? -f : f;
	}
	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* Means of the columns; returns the mean of their variances. */
static double grid_head_moments(const struct grid *g, const struct kernels *k,
				const uint16_t *x, double *mean)
{
	size_t step = g->t >= HEAD_MANY_ROWS ? 2 : 1;
	size_t rows = (g->t + step - 1) / step;
	double sum_var = 0, t = (double)rows;

	for (uint32_t c = 0; c < g->w; c += 16) {
		uint32_t n = g->cols - c < 16 ? g->cols - c : 16;
		float sum[16], sum2[16];

		k->moments[g->bf16](x + c, step * g->w, rows, sum, sum2);
		for (uint32_t i = 0; i < n; i++) {
			double d = (double)sum[i] / t;
			double var = (double)sum2[i] / t - d * d;

			mean[c + i] =
			    (double)grid_head_float(x[c + i], g->bf16) + d;
			/* not (var < 0): what is not a number must stay so */
			sum_var += var < 0 ? 0 : var;
		}
	}
	return sum_var / g->cols;
}

int grid_head_choose(struct grid *g, const struct kernels *k,
		     const struct shape *shape, const uint16_t *x,
		     struct arena *mem, struct grid_means *ret)
{
	double step = shape->step > 0 ? (double)shape->step : SHAPE_STEP;
	double *mean = arena_take(mem, g->w * sizeof(*mean));

	ret->m = arena_take(mem, g->w * sizeof(*ret->m) + KERNEL_SLACK);
	if (!mean || !ret->m)
		return -ENOMEM;

	ret->variance = grid_head_moments(g, k, x, mean);
	if (!(ret->variance > 0 && ret->variance < (double)INFINITY))
		return -E2BIG;

	double after = ret->variance;

	if (shape->role != ROLE_V)
		after = rotate_find(g, k, x, ret->variance, mean, mem);
	ret->left = after / ret->variance;
	if (!grid_head_choose_step(g, step * step * ret->variance))
		return -E2BIG;
	if (shape->shift && g->k - SHAPE_SHIFT >= grid_head_least_k(g)) {
		int r = grid_shift_set(g, shape->shift, mem);

		if (r)
			return r;
	}
	return grid_head_round_means(g, mean, ret->m) ? 0 : -E2BIG;
}

void grid_head_write(const struct grid *g, const int16_t *m, const void *sinks,
		     struct out *out)
{
	uint8_t head[GRID_HEAD] = {
		GRID_VERSION,
		(uint8_t)((g->r2 == 4 ? HEAD_R2_IS_4 : 0) |
			  (g->wide ? HEAD_WIDE : 0) |
			  (g->shift ? HEAD_SHIFTS : 0) |
			  (g->planes ? HEAD_PLANES : 0)),
		(uint8_t)g->k,
		(uint8_t)g->n_sink,
		(uint8_t)g->turn,
		(uint8_t)g->pairing,
		(uint8_t)g->base_times,
	};

	out_put(out, head, sizeof(head));
	for (uint32_t c = 0; c < g->cols; c++) {
		uint8_t steps[2];

		store16(steps, (uint16_t)(m[c] / (int)g->r2));
		out_put(out, steps, g->wide ? 2 : 1);
	}
	if (g->shift)
		grid_shift_write(g, out);
	out_put(out, sinks, 2 * (size_t)g->n_sink * g->cols);
}

/* The rotation is one that we know and that fits the columns. */
static bool grid_head_turn_fits(const struct grid *g)
{
	if (!g->turn)
		return !g->pairing;
	return g->turn <= grid_n_turns && g->pairing <= GRID_HALVES &&
	       g->cols % grid_turns[g->turn - 1].dims == 0;
}

/* The eight bytes before the means.  Returns the version, 0 for none. */
static unsigned grid_head_parse_fixed(const uint8_t *p, struct grid *g)
{
	unsigned version = p[0], flags = p[1];

	if (version < 1 || version > GRID_VERSION || p[7] ||
	    flags & ~(version == 1 ? HEAD_FLAGS_1 : HEAD_FLAGS) ||
	    p[3] != g->n_sink)
		return 0;
	g->r2 = flags & HEAD_R2_IS_4 ? 4 : 3;
	g->f = 3 * g->r2;
	g->wide = flags & HEAD_WIDE;
	g->planes = flags & HEAD_PLANES;
	g->k = (int8_t)p[2];
	g->turn = p[4];
	g->pairing = p[5];
	g->base_times = version == 1 ? 2 * g->f : p[6];
	if ((version == 1 && p[6]) || g->base_times < g->f ||
	    g->base_times > 2 * g->f || g->k > HEAD_MAX_K ||
	    g->k < grid_head_least_k(g) || !grid_head_turn_fits(g))
		return 0;
	return version;
}

int grid_head_parse(const uint8_t *p, size_t len, struct grid *g,
		    struct arena *mem, int16_t *ret_m,
		    const uint8_t **ret_sinks)
{
	if (len < GRID_HEAD || !grid_head_parse_fixed(p, g))
		return -EBADMSG;

	bool shifts = p[1] & HEAD_SHIFTS;
	size_t means = (size_t)g->cols << g->wide;
	size_t shifts_len = shifts ? grid_shift_bytes(g) : 0;

	if (len !=
	    GRID_HEAD + means + shifts_len + 2 * (size_t)g->n_sink * g->cols)
		return -EBADMSG;

	p += GRID_HEAD;
	for (uint32_t c = 0; c < g->cols; c++) {
		int steps = g->wide ? (int16_t)load16(p + 2 * c) : (int8_t)p[c];

		ret_m[c] = (int16_t)(steps * (int)g->r2);
	}
	for (uint32_t c = g->cols; c < g->w; c++)
		ret_m[c] = grid_head_pad_mean(g);
	*ret_sinks = p + means + shifts_len;
	return shifts ? grid_shift_parse(g, p + means, mem) : 0;
}
