/* plane32.c - 32-bit floats as four planes of bytes */
#include "codec/plane32.h"

#include "codec/bytes16.h"
#include "codec/mem.h"

#define LANES     BYTES16_LANES
#define SIGN      0x80
#define MANTISSA1 0x7f /* of plane 1 */

static inline void plane32_split16(const uint8_t *in, size_t i,
				   uint8_t *const plane[PLANE32_N])
{
	bytes16 a = bytes16_load(in), b = bytes16_load(in + LANES);
	bytes16 c = bytes16_load(in + 2 * LANES);
	bytes16 d = bytes16_load(in + 3 * LANES);
	bytes16 even_ab = bytes16_even(a, b), odd_ab = bytes16_odd(a, b);
	bytes16 even_cd = bytes16_even(c, d), odd_cd = bytes16_odd(c, d);
	bytes16 b2 = bytes16_odd(even_ab, even_cd);
	bytes16 b3 = bytes16_odd(odd_ab, odd_cd);

	bytes16_store(plane[0] + i, b3 << 1 | b2 >> 7);
	bytes16_store(plane[1] + i, (b3 & SIGN) | (b2 & MANTISSA1));
	bytes16_store(plane[2] + i, bytes16_even(odd_ab, odd_cd));
	bytes16_store(plane[3] + i, bytes16_even(even_ab, even_cd));
}

void plane32_split(const void *src, size_t n, uint8_t *const plane[PLANE32_N])
{
	const uint8_t *in = src;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		plane32_split16(in + 4 * i, i, plane);
	for (; i < n; i++) {
		uint32_t v = load32(in + 4 * i);

		plane[0][i] = (uint8_t)(v >> 23);
		plane[1][i] =
		    (uint8_t)((v >> 24 & SIGN) | (v >> 16 & MANTISSA1));
		plane[2][i] = (uint8_t)(v >> 8);
		plane[3][i] = (uint8_t)v;
	}
}

static inline void plane32_merge16(const uint8_t *const plane[PLANE32_N],
				   size_t i, uint8_t *out)
{
	bytes16 p0 = bytes16_load(plane[0] + i);
	bytes16 p1 = bytes16_load(plane[1] + i);
	bytes16 b1 = bytes16_load(plane[2] + i);
	bytes16 b0 = bytes16_load(plane[3] + i);
	bytes16 b2 = p0 << 7 | (p1 & MANTISSA1);
	bytes16 b3 = p0 >> 1 | (p1 & SIGN);
	bytes16 even_ab = bytes16_zip_low(b0, b2);
	bytes16 even_cd = bytes16_zip_high(b0, b2);
	bytes16 odd_ab = bytes16_zip_low(b1, b3);
	bytes16 odd_cd = bytes16_zip_high(b1, b3);

	bytes16_store(out, bytes16_zip_low(even_ab, odd_ab));
	bytes16_store(out + LANES, bytes16_zip_high(even_ab, odd_ab));
	bytes16_store(out + 2 * LANES, bytes16_zip_low(even_cd, odd_cd));
	bytes16_store(out + 3 * LANES, bytes16_zip_high(even_cd, odd_cd));
}

void plane32_merge(const uint8_t *const plane[PLANE32_N], size_t n, void *dst)
{
	uint8_t *out = dst;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		plane32_merge16(plane, i, out + 4 * i);
	for (; i < n; i++) {
		uint32_t high = plane[0][i], next = plane[1][i];

		store32(out + 4 * i, (next & SIGN) << 24 | high << 23 |
					 (next & MANTISSA1) << 16 |
					 (uint32_t)plane[2][i] << 8 |
					 plane[3][i]);
	}
}
