/* plane16.c - 16-bit floats as two planes of bytes, and planes turned over */
#include "codec/plane16.h"

#include "codec/bytes16.h"
#include "codec/mem.h"

#define LANES BYTES16_LANES

/* Rows turned over while their lines are in the first cache. */
#define BAND 64u

typedef uint16_t words8 __attribute__((vector_size(16)));

static inline bytes16 plane16_rotate_left(bytes16 v)
{
	words8 w = (words8)v;

	return (bytes16)(w << 1 | w >> 15);
}

static inline bytes16 plane16_rotate_right(bytes16 v)
{
	words8 w = (words8)v;

	return (bytes16)(w >> 1 | w << 15);
}

void plane16_split(const void *src, size_t n, uint8_t *high, uint8_t *low)
{
	const uint8_t *in = src;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		bytes16 a = bytes16_load(in + 2 * i);
		bytes16 b = bytes16_load(in + 2 * i + LANES);

		a = plane16_rotate_left(a);
		b = plane16_rotate_left(b);
		bytes16_store(low + i, bytes16_even(a, b));
		bytes16_store(high + i, bytes16_odd(a, b));
	}
	for (; i < n; i++) {
		unsigned v = load16(in + 2 * i);

		v = v << 1 | v >> 15;
		low[i] = (uint8_t)v;
		high[i] = (uint8_t)(v >> 8);
	}
}

void plane16_merge(const uint8_t *high, const uint8_t *low, size_t n, void *dst)
{
	uint8_t *out = dst;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		bytes16 h = bytes16_load(high + i);
		bytes16 l = bytes16_load(low + i);
		bytes16 a = bytes16_zip_low(l, h);
		bytes16 b = bytes16_zip_high(l, h);

		a = plane16_rotate_right(a);
		b = plane16_rotate_right(b);
		bytes16_store(out + 2 * i, a);
		bytes16_store(out + 2 * i + LANES, b);
	}
	for (; i < n; i++) {
		unsigned v = (unsigned)high[i] << 8 | low[i];

		store16(out + 2 * i, (uint16_t)(v >> 1 | v << 15));
	}
}

/* Zips the first half with the second. */
static inline void plane16_zip(const bytes16 v[LANES], bytes16 ret[LANES])
{
#pragma GCC unroll 8
	for (unsigned i = 0; i < LANES / 2; i++) {
		ret[2 * i] = bytes16_zip_low(v[i], v[i + LANES / 2]);
		ret[2 * i + 1] = bytes16_zip_high(v[i], v[i + LANES / 2]);
	}
}

/* Zipping four times turns 16 x 16 bytes over. */
static inline void plane16_turn(bytes16 v[LANES])
{
	bytes16 w[LANES];

	plane16_zip(v, w);
	plane16_zip(w, v);
	plane16_zip(v, w);
	plane16_zip(w, v);
}

/* 16 rows x 16 columns from src on; dst is the plane's first byte. */
static inline void plane16_block_to(const uint8_t *src, size_t cols,
				    const uint32_t *place, size_t rows,
				    uint8_t *dst)
{
	bytes16 v[LANES];

#pragma GCC unroll 16
	for (size_t i = 0; i < LANES; i++)
		v[i] = bytes16_load(src + i * cols);
	plane16_turn(v);
#pragma GCC unroll 16
	for (size_t i = 0; i < LANES; i++)
		bytes16_store(dst + place[i] * rows, v[i]);
}

static inline void plane16_block_from(const uint8_t *src, size_t rows,
				      const uint32_t *place, size_t cols,
				      uint8_t *dst)
{
	bytes16 v[LANES];

#pragma GCC unroll 16
	for (size_t i = 0; i < LANES; i++)
		v[i] = bytes16_load(src + place[i] * rows);
	plane16_turn(v);
#pragma GCC unroll 16
	for (size_t i = 0; i < LANES; i++)
		bytes16_store(dst + i * cols, v[i]);
}

/* How many of n rows or columns whole blocks cover. */
static inline size_t plane16_whole(size_t n)
{
	return n - n % LANES;
}

void plane16_to_columns(const uint8_t *src, size_t rows, size_t cols,
			const uint32_t *place, uint8_t *dst)
{
	size_t r_end = plane16_whole(rows);
	size_t c_end = plane16_whole(cols);

	for (size_t band = 0; band < r_end; band += BAND)
		for (size_t c = 0; c < c_end; c += LANES)
			for (size_t r = band; r < r_end && r < band + BAND;
			     r += LANES)
				plane16_block_to(src + r * cols + c, cols,
						 place + c, rows, dst + r);

	for (size_t r = 0; r < rows; r++)
		for (size_t c = r < r_end ? c_end : 0; c < cols; c++)
			dst[place[c] * rows + r] = src[r * cols + c];
}

void plane16_from_columns(const uint8_t *src, size_t rows, size_t cols,
			  const uint32_t *place, uint8_t *dst)
{
	size_t r_end = plane16_whole(rows);
	size_t c_end = plane16_whole(cols);

	for (size_t band = 0; band < r_end; band += BAND)
		for (size_t c = 0; c < c_end; c += LANES)
			for (size_t r = band; r < r_end && r < band + BAND;
			     r += LANES)
				plane16_block_from(src + r, rows, place + c,
						   cols, dst + r * cols + c);

	for (size_t r = 0; r < rows; r++)
		for (size_t c = r < r_end ? c_end : 0; c < cols; c++)
			dst[r * cols + c] = src[place[c] * rows + r];
}
