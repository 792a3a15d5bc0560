/*
 * kernel_scalar_rows.c - plain C of the loops over rows of values
 */
#include <string.h>

#include "codec/kernel.h"
#include "codec/mem.h"

struct scalar_type {
	int mantissa, bias;
	unsigned inf; /* bits of infinity: the largest magnitude allowed */
};

static const struct scalar_type scalar_types[2] = {
	{ 10, 15, 0x7c00 },
	{ 7, 127, 0x7f80 },
};

static float scalar_bits_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static int scalar_log2(float power)
{
	uint32_t bits;

	memcpy(&bits, &power, sizeof(bits));
	return (int)(bits >> 23) - 127;
}

static float scalar_float(uint16_t x, bool bf16)
{
	if (bf16)
		return scalar_bits_float((uint32_t)x << 16);

	uint32_t sign = (uint32_t)(x & 0x8000) << 16;
	uint32_t mag = x & 0x7fff;

	if (mag >= 0x7c00)
		return scalar_bits_float(sign | 0x7f800000 | mag << 13);
	if (mag >= 0x400)
		return scalar_bits_float(sign | ((mag << 13) + (112u << 23)));
	float f = (float)mag * 0x1p-24f;

	return sign ? -f : f;
}

static void scalar_moments(const uint16_t *x, size_t stride, size_t rows,
			   bool bf16, float *sums)
{
	float *sum = sums, *sum2 = sums + 16;

	for (size_t t = 0; t < rows; t++) {
		for (size_t c = 0; c < 16; c++) {
			float d = scalar_float(x[t * stride + c], bf16) -
				  scalar_float(x[c], bf16);

			sum[c] += d;
			sum2[c] += d * d;
		}
	}
}

static void scalar_moments_f16(const uint16_t *x, size_t stride, size_t rows,
			       float *ret_sum, float *ret_sum2)
{
	float sums[32] = { 0 };

	scalar_moments(x, stride, rows, false, sums);
	memcpy(ret_sum, sums, 16 * sizeof(float));
	memcpy(ret_sum2, sums + 16, 16 * sizeof(float));
}

static void scalar_moments_bf16(const uint16_t *x, size_t stride, size_t rows,
				float *ret_sum, float *ret_sum2)
{
	float sums[32] = { 0 };

	scalar_moments(x, stride, rows, true, sums);
	memcpy(ret_sum, sums, 16 * sizeof(float));
	memcpy(ret_sum2, sums + 16, 16 * sizeof(float));
}

/* floor(|x| / 2^k), saturated at 32767. */
static unsigned scalar_grid_index(uint16_t x, int k, bool bf16)
{
	const struct scalar_type *type = &scalar_types[bf16];
	int exponent = (x & 0x7fff) >> type->mantissa;
	uint32_t m = x & ((1u << type->mantissa) - 1);

	if (exponent)
		m |= 1u << type->mantissa;
	else
		exponent = 1;
	int shift = exponent - type->bias - type->mantissa - k;

	if (shift < -31)
		return 0;
	if (shift < 0)
		return m >> -shift;
	if (shift > 15 || m << shift > 32767)
		return m ? 32767 : 0;
	return m << shift;
}

static void scalar_put(struct bit_writer *b, uint64_t bits, unsigned n)
{
	b->acc |= bits << b->n;
	store64(b->dst, b->acc);
	b->n += n;
	b->dst += b->n / 8;
	b->acc >>= b->n & ~7u;
	b->n %= 8;
}

static unsigned scalar_get(struct bit_reader *b, unsigned n)
{
	unsigned v = load32(b->src + b->at / 8) >> b->at % 8;

	b->at += n;
	return v & ((1u << n) - 1);
}

/* One value's bits of refine1's planes. */
static void scalar_put_planes(struct quantise *s, size_t c, int q, int d1)
{
	int e = q < 0 ? 2 - d1 : d1, nearest = q ? 0 : 1;

	if (e == nearest)
		return;
	s->first[c / 8] = (uint8_t)(s->first[c / 8] | 1u << c % 8);
	scalar_put(&s->second, e == 2, 1);
}

static unsigned scalar_quantise(struct quantise *s, const uint16_t *x,
				bool bf16)
{
	int f = 3 * (int)s->r2, r2 = (int)s->r2;
	unsigned max_q = 0;

	memset(s->first, 0, s->w / 8);
	for (size_t c = 0; c < s->w; c++) {
		int k = -scalar_log2(s->scale[c]);
		unsigned j = scalar_grid_index(x[c], k, bf16);
		int n = x[c] >> 15 ? ~(int)j : (int)j;
		int u = (int16_t)(n - s->mean[c]);

		u = u < -255 * f ? -255 * f : u;
		u = u > 256 * f - 1 ? 256 * f - 1 : u;
		int q = (u + 256 * f) / f - 256;
		int r = u - q * f, d2 = r % r2, off = 2 * r + 1 - f;
		unsigned mag = (unsigned)(q < 0 ? -q : q);

		s->fine[c] = (int16_t)n;
		s->mag[c] = (uint8_t)mag;
		s->d1[c] = (uint8_t)(r / r2);
		s->d2[c] = (uint8_t)d2;
		if (q)
			scalar_put(&s->signs, q < 0, 1);
		scalar_put_planes(s, c, q, r / r2);
		s->base_error += (uint64_t)(off * off);
		s->q_offset += q * off;
		s->q_square += (uint64_t)(q * q);
		s->refine1_error +=
		    (uint64_t)((2 * d2 + 1 - r2) * (2 * d2 + 1 - r2));
		max_q = mag > max_q ? mag : max_q;
		s->max_j = (uint16_t)(j > s->max_j ? j : s->max_j);
	}
	s->first += s->w / 8;
	return max_q;
}

static unsigned scalar_quantise_f16(struct quantise *s, const uint16_t *x)
{
	return scalar_quantise(s, x, false);
}

static unsigned scalar_quantise_bf16(struct quantise *s, const uint16_t *x)
{
	return scalar_quantise(s, x, true);
}

static unsigned scalar_j(int n)
{
	return (unsigned)(n < 0 ? ~n : n);
}

static unsigned scalar_byte(unsigned j)
{
	return j > 255 ? 255 : j;
}

static void scalar_cut(struct cut *s, const uint16_t *x, const int16_t *fine,
		       bool bf16)
{
	const struct exact_rule *rule = s->rule;
	unsigned shift = bf16 ? 0 : 4;

	for (size_t c = 0; c < s->w; c++) {
		unsigned j = scalar_byte(scalar_j(fine[c]));
		unsigned low = rule->low_lo[j & 15] & rule->low_hi[j >> 4];
		unsigned rest = rule->rest_lo[j & 15] & rule->rest_hi[j >> 4];

		low &= rule->low_most[c];
		rest &= rule->rest_most[c];
		uint8_t *nibble = s->nibbles + c / 16 * 8 + c % 8;

		if (!bf16 && c % 16 < 8)
			*nibble = (uint8_t)(x[c] & low);
		else if (!bf16)
			*nibble = (uint8_t)(*nibble | (x[c] & low) << 4);
		scalar_put(&s->rest, x[c] >> shift & rest,
			   (unsigned)__builtin_popcount(rest));
		if (!j)
			*s->exponents++ =
			    (uint8_t)((x[c] & 0x7fff) >> (bf16 ? 7 : 10));
	}
	if (!bf16)
		s->nibbles += s->w / 2;
}

static void scalar_cut_f16(struct cut *s, const uint16_t *x,
			   const int16_t *fine)
{
	scalar_cut(s, x, fine, false);
}

static void scalar_cut_bf16(struct cut *s, const uint16_t *x,
			    const int16_t *fine)
{
	scalar_cut(s, x, fine, true);
}

/* The bits of v * 2^k, |v| < 2^16, to nearest even. */
static uint16_t scalar_bits(int v, int k, bool bf16)
{
	const struct scalar_type *type = &scalar_types[bf16];
	uint32_t mag = (uint32_t)(v < 0 ? -v : v);
	unsigned sign = v < 0 ? 0x8000 : 0;

	if (!mag)
		return 0;
	/* mag * 2^k = (mag << 16) * 2^(k - 16), cut to M + 1 bits or to the
	 * subnormals' step */
	int top = 31 - __builtin_clz(mag);
	int low = top + k - type->mantissa;
	int least = 1 - type->bias - type->mantissa;

	low = low < least ? least : low;
	int drop = low - k + 16;
	uint64_t wide = (uint64_t)mag << 16;

	if (drop > 40)
		return (uint16_t)sign;
	uint64_t half = (1ull << drop) / 2;
	uint64_t odd = wide >> drop & 1;
	uint32_t m = (uint32_t)((wide + half - 1 + odd) >> drop);
	uint32_t bits = m + ((uint32_t)(low - least) << type->mantissa);

	return (uint16_t)(sign | (bits > type->inf ? type->inf : bits));
}

/* d1 from refine1's planes. */
static int scalar_first_digit(struct dequantise *s, size_t c, int q)
{
	int e = q ? 0 : 1;

	if (s->first[c / 8] >> c % 8 & 1)
		e = scalar_get(&s->second, 1) ? 2 : 1 - e;
	return q < 0 ? 2 - e : e;
}

static int scalar_sum(struct dequantise *s, size_t c)
{
	int q = s->mag[c], sum = s->mean[c];

	if (q && scalar_get(&s->signs, 1))
		q = -q;
	if (s->first)
		sum += (scalar_first_digit(s, c, q) - 1) * (int)s->first_times;
	if (s->digit)
		sum += s->digit[c] * (int)s->digit_times;
	return (int16_t)(q * (int)s->q_times + sum);
}

static void scalar_dequantise(struct dequantise *s, uint16_t *dst, bool bf16)
{
	for (size_t c = 0; c < s->w; c++)
		dst[c] = scalar_bits(scalar_sum(s, c), scalar_log2(s->scale[c]),
				     bf16);
	if (s->first)
		s->first += s->w / 8;
}

static void scalar_dequantise_f16(struct dequantise *s, uint16_t *dst)
{
	scalar_dequantise(s, dst, false);
}

static void scalar_dequantise_bf16(struct dequantise *s, uint16_t *dst)
{
	scalar_dequantise(s, dst, true);
}

static void scalar_exact(struct dequantise *s, uint16_t *dst, bool bf16)
{
	const struct exact_rule *rule = s->rule;
	unsigned shift = bf16 ? 0 : 4, m = bf16 ? 7 : 10;

	for (size_t c = 0; c < s->w; c++) {
		int n = scalar_sum(s, c);
		unsigned j = scalar_j(n), b = scalar_byte(j);
		unsigned rest = rule->rest_lo[b & 15] & rule->rest_hi[b >> 4];
		unsigned bits =
		    scalar_bits((int)j, scalar_log2(s->scale[c]), bf16);
		unsigned high = c % 16 < 8 ? 0 : 4;

		rest &= rule->rest_most[c];
		bits |= scalar_get(&s->rest, (unsigned)__builtin_popcount(rest))
			<< shift;
		if (!bf16)
			bits |= s->nibbles[c / 16 * 8 + c % 8] >> high & 15;
		if (!j)
			bits |= (unsigned)*s->exponents++ << m;
		dst[c] = (uint16_t)(bits | (n < 0 ? 0x8000u : 0));
	}
	if (s->first)
		s->first += s->w / 8;
	if (!bf16)
		s->nibbles += s->w / 2;
}

static void scalar_exact_f16(struct dequantise *s, uint16_t *dst)
{
	scalar_exact(s, dst, false);
}

static void scalar_exact_bf16(struct dequantise *s, uint16_t *dst)
{
	scalar_exact(s, dst, true);
}

static void scalar_unturn(const struct turn_row *s, const uint16_t *x,
			  size_t partner, bool bf16, float *sum)
{
	for (size_t c = 0; c < s->w; c++) {
		size_t p = partner == 1            ? c ^ 1
			   : c % s->dims < partner ? c + partner
						   : c - partner;
		float turn = (float)s->sin[c % s->dims];

		sum[c] +=
		    scalar_float(x[c], bf16) * (float)s->cos[c % s->dims] +
		    scalar_float(x[p], bf16) * turn;
	}
}

static void scalar_unturn_f16(const struct turn_row *s, const uint16_t *x,
			      unsigned pairing, float *ret_sum)
{
	scalar_unturn(s, x, pairing ? s->dims / 2 : 1, false, ret_sum);
}

static void scalar_unturn_bf16(const struct turn_row *s, const uint16_t *x,
			       unsigned pairing, float *ret_sum)
{
	scalar_unturn(s, x, pairing ? s->dims / 2 : 1, true, ret_sum);
}

void kernels_fill_scalar_rows(struct kernels *k)
{
	k->moments[0] = scalar_moments_f16;
	k->moments[1] = scalar_moments_bf16;
	k->quantise[0] = scalar_quantise_f16;
	k->quantise[1] = scalar_quantise_bf16;
	k->cut[0] = scalar_cut_f16;
	k->cut[1] = scalar_cut_bf16;
	k->dequantise[0] = scalar_dequantise_f16;
	k->dequantise[1] = scalar_dequantise_bf16;
	k->exact[0] = scalar_exact_f16;
	k->exact[1] = scalar_exact_bf16;
	k->unturn[0] = scalar_unturn_f16;
	k->unturn[1] = scalar_unturn_bf16;
}
