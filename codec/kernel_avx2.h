/*
 * kernel_avx2.h - what the AVX2 files share
 */
#pragma once

#include <immintrin.h>

#include "codec/kernel.h"

/* Eight values, in order. */
kernel_inline __m256 avx2_floats(const uint16_t *x, bool bf16)
{
	__m128i v = _mm_loadu_si128((const void *)x);

	if (!bf16)
		return _mm256_cvtph_ps(v);
	return _mm256_castsi256_ps(
	    _mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
}
