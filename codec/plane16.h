/*
 * plane16.h - 16-bit floats as two planes of bytes, and planes turned over
 *
 * A float rotated left by one bit has its exponent on top and its sign at the
 * bottom.  The high bytes (exponent; for f16 also three bits of mantissa)
 * are what can be compressed, the low bytes are noise.
 *
 * All functions are thread-safe, take any length and any alignment; the
 * buffers do not overlap.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* n floats of 2 bytes at src -> n high and n low bytes. */
void plane16_split(const void *src, size_t n, uint8_t *high, uint8_t *low);

/* The inverse. */
void plane16_merge(const uint8_t *high, const uint8_t *low, size_t n,
		   void *dst);

/*
 * Column c of the rows x cols bytes at src (row-major) becomes the rows bytes
 * from dst + place[c] * rows; place is a permutation of [0, cols).
 */
void plane16_to_columns(const uint8_t *src, size_t rows, size_t cols,
			const uint32_t *place, uint8_t *dst);

/* The inverse. */
void plane16_from_columns(const uint8_t *src, size_t rows, size_t cols,
			  const uint32_t *place, uint8_t *dst);
