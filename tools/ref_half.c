/* ref_half.c - values of 16 bits to floats and back */
#include <math.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/mem.h"
#include "tools/ref_schemes.h"

#define REF_F16_MAX 65504.0f

static float half_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, 4);
	return f;
}

static uint32_t half_bits(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, 4);
	return bits;
}

/* By a product with 2^112, which makes subnormals right, too. */
static float half_from_f16(uint16_t h)
{
	float magnitude = half_float((h & 0x7fffu) << 13) * 0x1p112f;

	return half_float(half_bits(magnitude) | (h & 0x8000u) << 16);
}

/* To nearest, ties to even; f is finite. */
static uint16_t half_to_f16(float f)
{
	uint32_t bits = half_bits(f), sign = bits >> 16 & 0x8000;
	float magnitude = fabsf(f);

	if (magnitude > REF_F16_MAX)
		magnitude = REF_F16_MAX;
	bits = half_bits(magnitude);
	/* Below 2^-14 a sum rounds to multiples of 2^-24. */
	if (magnitude < 0x1p-14f)
		return (uint16_t)(sign | (half_bits(magnitude + 0.5f) -
					  half_bits(0.5f)));
	bits += 0xfff + (bits >> 13 & 1);
	return (uint16_t)(sign | ((bits >> 13) - (112u << 10)));
}

static uint16_t half_to_bf16(float f)
{
	uint32_t bits = half_bits(f);
	uint32_t up = bits + 0x7fff + (bits >> 16 & 1);

	/* Rounded up to infinity: the largest there is. */
	return (uint16_t)((up & 0x7f800000) == 0x7f800000 ? bits >> 16
							  : up >> 16);
}

float ref_f16(float v)
{
	return half_from_f16(half_to_f16(v));
}

void ref_to_float(uint8_t elem, const uint8_t *src, size_t n, float *dst)
{
	uint32_t top = elem == ELEM_BF16 ? 0x7f80 : 0x7c00;

	for (size_t i = 0; i < n; i++) {
		uint16_t h = load16(src + 2 * i);

		if ((h & top) == top)
			h = 0;
		dst[i] = elem == ELEM_BF16 ? half_float((uint32_t)h << 16)
					   : half_from_f16(h);
	}
}

void ref_from_float(uint8_t elem, const float *src, size_t n, uint8_t *dst)
{
	for (size_t i = 0; i < n; i++)
		store16(dst + 2 * i, elem == ELEM_BF16 ? half_to_bf16(src[i])
						       : half_to_f16(src[i]));
}
