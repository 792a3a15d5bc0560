/*
 * kernel_avx512_read.c - AVX-512 of the loops that make rows of values
 */
#include <immintrin.h>
#include <string.h>

#include "codec/kernel_avx512.h"

/* The next bits into those of mask, at most 57. */
kernel_inline uint64_t avx512_get(struct bit_reader *b, uint64_t mask)
{
	uint64_t v;

	memcpy(&v, b->src + b->at / 8, sizeof(v));
	v >>= b->at & 7;
	b->at += (size_t)__builtin_popcountll(mask);
	return _pdep_u64(v, mask);
}

/* 32 bits of refine1's first plane, or the last 16. */
kernel_inline __mmask32 avx512_first(const uint8_t *p, __mmask32 live)
{
	__mmask16 bytes = live >> 16 ? 15 : 3;

	return (__mmask32)_mm_cvtsi128_si32(_mm_maskz_loadu_epi8(bytes, p));
}

/* Adds (d1 - 1) * first_times; some: q is not 0, neg: q < 0. */
kernel_inline __m512i avx512_add_first(struct dequantise *s, __m512i sum,
				       __mmask32 first, __mmask32 some,
				       __mmask32 neg)
{
	__m512i times = _mm512_set1_epi16((short)s->first_times);
	__mmask32 second = (__mmask32)avx512_get(&s->second, first);
	__mmask32 off = (first & ~some) | ((~first | second) & some);
	__mmask32 high = off & (second ^ neg);

	sum = _mm512_mask_add_epi16(sum, high, sum, times);
	return _mm512_mask_sub_epi16(sum, off & ~high, sum, times);
}

kernel_inline __m512i avx512_add_digit(const struct dequantise *s, __m512i sum,
				       __mmask32 live, size_t c)
{
	__m512i d = _mm512_cvtepu8_epi16(avx512_bytes(live, s->digit + c));

	d = _mm512_mullo_epi16(d, _mm512_set1_epi16((short)s->digit_times));
	return _mm512_add_epi16(sum, d);
}

kernel_inline __m512i avx512_sum(struct dequantise *s, __mmask32 live, size_t c)
{
	__m256i mag = avx512_bytes(live, s->mag + c);
	__mmask32 some = _mm256_test_epi8_mask(mag, mag);
	__mmask32 neg = (__mmask32)avx512_get(&s->signs, some);
	__m512i q = _mm512_cvtepu8_epi16(mag);
	__m512i sum = avx512_words(live, s->mean + c);

	q = _mm512_mask_sub_epi16(q, neg, _mm512_setzero_si512(), q);
	q = _mm512_mullo_epi16(q, _mm512_set1_epi16((short)s->q_times));
	sum = _mm512_add_epi16(sum, q);
	if (s->first)
		sum = avx512_add_first(
		    s, sum, avx512_first(s->first + c / 8, live), some, neg);
	if (s->digit)
		sum = avx512_add_digit(s, sum, live, c);
	return sum;
}

/* 16 words times scale to the type's bits, to nearest even.  The product is
 * exact: the one rounding is the type's. */
kernel_inline __m256i avx512_convert16(__m256i words, __m512 scale, bool bf16)
{
	__m512 f = _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(words));

	f = _mm512_mul_ps(f, scale);
	if (!bf16)
		return _mm512_cvtps_ph(f, _MM_FROUND_TO_NEAREST_INT);

	__m512i v = _mm512_castps_si512(f);
	__m512i odd =
	    _mm512_and_si512(_mm512_srli_epi32(v, 16), _mm512_set1_epi32(1));

	v = _mm512_add_epi32(v,
			     _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
	return _mm512_cvtepi32_epi16(_mm512_srli_epi32(v, 16));
}

kernel_inline __m512i avx512_convert(__m512i v, __mmask32 live,
				     const float *scale, bool bf16)
{
	__m512 lo = avx512_scales(live, scale, 0);
	__m512 hi = avx512_scales(live, scale, 1);

	return avx512_join(avx512_convert16(avx512_half(v, 0), lo, bf16),
			   avx512_convert16(avx512_half(v, 1), hi, bf16));
}

/* The row is done: what every reader of one has moved on in. */
kernel_inline void avx512_advance(struct dequantise *to,
				  const struct dequantise *s)
{
	to->signs = s->signs;
	to->second = s->second;
	if (to->first)
		to->first += s->w / 8;
}

kernel_inline void avx512_dequantise(struct dequantise *to, uint16_t *dst,
				     bool bf16)
{
	struct dequantise s = *to;

	for (size_t c = 0; c < s.w; c += 32) {
		__mmask32 live = avx512_live(s.w - c);
		__m512i v = avx512_sum(&s, live, c);

		v = avx512_convert(v, live, s.scale + c, bf16);
		_mm512_mask_storeu_epi16(dst + c, live, v);
	}
	avx512_advance(to, &s);
}

static void avx512_dequantise_f16(struct dequantise *s, uint16_t *dst)
{
	avx512_dequantise(s, dst, false);
}

static void avx512_dequantise_bf16(struct dequantise *s, uint16_t *dst)
{
	avx512_dequantise(s, dst, true);
}

/* 32 nibbles as words: of 16 values, the first 8 are the low ones. */
kernel_inline __m512i avx512_nibbles(__mmask32 live, const uint8_t *p)
{
	const __m128i nibble = _mm_set1_epi8(15);
	__mmask16 bytes = live >> 16 ? 0xffff : 0xff;
	__m128i v = _mm_maskz_loadu_epi8(bytes, p);
	__m128i lo = _mm_and_si128(v, nibble);
	__m128i hi = _mm_and_si128(_mm_srli_epi16(v, 4), nibble);

	return _mm512_cvtepu8_epi16(_mm256_set_m128i(
	    _mm_unpackhi_epi64(lo, hi), _mm_unpacklo_epi64(lo, hi)));
}

/* The next exponents for those of 16 values that have one. */
kernel_inline __m256i avx512_exponents16(struct dequantise *s, __mmask16 has)
{
	__m128i next = _mm_loadu_si128((const void *)s->exponents);
	__m512i v = _mm512_cvtepu8_epi32(next);

	s->exponents += __builtin_popcount(has);
	return _mm512_cvtepi32_epi16(_mm512_maskz_expand_epi32(has, v));
}

/* The bits that the grid cut off the values with these j. */
kernel_inline __m512i avx512_rest(struct dequantise *s, __mmask32 live,
				  __m256i j, size_t c, bool bf16)
{
	__m256i mask = avx512_rule(s->rule->rest_lo, s->rule->rest_hi, j);
	__mmask32 none = _mm256_mask_testn_epi8_mask(live, j, j);
	uint64_t field[4];

	mask =
	    _mm256_and_si256(mask, avx512_bytes(live, s->rule->rest_most + c));
	_mm256_storeu_si256((__m256i *)(void *)field, mask);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		field[i] = avx512_get(&s->rest, field[i]);
	__m512i v =
	    _mm512_cvtepu8_epi16(_mm256_loadu_si256((const void *)field));
	__m256i lo = avx512_exponents16(s, (__mmask16)none);
	__m256i hi = avx512_exponents16(s, (__mmask16)(none >> 16));
	__m512i e = avx512_join(lo, hi);

	if (bf16)
		return _mm512_or_si512(v, _mm512_slli_epi16(e, 7));
	v = _mm512_or_si512(_mm512_slli_epi16(v, 4),
			    avx512_nibbles(live, s->nibbles));
	s->nibbles += 16;
	return _mm512_or_si512(v, _mm512_slli_epi16(e, 10));
}

kernel_inline void avx512_exact(struct dequantise *to, uint16_t *dst, bool bf16)
{
	const __m512i top = _mm512_set1_epi16((short)0x8000);
	struct dequantise s = *to;

	for (size_t c = 0; c < s.w; c += 32) {
		__mmask32 live = avx512_live(s.w - c);
		__m512i n = avx512_sum(&s, live, c), j = avx512_fold(n);
		__m512i v = avx512_convert(j, live, s.scale + c, bf16);
		__m256i byte = _mm512_cvtusepi16_epi8(j);

		v = _mm512_or_si512(v, avx512_rest(&s, live, byte, c, bf16));
		v = _mm512_or_si512(v, _mm512_and_si512(n, top));
		_mm512_mask_storeu_epi16(dst + c, live, v);
	}
	avx512_advance(to, &s);
	to->rest = s.rest;
	to->exponents = s.exponents;
	if (!bf16)
		to->nibbles += s.w / 2;
}

static void avx512_exact_f16(struct dequantise *s, uint16_t *dst)
{
	avx512_exact(s, dst, false);
}

static void avx512_exact_bf16(struct dequantise *s, uint16_t *dst)
{
	avx512_exact(s, dst, true);
}

void kernels_fill_avx512_read(struct kernels *k)
{
	k->dequantise[0] = avx512_dequantise_f16;
	k->dequantise[1] = avx512_dequantise_bf16;
	k->exact[0] = avx512_exact_f16;
	k->exact[1] = avx512_exact_bf16;
}
