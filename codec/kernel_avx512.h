/*
 * kernel_avx512.h - what both of AVX-512's files take 32 values at a time with
 *
 * A row that ends in the middle of a step has dead lanes there: they are
 * loaded as zeros, never stored, and no bit of a stream is theirs.
 */
#pragma once

#include <immintrin.h>

#include "codec/kernel.h"

/* The lanes that a row with so many values left has in this step. */
kernel_inline __mmask32 avx512_live(size_t left)
{
	return left < 32 ? 0xffff : 0xffffffff;
}

kernel_inline __m512i avx512_words(__mmask32 live, const void *p)
{
	return _mm512_maskz_loadu_epi16(live, p);
}

kernel_inline __m256i avx512_bytes(__mmask32 live, const void *p)
{
	return _mm256_maskz_loadu_epi8(live, p);
}

kernel_inline __m256i avx512_half(__m512i v, int i)
{
	return i ? _mm512_extracti64x4_epi64(v, 1) : _mm512_castsi512_si256(v);
}

kernel_inline __m512i avx512_join(__m256i lo, __m256i hi)
{
	return _mm512_inserti64x4(_mm512_castsi256_si512(lo), hi, 1);
}

/* Of the lower or the upper half of the lanes. */
kernel_inline __m512 avx512_scales(__mmask32 live, const float *scale, int i)
{
	return _mm512_maskz_loadu_ps((__mmask16)(live >> 16 * i),
				     scale + 16 * i);
}

/* What an exact_rule says of these j, but for their columns. */
kernel_inline __m256i avx512_rule(const uint8_t *lo, const uint8_t *hi,
				  __m256i j)
{
	const __m256i nibble = _mm256_set1_epi8(15);
	__m256i a =
	    _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)lo));
	__m256i b =
	    _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)hi));
	__m256i high = _mm256_and_si256(_mm256_srli_epi16(j, 4), nibble);

	a = _mm256_shuffle_epi8(a, _mm256_and_si256(j, nibble));
	return _mm256_and_si256(a, _mm256_shuffle_epi8(b, high));
}

/* n to j, and j to a byte. */
kernel_inline __m512i avx512_fold(__m512i n)
{
	return _mm512_xor_si512(n, _mm512_srai_epi16(n, 15));
}
