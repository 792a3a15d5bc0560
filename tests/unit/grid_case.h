/*
 * grid_case.h - tiles for the grid codec's tests, and how to run them
 *
 * Include once, in the file that has main.
 */
#pragma once

#include <math.h>
#include <stdbool.h>

#include "codec/codecs.h"
#include "codec/grid_layers.h"
#include "codec/scratch.h"
#include "tests/unit/run.h"
#include "tests/unit/sample.h"

#define GUARD 0xa5

enum content {
	CONTENT_GAUSS,
	CONTENT_OUTLIERS,  /* a thousandfold now and then */
	CONTENT_UNEVEN,    /* channels of very different variance */
	CONTENT_HUGE_MEAN, /* far from zero, small deviations */
	CONTENT_TURNING,   /* a mean that rotates, as K has */
	CONTENT_ZEROS,
	CONTENT_CONSTANT,
	CONTENT_SUBNORMAL,
	CONTENT_SIGNED_ZEROS,
	CONTENT_NAN,
	CONTENT_BITS, /* anything */
	CONTENT_SPARSE,
	N_CONTENTS,
};

static const struct shape shapes[] = {
	{ .rows = 256, .cols = 192 },
	{ .rows = 256, .cols = 64, .first_row = 256, .role = ROLE_K },
	{ .rows = 100, .cols = 80, .first_row = 0 },
	{ .rows = 33, .cols = 96, .first_row = 7 },
	{ .rows = 31, .cols = 128, .first_row = 7, .role = ROLE_K },
	{ .rows = 1, .cols = 64, .first_row = 7 },
	{ .rows = 5, .cols = 64, .first_row = 0 },
	{ .rows = 4, .cols = 64, .first_row = 0 },
	{ .rows = 64, .cols = 576, .first_row = 64 },
	{ .rows = 250, .cols = 17, .first_row = 64 },
	{ .rows = 70, .cols = 100, .first_row = 0 },
	{ .rows = 40, .cols = 1024, .first_row = 1 },
	{ .rows = 3, .cols = 15, .first_row = 1 },
};

#define N_SHAPES (sizeof(shapes) / sizeof(shapes[0]))
#define N_CASES  (N_SHAPES * N_CONTENTS * 2 * 2)
#define MAX_LEN  (2 * 256 * 192 + 64)

static struct scratch *ws;
static uint8_t plain[MAX_LEN], coded[2 * MAX_LEN];
static uint8_t shifts[1024]; /* all of them, in no order */

static inline double test_value(uint16_t x, uint8_t elem)
{
	int m = elem == ELEM_BF16 ? 7 : 10, bias = m == 7 ? 127 : 15;
	int e = (x & 0x7fff) >> m, f = x & ((1 << m) - 1);
	double v = ldexp(e ? f | 1 << m : f, (e ? e : 1) - bias - m);

	return x >> 15 ? -v : v;
}

static inline double test_content(enum content kind, uint32_t t, uint32_t c,
				  uint64_t *seed)
{
	double g = sample_gauss(seed);

	switch (kind) {
	case CONTENT_OUTLIERS:
		return run_random(seed) % 500 ? g : 300 * g;
	case CONTENT_UNEVEN:
		return g * exp2(c % 12) / 64;
	case CONTENT_HUGE_MEAN:
		return g + (c % 3 ? 200 : -90);
	case CONTENT_TURNING:
		return 0.3 * g +
		       3 * cos(t * pow(1e4, -(double)(c % 64 / 2) / 32) -
			       c % 2 * M_PI / 2);
	case CONTENT_CONSTANT:
		return 1.5;
	case CONTENT_SUBNORMAL:
		return g * 0x1p-17;
	case CONTENT_SIGNED_ZEROS:
		return run_random(seed) % 2 ? 0.0 : -0.0;
	case CONTENT_SPARSE:
		return run_random(seed) % 3 ? 0 : g;
	default:
		return kind == CONTENT_ZEROS ? 0 : g;
	}
}

static inline void test_fill(enum content kind, const struct shape *s,
			     uint8_t *dst)
{
	uint64_t seed = 99;

	for (uint32_t t = 0; t < s->rows; t++) {
		for (uint32_t c = 0; c < s->cols; c++, dst += 2) {
			double v = test_content(kind, t, c, &seed);
			uint16_t x = sample_half(s->elem, v);

			if (kind == CONTENT_BITS)
				x = (uint16_t)run_random(&seed);
			if (kind == CONTENT_SUBNORMAL && s->elem == ELEM_F16)
				x = (uint16_t)(run_random(&seed) & 0x83ff);
			if (kind == CONTENT_NAN && run_random(&seed) % 99 == 0)
				x = s->elem == ELEM_F16 ? 0x7e01 : 0xffc1;
			store16(dst, x);
		}
	}
}

/* The case's shape and content; its number runs over both types, without
 * shifts and with. */
static inline struct shape test_case(int i, enum content *ret)
{
	struct shape s = shapes[(size_t)i % N_SHAPES];

	s.elem = (size_t)i / N_SHAPES % 2 ? ELEM_BF16 : ELEM_F16;
	*ret = (enum content)((size_t)i / N_SHAPES / 2 % N_CONTENTS);
	s.shift = (size_t)i / N_SHAPES / 2 / N_CONTENTS ? shifts : NULL;
	test_fill(*ret, &s, plain);
	return s;
}

static inline int test_encode(const struct shape *shape, float step,
			      uint8_t *dst, struct coded *ret)
{
	struct out out = { .at = dst, .end = dst + sizeof(coded) };
	struct shape s = *shape;

	s.step = step;
	return grid_encode(&s, plain, ws, &out, ret);
}

static inline struct coded_view
test_view(const uint8_t *p, const struct coded *c, unsigned n_layers)
{
	struct coded_view v = { .n_layers = n_layers };

	for (unsigned l = 0; l < n_layers; l++) {
		v.layer[l] = p;
		v.len[l] = c->len[l];
		p += c->len[l];
	}
	return v;
}

static inline size_t test_coded_len(const struct coded *c)
{
	size_t len = 0;

	for (unsigned l = 0; l < N_LAYERS; l++)
		len += c->len[l];
	return len;
}

static inline void test_setup(void)
{
	uint64_t seed = 7;

	for (size_t c = 0; c < sizeof(shifts); c++)
		shifts[c] = run_random(&seed) % (SHAPE_SHIFT_MAX + 1);
	ws = scratch_new();
}

static inline void test_teardown(void)
{
	ws = scratch_free(ws);
}
