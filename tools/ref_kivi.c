/*
 * ref_kivi.c - KIVI: K by channels, V by tokens
 *
 * A group spans least to largest in even steps, with an f16 scale and an f16
 * zero point: of K, REF_GROUP tokens of one channel; of V, REF_GROUP channels
 * of one token.  The last X tokens stay exact.  The last group of tokens or
 * channels may be short and costs a scale and a zero point all the same.
 */
#include <math.h>
#include <string.h>

#include "codec/codec.h"
#include "tools/ref_schemes.h"

/* The group of a value is first + (c >> shift). */
struct kivi_row {
	size_t first;
	unsigned shift;
};

static struct kivi_row kivi_row(const struct ref_part *p, uint32_t r)
{
	uint32_t cols = p->m->cols;

	if (p->m->role == ROLE_K)
		return (struct kivi_row){ (size_t)(r / REF_GROUP) * cols, 0 };
	return (struct kivi_row){
		(size_t)r * ((cols + REF_GROUP - 1) / REF_GROUP), 5
	};
}

static size_t kivi_groups(const struct ref_part *p)
{
	uint32_t cols = p->m->cols;

	if (p->m->role == ROLE_K)
		return (size_t)((p->rows + REF_GROUP - 1) / REF_GROUP) * cols;
	return kivi_row(p, p->rows).first;
}

/* The least of each group into zero, the largest into scale. */
static void kivi_ranges(const struct ref_part *p, struct ref_code *c,
			size_t n_groups)
{
	const float *v = c->v;

	for (size_t g = 0; g < n_groups; g++) {
		c->zero[g] = INFINITY;
		c->scale[g] = -INFINITY;
	}
	for (uint32_t r = 0; r < p->rows; r++) {
		struct kivi_row row = kivi_row(p, r);

		for (uint32_t k = 0; k < p->m->cols; k++, v++) {
			size_t g = row.first + (k >> row.shift);

			c->zero[g] = *v < c->zero[g] ? *v : c->zero[g];
			c->scale[g] = *v > c->scale[g] ? *v : c->scale[g];
		}
	}
}

static void kivi_encode(const struct ref_part *p, struct ref_code *c,
			unsigned bits)
{
	size_t n_groups = kivi_groups(p), i = 0;
	float top = (float)((1 << bits) - 1);

	kivi_ranges(p, c, n_groups);
	for (size_t g = 0; g < n_groups; g++) {
		c->scale[g] = ref_f16((c->scale[g] - c->zero[g]) / top);
		c->zero[g] = ref_f16(c->zero[g]);
	}
	for (uint32_t r = 0; r < p->rows; r++) {
		struct kivi_row row = kivi_row(p, r);

		for (uint32_t k = 0; k < p->m->cols; k++, i++) {
			size_t g = row.first + (k >> row.shift);
			float step = c->scale[g];
			float at = step > 0 ? (c->v[i] - c->zero[g]) / step : 0;

			at = at < 0 ? 0 : at > top ? top : at;
			c->q[i] = (int16_t)(at + 0.5f);
		}
	}
	c->bits += 32 * n_groups + bits * (uint64_t)p->rows * p->m->cols;
}

static void kivi4_encode(const struct ref_part *p, struct ref_code *c)
{
	kivi_encode(p, c, 4);
}

static void kivi2_encode(const struct ref_part *p, struct ref_code *c)
{
	kivi_encode(p, c, 2);
}

static void kivi_decode(const struct ref_part *p, struct ref_code *c)
{
	size_t i = 0;

	for (uint32_t r = 0; r < p->rows; r++) {
		struct kivi_row row = kivi_row(p, r);

		for (uint32_t k = 0; k < p->m->cols; k++, i++) {
			size_t g = row.first + (k >> row.shift);

			c->v[i] = c->scale[g] * (float)c->q[i] + c->zero[g];
		}
	}
}

static uint32_t kivi_tail(uint32_t rows, double x)
{
	return x < (double)rows ? (uint32_t)x : rows;
}

const struct ref_scheme ref_kivi4 = {
	.name = "kivi4",
	.about = "KIVI, 4 bits; the last X tokens exact (128)",
	.x = 128,
	.x_max = 1e9,
	.tail = kivi_tail,
	.encode = kivi4_encode,
	.decode = kivi_decode,
};

const struct ref_scheme ref_kivi2 = {
	.name = "kivi2",
	.about = "KIVI, 2 bits; the last X tokens exact (128)",
	.x = 128,
	.x_max = 1e9,
	.tail = kivi_tail,
	.encode = kivi2_encode,
	.decode = kivi_decode,
};
