/*
 * bytes16.h - sixteen bytes in a register: load, store, zip, unzip
 *
 * Written with the compilers' vector types: 16 bytes are one register on every
 * CPU worth naming, so that one text serves them all.  For loops over planes;
 * where a loop over vectors ends, plain code does the rest.
 */
#pragma once

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vectors of words");

#define BYTES16_LANES 16u

typedef uint8_t bytes16 __attribute__((vector_size(16)));

static inline bytes16 bytes16_load(const uint8_t *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void bytes16_store(uint8_t *p, bytes16 v)
{
	memcpy(p, &v, sizeof(v));
}

/* a0 b0 a1 b1 … of the lower halves, and of the upper halves. */
static inline bytes16 bytes16_zip_low(bytes16 a, bytes16 b)
{
	return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
				       5, 21, 6, 22, 7, 23);
}

static inline bytes16 bytes16_zip_high(bytes16 a, bytes16 b)
{
	return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12,
				       28, 13, 29, 14, 30, 15, 31);
}

/* Bytes 0, 2, 4 … of a, then of b; and 1, 3, 5 … */
static inline bytes16 bytes16_even(bytes16 a, bytes16 b)
{
	return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18,
				       20, 22, 24, 26, 28, 30);
}

static inline bytes16 bytes16_odd(bytes16 a, bytes16 b)
{
	return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19,
				       21, 23, 25, 27, 29, 31);
}
