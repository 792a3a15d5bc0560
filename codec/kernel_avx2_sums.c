/*
 * kernel_avx2_sums.c - AVX2 of the loops that sum rows up: means, rotations
 */
#include "codec/kernel_avx2.h"

kernel_inline void sums_moments(const uint16_t *x, size_t stride, size_t rows,
				float *sum, float *sum2, bool bf16)
{
	__m256 first[2], s[2], s2[2];

#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		first[i] = avx2_floats(x + 8 * i, bf16);
		s[i] = _mm256_setzero_ps();
		s2[i] = _mm256_setzero_ps();
	}
	for (size_t t = 0; t < rows; t++, x += stride) {
#pragma GCC unroll 2
		for (int i = 0; i < 2; i++) {
			__m256 d = avx2_floats(x + 8 * i, bf16);

			d = _mm256_sub_ps(d, first[i]);
			s[i] = _mm256_add_ps(s[i], d);
			s2[i] = _mm256_add_ps(s2[i], _mm256_mul_ps(d, d));
		}
	}
#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		_mm256_storeu_ps(sum + 8 * i, s[i]);
		_mm256_storeu_ps(sum2 + 8 * i, s2[i]);
	}
}

static void sums_moments_f16(const uint16_t *x, size_t stride, size_t rows,
			     float *ret_sum, float *ret_sum2)
{
	sums_moments(x, stride, rows, ret_sum, ret_sum2, false);
}

static void sums_moments_bf16(const uint16_t *x, size_t stride, size_t rows,
			      float *ret_sum, float *ret_sum2)
{
	sums_moments(x, stride, rows, ret_sum, ret_sum2, true);
}

kernel_inline __m256 sums_shorts(const int16_t *p)
{
	__m128i v = _mm_loadu_si128((const void *)p);

	return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(v));
}

/* Adds eight columns turned back; partner: where the other of a pair is. */
kernel_inline void sums_unturn8(const struct turn_row *s, const uint16_t *x,
				ptrdiff_t partner, size_t i, bool bf16,
				float *sum)
{
	__m256 a = avx2_floats(x, bf16);
	__m256 b = partner ? avx2_floats(x + partner, bf16)
			   : _mm256_permute_ps(a, 0xb1);

	a = _mm256_mul_ps(a, sums_shorts(s->cos + i));
	b = _mm256_mul_ps(b, sums_shorts(s->sin + i));
	a = _mm256_add_ps(_mm256_loadu_ps(sum), _mm256_add_ps(a, b));
	_mm256_storeu_ps(sum, a);
}

kernel_inline void sums_unturn(const struct turn_row *s, const uint16_t *x,
			       unsigned pairing, bool bf16, float *sum)
{
	size_t half = pairing ? s->dims / 2 : 0;

	for (size_t head = 0; head < s->w; head += s->dims) {
		for (size_t i = 0; i < s->dims; i += 8) {
			ptrdiff_t partner =
			    i < half ? (ptrdiff_t)half : -(ptrdiff_t)half;

			sums_unturn8(s, x + head + i, partner, i, bf16,
				     sum + head + i);
		}
	}
}

static void sums_unturn_f16(const struct turn_row *s, const uint16_t *x,
			    unsigned pairing, float *ret_sum)
{
	sums_unturn(s, x, pairing, false, ret_sum);
}

static void sums_unturn_bf16(const struct turn_row *s, const uint16_t *x,
			     unsigned pairing, float *ret_sum)
{
	sums_unturn(s, x, pairing, true, ret_sum);
}

void kernels_fill_avx2_sums(struct kernels *k)
{
	k->moments[0] = sums_moments_f16;
	k->moments[1] = sums_moments_bf16;
	k->unturn[0] = sums_unturn_f16;
	k->unturn[1] = sums_unturn_bf16;
}
