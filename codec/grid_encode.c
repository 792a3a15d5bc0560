/*
 * grid_encode.c - one tile to the grid codec's layers
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"
#include "codec/scratch.h"

/* Values looked at to find what refine2 leaves. */
static const uint32_t ENCODE_SAMPLE = 1024;

struct encode {
	struct grid g;
	const struct kernels *k;
	const struct grid_codes *codes;
	struct grid_means means;
	struct turner turner;
	struct quantise q;
	struct cut cut;
	struct exact_rule rule;
	const uint16_t *x;      /* the coded rows, w wide */
	float *scale;           /* of each column */
	uint8_t *mag, *d1, *d2; /* of all values */
	uint8_t *planes;        /* refine1's first; room for the second */
	uint8_t *row_max;       /* largest |q| of each row */
	uint8_t *signs, *rest, *nibbles, *exponents;
};

static size_t encode_rows(const struct grid *g)
{
	return (size_t)align_up(g->t, GRID_ROWS);
}

static size_t encode_room(const struct grid *g)
{
	size_t each = KERNEL_SLACK + 64;

	return 2 * g->n + each +                        /* x */
	       g->w * (sizeof(double) + 2) + 2 * each + /* means */
	       grid_shift_room(g) + exact_rule_room(g) + 4 * g->w +
	       each +                                               /* scale */
	       g->n / 8 * 2 + 2 * each +                            /* planes */
	       2 * turner_room(g) + 6 * g->w + 2 * each +           /* fine */
	       encode_rows(g) * g->w + 2 * g->n + g->t + 4 * each + /* mag */
	       g->n / 8 + g->n / 8 * 7 + g->n / 2 + g->n + 4 * each + 64 +
	       (size_t)g->n + each + /* digits packed */
	       base_encode_room(g) + exact_encode_room(g);
}

/* Memory for all that the loops over rows write. */
static int encode_take(struct encode *s, struct arena *mem)
{
	const struct grid *g = &s->g;
	size_t n = g->n, rows = encode_rows(g);

	s->scale = arena_take(mem, g->w * sizeof(*s->scale) + KERNEL_SLACK);
	s->planes = arena_take(mem, n / 8 * 2 + KERNEL_SLACK);
	s->mag = arena_take(mem, rows * g->w + KERNEL_SLACK);
	s->d1 = arena_take(mem, n + KERNEL_SLACK);
	s->d2 = arena_take(mem, n + KERNEL_SLACK);
	s->row_max = arena_take(mem, g->t);
	s->signs = arena_take(mem, n / 8 + KERNEL_SLACK);
	s->rest = arena_take(mem, n / 8 * 7 + KERNEL_SLACK);
	s->nibbles = arena_take(mem, n / 2 + KERNEL_SLACK);
	s->exponents = arena_take(mem, n + KERNEL_SLACK);
	s->q.fine = arena_take(mem, 2 * g->w + KERNEL_SLACK);
	if (!s->scale || !s->planes || !s->mag || !s->d1 || !s->d2 ||
	    !s->row_max || !s->signs || !s->rest || !s->nibbles ||
	    !s->exponents || !s->q.fine)
		return -ENOMEM;

	memset(s->mag + n, 0, rows * g->w - n);
	memset(s->d1 + n, 0, KERNEL_SLACK);
	memset(s->d2 + n, 0, KERNEL_SLACK);
	return 0;
}

/* The coded rows as the kernels want them: aligned, padded. */
static int encode_take_rows(struct encode *s, const uint8_t *src,
			    struct arena *mem)
{
	const struct grid *g = &s->g;
	size_t len = 2 * (size_t)g->cols;

	src += len * g->n_sink;
	if (g->w == g->cols && !((uintptr_t)src & 1)) {
		s->x = (const uint16_t *)(const void *)src;
		return 0;
	}
	uint16_t *copy = arena_take(mem, 2 * (size_t)g->n + KERNEL_SLACK);

	if (!copy)
		return -ENOMEM;
	for (size_t t = 0; t < g->t; t++) {
		memcpy(copy + t * g->w, src + t * len, len);
		memset(copy + t * g->w + g->cols, 0, 2 * (g->w - g->cols));
	}
	s->x = copy;
	return 0;
}

/*
 * Padded values get j = 2^M: no bits are cut off, the exponent is known.
 * False when the type has no such value.
 */
static bool encode_pad(struct encode *s)
{
	const struct grid *g = &s->g;
	int m = grid_mantissa(g), exponent = g->k + m + grid_bias(g);
	/* x is our own copy when there is anything to pad */
	uint16_t *x = (uint16_t *)(uintptr_t)s->x;

	if (g->w == g->cols)
		return true;
	if (exponent < 1 || exponent >= (g->bf16 ? 255 : 31))
		return false;
	for (size_t t = 0; t < g->t; t++) {
		for (uint32_t c = g->cols; c < g->w; c++)
			x[t * g->w + c] = (uint16_t)(exponent << m);
	}
	return true;
}

/* All rows to magnitudes, digits, signs and bits cut off. */
static unsigned encode_loop(struct encode *s)
{
	const struct grid *g = &s->g;
	unsigned max_q = 0;

	for (uint32_t t = 0; t < g->t; t++) {
		size_t at = (size_t)t * g->w;
		const uint16_t *x = s->x + at;

		s->q.mean = turner_row(&s->turner, t);
		s->q.mag = s->mag + at;
		s->q.d1 = s->d1 + at;
		s->q.d2 = s->d2 + at;
		unsigned row_max = s->k->quantise[g->bf16](&s->q, x);

		s->row_max[t] = (uint8_t)row_max;
		max_q = row_max > max_q ? row_max : max_q;
		s->k->cut[g->bf16](&s->cut, x, s->q.fine);
	}
	return max_q;
}

/* No reconstruction overflows the type, nor any sum 16 bits. */
static bool encode_in_range(const struct grid *g, unsigned max_j,
			    unsigned max_q)
{
	/* a power of two is the largest: 2^(max exponent) */
	int room = (g->bf16 ? 127 : 15) - g->k - g->most_shift;

	if (max_j > GRID_MAX_J || max_q >= GRID_MAX_Q)
		return false;
	return room >= 20 || (room > 0 && 2 * (max_j + g->f) <= 1u << room);
}

/* Half fine steps that a cell's middle is worth, for the least error. */
static unsigned encode_base_times(const struct encode *s)
{
	int f = (int)s->g.f, less = 0;

	if (s->q.q_square)
		less = (int)floor(0.5 - (double)s->q.q_offset /
					    (double)s->q.q_square);
	less = less < 0 ? 0 : less;
	return (unsigned)(2 * f - (less < f ? less : f));
}

/* The sum of squares, in half fine steps, that base leaves with that. */
static double encode_base_error(const struct encode *s)
{
	double less = (double)(2 * s->g.f - s->g.base_times);

	return (double)s->q.base_error + 2 * less * (double)s->q.q_offset +
	       less * less * (double)s->q.q_square;
}

/* Mean square, in half fine steps, of what refine2 leaves. */
static double encode_cut_error(const struct encode *s)
{
	const struct grid *g = &s->g;
	uint32_t step = g->n / ENCODE_SAMPLE | 1;
	int m = grid_mantissa(g);
	uint64_t sum = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->n; i += step, n++) {
		int exponent = (s->x[i] & 0x7fff) >> m;
		uint64_t bits = s->x[i] & ((1u << m) - 1);

		bits |= exponent ? 1u << m : 0;
		int shift = (exponent ? exponent : 1) - grid_bias(g) - m -
			    grid_k(g, i % g->w) + 12;
		/* |x| / 2^k in units of 2^-12 */
		uint64_t v = shift < -20 ? 0
			     : shift < 0 ? bits >> -shift
					 : bits << (shift & 31);
		int64_t off = (int64_t)(v & 4095) - 2048;

		sum += (uint64_t)(off * off);
	}
	return 4.0 * (double)sum / n / 4096 / 4096;
}

static void encode_errors(const struct encode *s, struct coded *ret)
{
	const struct grid *g = &s->g;
	double half = ldexp(0.5, g->k + (g->shift ? SHAPE_SHIFT : 0));
	double cut = encode_cut_error(s);
	double unit = half * half / s->means.variance;

	ret->error[LAYER_HEAD] = ret->error[LAYER_WINDOW] =
	    (float)s->means.left;
	/* what is within a fine step adds to what is between them */
	double base = cut + encode_base_error(s) / g->n;
	double refine1 = cut + (double)s->q.refine1_error / g->n;

	ret->error[LAYER_BASE] = (float)(base * unit);
	ret->error[LAYER_REFINE1] = (float)(refine1 * unit);
	ret->error[LAYER_REFINE2] = (float)(cut * unit);
	ret->error[LAYER_EXACT] = 0;
}

/* Bytes of refine1's planes: what the kernels wrote. */
static size_t encode_planes_len(const struct encode *s)
{
	struct bit_writer second = s->q.second;

	return (size_t)(bits_end(&second) - s->planes);
}

static void encode_digits(const struct encode *s, const uint8_t *d,
			  unsigned radix, struct arena *mem, struct out *out)
{
	size_t len = grid_digit_bytes(s->g.n, radix);
	struct arena scrap = *mem;
	uint8_t *packed = arena_take(&scrap, len + KERNEL_SLACK);

	if (!packed) {
		out->full = true;
		return;
	}
	if (radix == 3)
		s->k->pack3(d, len, packed);
	else
		s->k->pack4(d, len, packed);
	out_put(out, packed, len);
}

static void encode_refine1(const struct encode *s, struct arena *mem,
			   struct out *out)
{
	if (s->g.planes)
		out_put(out, s->planes, encode_planes_len(s));
	else
		encode_digits(s, s->d1, 3, mem, out);
}

static int encode_base(struct encode *s, struct arena mem, struct out *out)
{
	struct base_job job = {
		.g = &s->g,
		.k = s->k,
		.codes = s->codes,
		.mag = s->mag,
		.row_max = s->row_max,
		.signs = s->signs,
		.signs_len = (size_t)(bits_end(&s->q.signs) - s->signs),
	};

	return base_encode(&job, &mem, out);
}

static int encode_exact(struct encode *s, struct arena mem, struct out *out)
{
	struct exact_job job = {
		.g = &s->g,
		.codes = s->codes,
		.exponents = s->exponents,
		.n_exponents = (size_t)(s->cut.exponents - s->exponents),
		.nibbles = s->nibbles,
		.rest = s->rest,
		.rest_len = (size_t)(bits_end(&s->cut.rest) - s->rest),
	};

	return exact_encode(&job, &mem, out);
}

/* Notes how long the layer that just ended is. */
static void encode_mark(struct coded *ret, enum layer layer,
			const struct out *out, uint8_t **last)
{
	ret->len[layer] = (uint32_t)(out->at - *last);
	*last = out->at;
}

static int encode_write(struct encode *s, const void *src, struct arena *mem,
			struct out *out, struct coded *ret)
{
	uint8_t *last = out->at;

	grid_head_write(&s->g, s->means.m, src, out);
	encode_mark(ret, LAYER_HEAD, out, &last);
	encode_mark(ret, LAYER_WINDOW, out, &last);
	int r = encode_base(s, *mem, out);

	if (r)
		return r;
	encode_mark(ret, LAYER_BASE, out, &last);
	encode_refine1(s, mem, out);
	encode_mark(ret, LAYER_REFINE1, out, &last);
	encode_digits(s, s->d2, s->g.r2, mem, out);
	encode_mark(ret, LAYER_REFINE2, out, &last);
	r = encode_exact(s, *mem, out);
	encode_mark(ret, LAYER_EXACT, out, &last);
	return r ? r : out->full ? -E2BIG : 0;
}

/* Sets the kernels' state to the first row. */
static void encode_begin(struct encode *s)
{
	const struct grid *g = &s->g;

	turner_start(&s->turner, s->means.m, 0, -(int)(g->f / 2));
	grid_scales(g, -1, 0, s->scale);
	s->q.w = g->w;
	s->q.scale = s->scale;
	s->q.first = s->planes;
	s->q.second.dst = s->planes + g->n / 8;
	s->q.r2 = g->r2;
	s->q.signs.dst = s->signs;
	s->cut.w = g->w;
	s->cut.rule = &s->rule;
	s->cut.rest.dst = s->rest;
	s->cut.nibbles = s->nibbles;
	s->cut.exponents = s->exponents;
}

int grid_encode(const struct shape *shape, const void *src, struct scratch *ws,
		struct out *out, struct coded *ret)
{
	struct encode s = { .k = dispatch_kernels(),
			    .codes = dispatch_codes() };

	if (!grid_measure(shape, &s.g))
		return -E2BIG;
	size_t room = encode_room(&s.g);
	struct arena mem = { .at = scratch_buf(ws, room) };

	if (!mem.at)
		return -ENOMEM;
	mem.end = mem.at + room;
	int r = encode_take_rows(&s, src, &mem);

	if (!r)
		r = grid_head_choose(&s.g, s.k, shape, s.x, &mem, &s.means);
	if (!r)
		r = turner_init(&s.turner, &s.g, s.k, &mem);
	if (!r)
		r = encode_take(&s, &mem);
	if (!r)
		r = exact_rule_init(&s.g, &mem, &s.rule);
	if (r)
		return r;
	if (!encode_pad(&s))
		return -E2BIG;

	encode_begin(&s);
	unsigned max_q = encode_loop(&s);

	if (!encode_in_range(&s.g, s.q.max_j, max_q))
		return -E2BIG;
	s.g.base_times = encode_base_times(&s);
	s.g.planes = encode_planes_len(&s) < grid_digit_bytes(s.g.n, 3);
	struct coded done;

	r = encode_write(&s, src, &mem, out, &done);
	if (r)
		return r;
	encode_errors(&s, &done);
	*ret = done;
	return 0;
}
