/*
 * kernel_avx512_write.c - AVX-512 of the loops that take rows apart
 */
#include <immintrin.h>
#include <string.h>

#include "codec/kernel_avx512.h"

/* Those bits that mask says, at most 56. */
kernel_inline void avx512_put(struct bit_writer *b, uint64_t bits,
			      uint64_t mask)
{
	uint64_t acc = b->acc | _pext_u64(bits, mask) << b->n;
	unsigned n = b->n + (unsigned)__builtin_popcountll(mask);

	memcpy(b->dst, &acc, sizeof(acc));
	b->dst += n / 8;
	b->acc = acc >> (n & ~7u);
	b->n = n % 8;
}

kernel_inline __m512 avx512_floats(__m256i v, bool bf16)
{
	if (!bf16)
		return _mm512_cvtph_ps(v);
	return _mm512_castsi512_ps(
	    _mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

/* floor(mag * scale), saturated at 32767. */
kernel_inline __m256i avx512_index16(__m256i mag, __m512 scale, bool bf16)
{
	__m512 f = _mm512_mul_ps(avx512_floats(mag, bf16), scale);
	__m512i j = _mm512_cvttps_epu32(f);

	j = _mm512_min_epu32(j, _mm512_set1_epi32(32767));
	return _mm512_cvtepi32_epi16(j);
}

kernel_inline __m512i avx512_index(__mmask32 live, __m512i x,
				   const float *scale, bool bf16)
{
	__m512i mag = _mm512_and_si512(x, _mm512_set1_epi16(0x7fff));
	__m512 lo = avx512_scales(live, scale, 0);
	__m512 hi = avx512_scales(live, scale, 1);

	return avx512_join(avx512_index16(avx512_half(mag, 0), lo, bf16),
			   avx512_index16(avx512_half(mag, 1), hi, bf16));
}

/* 2 v + 1 - by of live words */
kernel_inline __m512i avx512_off(__mmask32 live, __m512i v, int by)
{
	__m512i plus = _mm512_set1_epi16((short)(1 - by));

	return _mm512_maskz_add_epi16(live, _mm512_add_epi16(v, v), plus);
}

/* Adds the products, by pairs. */
kernel_inline __m512i avx512_add(__m512i sum, __m512i a, __m512i b)
{
	return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
}

kernel_inline unsigned avx512_max16(__m512i v)
{
	__m512i even = _mm512_and_si512(v, _mm512_set1_epi32(0xffff));

	return _mm512_reduce_max_epu32(
	    _mm512_max_epu32(even, _mm512_srli_epi32(v, 16)));
}

/* Sums and largest of a row. */
struct avx512_row {
	__m512i base, refine1, offset, square, j, q;
};

kernel_inline void avx512_put_signs(struct quantise *s, __mmask32 live,
				    __m512i q, __m512i d1)
{
	const __m512i two = _mm512_set1_epi16(2);
	__mmask32 some = _mm512_test_epi16_mask(q, q);
	__mmask32 neg = _mm512_movepi16_mask(q);
	__mmask32 low = _mm512_mask_testn_epi16_mask(live, d1, d1);
	__mmask32 high = _mm512_mask_cmpeq_epi16_mask(live, d1, two);
	__mmask32 far = (low & neg) | (high & ~neg);
	__mmask32 near = (high & neg) | (low & ~neg);
	__mmask32 first = (~some & (low | high)) | (some & ~near);
	__mmask16 bytes = live >> 16 ? 15 : 3;

	avx512_put(&s->signs, neg, some);
	_mm_mask_storeu_epi8(s->first, bytes, _mm_cvtsi32_si128((int)first));
	s->first += 4;
	avx512_put(&s->second, far, first);
}

/* above = u / f, r = u % f, by a reciprocal: exact for 0 <= u < 512 f. */
kernel_inline void avx512_digits(struct quantise *s, __mmask32 live, size_t c,
				 __m512i u, struct avx512_row *row)
{
	int r2 = (int)s->r2, f = 3 * r2;
	__m512i by_f = _mm512_set1_epi16((short)(65535 / f + 1));
	__m512i by_r2 = _mm512_set1_epi16((short)(65535 / r2 + 1));
	__m512i above = _mm512_mulhi_epu16(u, by_f);
	__m512i r = _mm512_sub_epi16(
	    u, _mm512_mullo_epi16(above, _mm512_set1_epi16((short)f)));
	__m512i q = _mm512_sub_epi16(above, _mm512_set1_epi16(256));
	__m512i mag = _mm512_abs_epi16(q);
	__m512i d1 = _mm512_mulhi_epu16(r, by_r2);
	__m512i d2 = _mm512_sub_epi16(
	    r, _mm512_mullo_epi16(d1, _mm512_set1_epi16((short)r2)));

	_mm512_mask_cvtepi16_storeu_epi8(s->mag + c, live, mag);
	_mm512_mask_cvtepi16_storeu_epi8(s->d1 + c, live, d1);
	_mm512_mask_cvtepi16_storeu_epi8(s->d2 + c, live, d2);
	avx512_put_signs(s, live, q, d1);
	r = avx512_off(live, r, f);
	d2 = avx512_off(live, d2, r2);
	row->base = avx512_add(row->base, r, r);
	row->refine1 = avx512_add(row->refine1, d2, d2);
	row->offset = avx512_add(row->offset, q, r);
	row->square = avx512_add(row->square, q, q);
	row->q = _mm512_max_epu16(row->q, mag);
}

kernel_inline void avx512_quantise32(struct quantise *s, __mmask32 live,
				     const uint16_t *x, size_t c, bool bf16,
				     struct avx512_row *row)
{
	int f = 3 * (int)s->r2;
	__m512i v = avx512_words(live, x + c);
	__m512i j = avx512_index(live, v, s->scale + c, bf16);
	__m512i n = _mm512_xor_si512(j, _mm512_srai_epi16(v, 15));
	__m512i u = _mm512_sub_epi16(n, avx512_words(live, s->mean + c));

	_mm512_mask_storeu_epi16(s->fine + c, live, n);
	row->j = _mm512_max_epu16(row->j, j);
	u = _mm512_max_epi16(u, _mm512_set1_epi16((short)(-255 * f)));
	u = _mm512_min_epi16(u, _mm512_set1_epi16((short)(256 * f - 1)));
	u = _mm512_add_epi16(u, _mm512_set1_epi16((short)(256 * f)));
	avx512_digits(s, live, c, u, row);
}

kernel_inline unsigned avx512_quantise(struct quantise *to, const uint16_t *x,
				       bool bf16)
{
	struct quantise s = *to;
	struct avx512_row row = { 0 };

	for (size_t c = 0; c < s.w; c += 32)
		avx512_quantise32(&s, avx512_live(s.w - c), x, c, bf16, &row);
	to->signs = s.signs;
	to->second = s.second;
	to->first += s.w / 8;
	to->base_error += (unsigned)_mm512_reduce_add_epi32(row.base);
	to->refine1_error += (unsigned)_mm512_reduce_add_epi32(row.refine1);
	to->q_offset += _mm512_reduce_add_epi32(row.offset);
	to->q_square += (unsigned)_mm512_reduce_add_epi32(row.square);

	unsigned max_j = avx512_max16(row.j);

	to->max_j = (uint16_t)(max_j > s.max_j ? max_j : s.max_j);
	return avx512_max16(row.q);
}

static unsigned avx512_quantise_f16(struct quantise *s, const uint16_t *x)
{
	return avx512_quantise(s, x, false);
}

static unsigned avx512_quantise_bf16(struct quantise *s, const uint16_t *x)
{
	return avx512_quantise(s, x, true);
}

/* Lists the exponents of those of 16 values that have none in the grid. */
kernel_inline void avx512_list16(struct cut *s, __m256i exponent,
				 __mmask16 none)
{
	__m512i v = _mm512_cvtepu16_epi32(exponent);

	v = _mm512_maskz_compress_epi32(none, v);
	_mm_storeu_si128((__m128i *)(void *)s->exponents,
			 _mm512_cvtepi32_epi8(v));
	s->exponents += __builtin_popcount(none);
}

kernel_inline void avx512_put_nibbles(struct cut *s, __mmask32 live, __m512i x,
				      __m256i j, size_t c)
{
	__m256i v = avx512_rule(s->rule->low_lo, s->rule->low_hi, j);
	__mmask16 bytes = live >> 16 ? 0xffff : 0xff;

	v = _mm256_and_si256(v, avx512_bytes(live, s->rule->low_most + c));
	v = _mm256_and_si256(v, _mm512_cvtepi16_epi8(x));
	v = _mm256_or_si256(v, _mm256_slli_epi16(_mm256_bsrli_epi128(v, 8), 4));
	v = _mm256_permute4x64_epi64(v, 0x08);
	_mm_mask_storeu_epi8(s->nibbles, bytes, _mm256_castsi256_si128(v));
	s->nibbles += 16;
}

kernel_inline void avx512_cut32(struct cut *s, __mmask32 live, __m512i x,
				__m256i j, size_t c, bool bf16)
{
	__m256i mask = avx512_rule(s->rule->rest_lo, s->rule->rest_hi, j);
	__m256i rest = _mm512_cvtepi16_epi8(bf16 ? x : _mm512_srli_epi16(x, 4));
	__mmask32 none = _mm256_mask_testn_epi8_mask(live, j, j);
	__m512i e = _mm512_and_si512(x, _mm512_set1_epi16(0x7fff));
	uint64_t field[4], of[4];

	mask =
	    _mm256_and_si256(mask, avx512_bytes(live, s->rule->rest_most + c));
	_mm256_storeu_si256((__m256i *)(void *)field, rest);
	_mm256_storeu_si256((__m256i *)(void *)of, mask);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		avx512_put(&s->rest, field[i], of[i]);
	e = _mm512_srli_epi16(e, bf16 ? 7 : 10);
	avx512_list16(s, avx512_half(e, 0), (__mmask16)none);
	avx512_list16(s, avx512_half(e, 1), (__mmask16)(none >> 16));
	if (!bf16)
		avx512_put_nibbles(s, live, x, j, c);
}

kernel_inline void avx512_cut(struct cut *to, const uint16_t *x,
			      const int16_t *fine, bool bf16)
{
	struct cut s = *to;

	for (size_t c = 0; c < s.w; c += 32) {
		__mmask32 live = avx512_live(s.w - c);
		__m512i j = avx512_fold(avx512_words(live, fine + c));

		avx512_cut32(&s, live, avx512_words(live, x + c),
			     _mm512_cvtusepi16_epi8(j), c, bf16);
	}
	s.nibbles = bf16 ? to->nibbles : to->nibbles + s.w / 2;
	*to = s;
}

static void avx512_cut_f16(struct cut *s, const uint16_t *x,
			   const int16_t *fine)
{
	avx512_cut(s, x, fine, false);
}

static void avx512_cut_bf16(struct cut *s, const uint16_t *x,
			    const int16_t *fine)
{
	avx512_cut(s, x, fine, true);
}

void kernels_fill_avx512_write(struct kernels *k)
{
	k->quantise[0] = avx512_quantise_f16;
	k->quantise[1] = avx512_quantise_bf16;
	k->cut[0] = avx512_cut_f16;
	k->cut[1] = avx512_cut_bf16;
}
