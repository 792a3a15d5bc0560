/*
 * kernel_avx2.c - AVX2 and BMI2 of the loops over bytes: pairs, digits, codes
 */
#include <immintrin.h>
#include <string.h>

#include "codec/kernel.h"

kernel_inline __m128i avx2_load16(const void *p)
{
	return _mm_loadu_si128(p);
}

kernel_inline __m256i avx2_load32(const void *p)
{
	return _mm256_loadu_si256(p);
}

kernel_inline uint64_t avx2_word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Transposes the two 16 x 16 blocks of bytes in the halves of r. */
kernel_inline void avx2_transpose(__m256i r[16])
{
#pragma GCC unroll 4
	for (int round = 0; round < 4; round++) {
		__m256i t[16];

#pragma GCC unroll 8
		for (int i = 0; i < 8; i++) {
			t[2 * i] = _mm256_unpacklo_epi8(r[i], r[i + 8]);
			t[2 * i + 1] = _mm256_unpackhi_epi8(r[i], r[i + 8]);
		}
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
			r[i] = t[i];
	}
}

/* 32 columns, or 16 of them when the upper half is not wanted. */
kernel_inline void avx2_pair_columns(const uint8_t *mag, size_t w, bool all,
				     uint8_t *dst, size_t stride)
{
	const __m256i most = _mm256_set1_epi8(14);
	__m256i r[16];

#pragma GCC unroll 16
	for (size_t h = 0; h < 16; h++) {
		__m256i a = avx2_load32(mag + 2 * h * w);
		__m256i b = avx2_load32(mag + (2 * h + 1) * w);

		b = _mm256_slli_epi16(_mm256_min_epu8(b, most), 4);
		r[h] = _mm256_or_si256(_mm256_min_epu8(a, most), b);
	}
	avx2_transpose(r);
#pragma GCC unroll 16
	for (size_t c = 0; c < 16; c++) {
		_mm_storeu_si128((__m128i *)(void *)(dst + c * stride),
				 _mm256_castsi256_si128(r[c]));
		if (all)
			_mm_storeu_si128(
			    (__m128i *)(void *)(dst + (16 + c) * stride),
			    _mm256_extracti128_si256(r[c], 1));
	}
}

static void avx2_pair(const uint8_t *mag, size_t w, uint8_t *dst, size_t stride)
{
	size_t c = 0;

	for (; c + 32 <= w; c += 32)
		avx2_pair_columns(mag + c, w, true, dst + c * stride, stride);
	if (c < w)
		avx2_pair_columns(mag + c, w, false, dst + c * stride, stride);
}

kernel_inline void avx2_store_rows(uint8_t *to, size_t w, __m256i pairs,
				   bool all)
{
	const __m256i low = _mm256_set1_epi8(15);
	__m256i a = _mm256_and_si256(pairs, low);
	__m256i b = _mm256_and_si256(_mm256_srli_epi16(pairs, 4), low);

	if (all) {
		_mm256_storeu_si256((__m256i *)(void *)to, a);
		_mm256_storeu_si256((__m256i *)(void *)(to + w), b);
	} else {
		_mm_storeu_si128((__m128i *)(void *)to,
				 _mm256_castsi256_si128(a));
		_mm_storeu_si128((__m128i *)(void *)(to + w),
				 _mm256_castsi256_si128(b));
	}
}

kernel_inline void avx2_unpair_columns(const uint8_t *src, const uint32_t *at,
				       bool all, uint8_t *mag, size_t w)
{
	__m256i r[16];

#pragma GCC unroll 16
	for (size_t c = 0; c < 16; c++) {
		__m128i lo = avx2_load16(src + at[c]);
		__m128i hi = avx2_load16(src + at[all ? 16 + c : c]);

		r[c] = _mm256_set_m128i(hi, lo);
	}
	avx2_transpose(r);
#pragma GCC unroll 16
	for (size_t h = 0; h < 16; h++)
		avx2_store_rows(mag + 2 * h * w, w, r[h], all);
}

static void avx2_unpair(const uint8_t *src, const uint32_t *at, size_t w,
			uint8_t *mag)
{
	size_t c = 0;

	for (; c + 32 <= w; c += 32)
		avx2_unpair_columns(src, at + c, true, mag + c, w);
	if (c < w)
		avx2_unpair_columns(src, at + c, false, mag + c, w);
}

kernel_inline uint32_t avx2_sum64(__m256i v)
{
	__m128i s = _mm_add_epi64(_mm256_castsi256_si128(v),
				  _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi64(s, _mm_unpackhi_epi64(s, s));
	return (uint32_t)_mm_cvtsi128_si32(s);
}

static void avx2_count(const uint8_t *pairs, size_t len, uint32_t ret[4])
{
	const __m256i zero = _mm256_setzero_si256();
	const __m256i one = _mm256_set1_epi8(1), two = _mm256_set1_epi8(2);
	__m256i n1 = zero, n2 = zero, n3 = zero, s3 = zero;

	for (size_t i = 0; i < len; i += 16) {
		__m128i p = avx2_load16(pairs + i);
		__m256i v =
		    _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(p, 4), p),
				     _mm256_set1_epi8(15));
		__m256i is1 = _mm256_cmpeq_epi8(v, one);
		__m256i is2 = _mm256_cmpeq_epi8(v, two);
		__m256i is3 = _mm256_cmpgt_epi8(v, two);
		__m256i v3 = _mm256_and_si256(v, is3);

		is1 = _mm256_and_si256(is1, one);
		is2 = _mm256_and_si256(is2, one);
		is3 = _mm256_and_si256(is3, one);
		n1 = _mm256_add_epi64(n1, _mm256_sad_epu8(is1, zero));
		n2 = _mm256_add_epi64(n2, _mm256_sad_epu8(is2, zero));
		n3 = _mm256_add_epi64(n3, _mm256_sad_epu8(is3, zero));
		s3 = _mm256_add_epi64(s3, _mm256_sad_epu8(v3, zero));
	}
	ret[0] = avx2_sum64(n1);
	ret[1] = avx2_sum64(n2);
	ret[2] = avx2_sum64(n3);
	ret[3] = avx2_sum64(s3);
}

/* v < 243 in 16 bits each: ceil(256 v / 243) - v */
kernel_inline __m256i avx2_fraction(__m256i v)
{
	v = _mm256_mullo_epi16(v, _mm256_set1_epi16(13));
	v = _mm256_add_epi16(v, _mm256_set1_epi16(242));
	return _mm256_mulhi_epu16(v, _mm256_set1_epi16(270));
}

static void avx2_pack3(const uint8_t *d, size_t plane, uint8_t *dst)
{
	const __m256i zero = _mm256_setzero_si256();

	for (size_t i = 0; i < plane; i += 32) {
		__m256i v = avx2_load32(d + i);

#pragma GCC unroll 4
		for (size_t p = 1; p < 5; p++) {
			v = _mm256_add_epi8(v, _mm256_add_epi8(v, v));
			v = _mm256_add_epi8(v, avx2_load32(d + p * plane + i));
		}
		__m256i lo = avx2_fraction(_mm256_unpacklo_epi8(v, zero));
		__m256i hi = avx2_fraction(_mm256_unpackhi_epi8(v, zero));

		v = _mm256_add_epi8(v, _mm256_packus_epi16(lo, hi));
		_mm256_storeu_si256((__m256i *)(void *)(dst + i), v);
	}
}

static void avx2_pack4(const uint8_t *d, size_t plane, uint8_t *dst)
{
	for (size_t i = 0; i < plane; i += 32) {
		__m256i v = avx2_load32(d + i);

#pragma GCC unroll 3
		for (int p = 1; p < 4; p++) {
			__m256i next = avx2_load32(d + (size_t)p * plane + i);

			v = _mm256_or_si256(v, _mm256_slli_epi16(next, 2 * p));
		}
		_mm256_storeu_si256((__m256i *)(void *)(dst + i), v);
	}
}

/* to = to * times + digit */
kernel_inline void avx2_add_digit(uint8_t *to, unsigned times, __m256i digit)
{
	__m256i *at = (__m256i *)(void *)to;

	if (times) {
		__m256i v = _mm256_loadu_si256(at);
		__m256i v2 = _mm256_add_epi8(v, v);

		v = _mm256_add_epi8(v2, times == 3 ? v : v2);
		digit = _mm256_add_epi8(v, digit);
	}
	_mm256_storeu_si256(at, digit);
}

kernel_inline void avx2_unpack3_by(const uint8_t *src, size_t plane,
				   unsigned times, uint8_t *dst)
{
	const __m256i zero = _mm256_setzero_si256();
	const __m256i byte = _mm256_set1_epi16(255);

	for (size_t i = 0; i + 32 <= plane; i += 32) {
		__m256i v = avx2_load32(src + i);
		__m256i a = _mm256_unpacklo_epi8(v, zero);
		__m256i b = _mm256_unpackhi_epi8(v, zero);

#pragma GCC unroll 5
		for (size_t p = 0; p < 5; p++) {
			a = _mm256_add_epi16(a, _mm256_add_epi16(a, a));
			b = _mm256_add_epi16(b, _mm256_add_epi16(b, b));
			v = _mm256_packus_epi16(_mm256_srli_epi16(a, 8),
						_mm256_srli_epi16(b, 8));
			avx2_add_digit(dst + p * plane + i, times, v);
			a = _mm256_and_si256(a, byte);
			b = _mm256_and_si256(b, byte);
		}
	}
}

static void avx2_unpack3(const uint8_t *src, size_t plane, unsigned times,
			 uint8_t *dst)
{
	if (times == 3)
		avx2_unpack3_by(src, plane, 3, dst);
	else
		avx2_unpack3_by(src, plane, 0, dst);
	for (size_t i = plane & ~(size_t)31; i < plane; i++) {
		unsigned v = src[i];

		for (size_t p = 0; p < 5; p++) {
			uint8_t *to = dst + p * plane + i;

			v *= 3;
			*to = (uint8_t)(*to * times + (v >> 8));
			v &= 255;
		}
	}
}

static void avx2_unpack4(const uint8_t *src, size_t plane, unsigned times,
			 uint8_t *dst)
{
	const __m256i two = _mm256_set1_epi8(3);
	size_t i = 0;

	for (; i + 32 <= plane; i += 32) {
		__m256i v = avx2_load32(src + i);

#pragma GCC unroll 4
		for (int p = 0; p < 4; p++) {
			__m256i d = _mm256_srli_epi16(v, 2 * p);

			avx2_add_digit(dst + (size_t)p * plane + i, times,
				       _mm256_and_si256(d, two));
		}
	}
	for (; i < plane; i++) {
		for (size_t p = 0; p < 4; p++) {
			uint8_t *to = dst + p * plane + i;

			*to = (uint8_t)(*to * times + (src[i] >> 2 * p & 3));
		}
	}
}

/* A lane on its way: bits from src on, pairs to dst. */
struct avx2_lane {
	const uint8_t *src;
	uint8_t *dst, *end;
	size_t at, n_bits;
	uint64_t window;
};

kernel_inline void avx2_lane_refill(struct avx2_lane *s)
{
	s->at = s->at < s->n_bits ? s->at : s->n_bits;
	s->dst = s->dst < s->end ? s->dst : s->end;
	s->window = avx2_word(s->src + s->at / 8) >> (s->at & 7);
}

kernel_inline void avx2_lane_step(struct avx2_lane *s,
				  const struct prefix_decoder *code)
{
	uint64_t e = code->at[s->window & ((1 << PREFIX_BITS) - 1)];
	uint32_t pairs = (uint32_t)e;

	memcpy(s->dst, &pairs, sizeof(pairs));
	s->window >>= e >> 32 & 63;
	s->at += e >> 32 & 63;
	s->dst += e >> 40;
}

/* Five lookups of up to 11 bits fit a window that has lost up to 7. */
static void avx2_prefix_decode(const struct prefix_decoder *code,
			       const struct lane lane[4])
{
	struct avx2_lane s[4];
	bool busy = false;

	for (int l = 0; l < 4; l++) {
		s[l] = (struct avx2_lane){ .src = lane[l].src,
					   .dst = lane[l].dst,
					   .end = lane[l].dst + lane[l].n,
					   .n_bits = 8 * lane[l].len };
		busy |= lane[l].n > 0;
	}
	while (busy) {
#pragma GCC unroll 4
		for (int l = 0; l < 4; l++)
			avx2_lane_refill(&s[l]);
#pragma GCC unroll 5
		for (int i = 0; i < 5; i++) {
#pragma GCC unroll 4
			for (int l = 0; l < 4; l++)
				avx2_lane_step(&s[l], code);
		}
		busy = s[0].dst < s[0].end || s[1].dst < s[1].end ||
		       s[2].dst < s[2].end || s[3].dst < s[3].end;
	}
}

static void avx2_turn(const struct turn_row *s, const int16_t *a,
		      const int16_t *b, int16_t *dst)
{
	for (size_t head = 0; head < s->w; head += s->dims) {
		for (size_t i = 0; i < s->dims; i += 16) {
			__m256i x = avx2_load32(a + head + i);
			__m256i y = avx2_load32(b + head + i);
			__m256i m;

			x = _mm256_mulhrs_epi16(x, avx2_load32(s->cos + i));
			y = _mm256_mulhrs_epi16(y, avx2_load32(s->sin + i));
			m = _mm256_add_epi16(x, y);
			m = _mm256_sll_epi16(m, _mm_cvtsi32_si128(s->shift));
			m = _mm256_add_epi16(m, _mm256_set1_epi16(s->bias));
			_mm256_storeu_si256((__m256i *)(void *)(dst + head + i),
					    m);
		}
	}
}

void kernels_fill_avx2(struct kernels *k)
{
	k->pair = avx2_pair;
	k->unpair = avx2_unpair;
	k->count = avx2_count;
	k->pack3 = avx2_pack3;
	k->pack4 = avx2_pack4;
	k->unpack3 = avx2_unpack3;
	k->unpack4 = avx2_unpack4;
	k->prefix_decode = avx2_prefix_decode;
	k->turn = avx2_turn;
	kernels_fill_avx2_read(k);
	kernels_fill_avx2_sums(k);
	kernels_fill_avx2_write(k);
}
