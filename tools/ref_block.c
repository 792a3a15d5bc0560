/*
 * ref_block.c - llama.cpp's block formats, and q4_0 behind a rotation
 *
 * A block is REF_GROUP values of a row with one f16 scale.  q8_0: the largest
 * magnitude is 127 steps.  q5_0, q4_0: the value of largest magnitude is -16 or
 * -8 steps, the others are rounded up to half a step beyond.  A row whose end
 * fills no block takes a whole one.
 *
 * q4_0-had turns the channels of each head by a normalised Walsh-Hadamard
 * matrix first, and back after.
 */
#include <math.h>

#include "tools/ref_schemes.h"

/* Below this a step has no inverse. */
#define BLOCK_LEAST 1e-30f

static uint32_t block_most(uint32_t c, uint32_t cols)
{
	return cols - c < REF_GROUP ? cols - c : REF_GROUP;
}

/* One block: returns the step. */
static float block_encode(const float *v, uint32_t n, unsigned bits, int16_t *q)
{
	float most = 0, signed_most = 0;
	int half = 1 << (bits - 1);

	for (uint32_t i = 0; i < n; i++)
		if (fabsf(v[i]) > most) {
			most = fabsf(v[i]);
			signed_most = v[i];
		}

	float d = bits == 8 ? most / 127 : signed_most / (float)-half;
	float inverse = most > BLOCK_LEAST ? 1 / d : 0;

	for (uint32_t i = 0; i < n; i++) {
		float steps = v[i] * inverse;
		int up = (int)(steps + (float)half + 0.5f);

		q[i] = (int16_t)(bits == 8           ? (int)roundf(steps)
				 : up > 2 * half - 1 ? half - 1
						     : up - half);
	}
	return ref_f16(d);
}

static void blocks_encode(const struct ref_part *p, struct ref_code *c,
			  unsigned bits)
{
	uint32_t cols = p->m->cols;
	size_t g = 0;

	for (uint32_t r = 0; r < p->rows; r++)
		for (uint32_t at = 0; at < cols; at += REF_GROUP) {
			size_t i = (size_t)r * cols + at;

			c->scale[g++] = block_encode(
			    c->v + i, block_most(at, cols), bits, c->q + i);
		}
	c->bits += g * (16 + REF_GROUP * bits);
}

static void blocks_decode(const struct ref_part *p, struct ref_code *c)
{
	uint32_t cols = p->m->cols;
	size_t g = 0;

	for (uint32_t r = 0; r < p->rows; r++)
		for (uint32_t at = 0; at < cols; at += REF_GROUP, g++) {
			size_t i = (size_t)r * cols + at;
			uint32_t n = block_most(at, cols);

			for (uint32_t k = 0; k < n; k++)
				c->v[i + k] = c->scale[g] * (float)c->q[i + k];
		}
}

static void q8_0_encode(const struct ref_part *p, struct ref_code *c)
{
	blocks_encode(p, c, 8);
}

static void q5_0_encode(const struct ref_part *p, struct ref_code *c)
{
	blocks_encode(p, c, 5);
}

static void q4_0_encode(const struct ref_part *p, struct ref_code *c)
{
	blocks_encode(p, c, 4);
}

#define HAD_MOST 1e38f

/* Its own inverse; n is a power of two. */
static void had_turn(float *v, uint32_t n)
{
	float norm = 1 / sqrtf((float)n);

	for (uint32_t half = 1; half < n; half *= 2)
		for (uint32_t i = 0; i < n; i += 2 * half)
			for (uint32_t k = i; k < i + half; k++) {
				float a = v[k], b = v[k + half];

				v[k] = a + b;
				v[k + half] = a - b;
			}
	for (uint32_t i = 0; i < n; i++)
		v[i] *= norm;
}

/* A head of a size that is no power of two: in parts that are. */
static void had_all(const struct ref_part *p, float *v)
{
	uint32_t n = p->m->head_dim & -p->m->head_dim;
	size_t all = (size_t)p->rows * p->m->cols;

	for (size_t i = 0; i < all; i += n)
		had_turn(v + i, n);
}

static void had_encode(const struct ref_part *p, struct ref_code *c)
{
	size_t n = (size_t)p->rows * p->m->cols;

	had_all(p, c->v);
	/* Sums of the largest bf16 are beyond a float. */
	for (size_t i = 0; i < n; i++) {
		float v = c->v[i] < HAD_MOST ? c->v[i] : HAD_MOST;

		c->v[i] = v > -HAD_MOST ? v : -HAD_MOST;
	}
	blocks_encode(p, c, 4);
}

static void had_decode(const struct ref_part *p, struct ref_code *c)
{
	blocks_decode(p, c);
	had_all(p, c->v);
}

const struct ref_scheme ref_q8_0 = {
	.name = "q8_0",
	.about = "llama.cpp: 32 values a scale, 8 bits",
	.encode = q8_0_encode,
	.decode = blocks_decode,
};

const struct ref_scheme ref_q5_0 = {
	.name = "q5_0",
	.about = "llama.cpp: 32 values a scale, 5 bits",
	.encode = q5_0_encode,
	.decode = blocks_decode,
};

const struct ref_scheme ref_q4_0 = {
	.name = "q4_0",
	.about = "llama.cpp: 32 values a scale, 4 bits",
	.encode = q4_0_encode,
	.decode = blocks_decode,
};

const struct ref_scheme ref_q4_0_had = {
	.name = "q4_0-had",
	.about = "the same after a Hadamard rotation of each head",
	.encode = had_encode,
	.decode = had_decode,
};
