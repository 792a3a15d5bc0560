/*
 * sample.h - tiles to try codecs on: contents and shapes, by number
 */
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/mem.h"
#include "tests/unit/run.h"

enum sample_kind {
	SAMPLE_ZEROS,
	SAMPLE_CONSTANT,
	SAMPLE_RANDOM,   /* every bit pattern, so every NaN too */
	SAMPLE_SPECIALS, /* infinities, NaNs, subnormals, signed zeros */
	SAMPLE_NORMAL,   /* channels with a mean and a scale of their own */
	SAMPLE_TEXT,     /* repeats, as in a head */
	N_SAMPLES,
};

/* The float's 16 bits, cut off as bf16 or f16 would be; f16 without range. */
static inline uint16_t sample_half(uint8_t elem, double v)
{
	float f = (float)v;
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	if (elem == ELEM_BF16)
		return (uint16_t)(bits >> 16);

	int exponent = (int)(bits >> 23 & 255) - 127 + 15;

	if (exponent <= 0)
		return (uint16_t)(bits >> 16 & 0x8000);
	if (exponent >= 31)
		exponent = 30;
	return (uint16_t)((bits >> 16 & 0x8000) | (unsigned)exponent << 10 |
			  (bits >> 13 & 0x3ff));
}

/* Near enough to a Gaussian: twelve dice. */
static inline double sample_gauss(uint64_t *seed)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += run_random(seed) / 2147483648.0;
	return sum;
}

static inline void sample_normal(const struct shape *s, uint8_t *dst)
{
	uint64_t seed = 7;
	size_t size = elem_bytes(s->elem);
	size_t i = 0;

	for (uint32_t r = 0; r < s->rows; r++)
		for (uint32_t c = 0; c < s->cols; c++, i++) {
			double scale = 0.05 * (1 + c % 37);
			double v = scale * sample_gauss(&seed) + (c % 5) * 0.3;
			float f = (float)v;

			if (size == 2)
				store16(dst + 2 * i, sample_half(s->elem, v));
			else if (size == 4)
				memcpy(dst + 4 * i, &f, 4);
			else
				dst[i] = (uint8_t)(int)(v * 16);
		}
}

static inline void sample_fill(enum sample_kind kind, const struct shape *s,
			       uint8_t *dst)
{
	static const uint16_t specials[] = { 0x0000, 0x8000, 0x7c00, 0xfc00,
					     0x7e00, 0x7f80, 0xff80, 0x7fc1,
					     0x0001, 0x8001, 0x03ff, 0xffff };
	size_t len = shape_bytes(s);
	uint64_t seed = 1;

	if (kind == SAMPLE_NORMAL) {
		sample_normal(s, dst);
		return;
	}
	for (size_t i = 0; i < len; i++) {
		uint16_t special = specials[i / 2 * 7 % 12];

		if (kind == SAMPLE_ZEROS)
			dst[i] = 0;
		else if (kind == SAMPLE_CONSTANT)
			dst[i] = i % 2 ? 0x3c : 0x55;
		else if (kind == SAMPLE_RANDOM)
			dst[i] = (uint8_t)run_random(&seed);
		else if (kind == SAMPLE_SPECIALS)
			dst[i] = (uint8_t)(i % 2 ? special >> 8 : special);
		else
			dst[i] = (uint8_t)("the head of a file "[i % 19]);
	}
}

/* Shapes around every width and edge the codecs care for. */
static const struct shape sample_shapes[] = {
	{ .elem = ELEM_U8, .rows = 1, .cols = 1 },
	{ .elem = ELEM_U8, .rows = 7, .cols = 1 },
	{ .elem = ELEM_U8, .rows = 4095, .cols = 1 },
	{ .elem = ELEM_U8, .rows = 4097, .cols = 1 },
	{ .elem = ELEM_U8, .rows = 262144, .cols = 1 },
	{ .elem = ELEM_F16, .rows = 1, .cols = 1 },
	{ .elem = ELEM_F16, .rows = 1, .cols = 15 },
	{ .elem = ELEM_F16, .rows = 15, .cols = 16 },
	{ .elem = ELEM_F16, .rows = 16, .cols = 17 },
	{ .elem = ELEM_F16, .rows = 63, .cols = 64 },
	{ .elem = ELEM_F16, .rows = 64, .cols = 1 },
	{ .elem = ELEM_F16, .rows = 64, .cols = 16 },
	{ .elem = ELEM_F16, .rows = 65, .cols = 31 },
	{ .elem = ELEM_BF16, .rows = 79, .cols = 33 },
	{ .elem = ELEM_BF16, .rows = 128, .cols = 192 },
	{ .elem = ELEM_F16, .rows = 257, .cols = 100 },
	{ .elem = ELEM_F16, .rows = 524288, .cols = 1 },
	{ .elem = ELEM_BF16, .rows = 1, .cols = 524288 },
	{ .elem = ELEM_BF16, .rows = 64, .cols = 8192 },
	{ .elem = ELEM_F32, .rows = 1, .cols = 1 },
	{ .elem = ELEM_F32, .rows = 3, .cols = 5 },
	{ .elem = ELEM_F32, .rows = 63, .cols = 16 },
	{ .elem = ELEM_F32, .rows = 64, .cols = 17 },
	{ .elem = ELEM_F32, .rows = 262144, .cols = 1 },
	{ .elem = ELEM_F32, .rows = 1, .cols = 262144 },
	{ .elem = ELEM_F32, .rows = 256, .cols = 192 },
};

#define N_SAMPLE_SHAPES (sizeof(sample_shapes) / sizeof(sample_shapes[0]))
