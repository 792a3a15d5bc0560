/*
 * kernel_types.h - what the kernels read and write, beside plain arrays
 *
 * A part of kernel.h, which alone includes it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- prefix codes of pairs of nibbles --- */

#define PREFIX_BITS 11
#define PREFIX_RARE 0x80u

/*
 * What the next 11 bits say: up to four pairs (bits 0..31), the bits they
 * take (32..39, at least 1), how many pairs (40.., 1 to 4).
 */
struct prefix_decoder {
	uint64_t at[1 << PREFIX_BITS];
};

/*
 * Length of the code (bits 0..3), the code (8..18).  A rare pair has
 * PREFIX_RARE and the code of the pair that stands in for it.  Entries can be
 * added up as they are: only the low six bits of the sum shift.
 */
struct prefix_encoder {
	uint32_t at[256];
	uint8_t stand_in[256];
};

/* One of four streams decoded side by side. */
struct lane {
	const uint8_t *src; /* len bytes, and slack */
	size_t len;
	uint8_t *dst; /* n bytes, and slack */
	size_t n;
};

struct bit_reader {
	const uint8_t *src;
	size_t at; /* bits */
};

/* dst must be writable 8 bytes beyond what is written. */
struct bit_writer {
	uint8_t *dst;
	uint64_t acc; /* n < 8 bits not yet written for good */
	unsigned n;
};

/* --- what rows need --- */

/*
 * Bits cut off, as masks by j saturated to a byte: AND of the entry for the
 * low and the high nibble and of the column's.  low: those kept in the nibble
 * plane (f16 only), rest: those in the stream, shifted down.
 */
struct exact_rule {
	uint8_t low_lo[16], low_hi[16];
	uint8_t rest_lo[16], rest_hi[16];
	const uint8_t *low_most, *rest_most; /* and'ed to those of a column */
};

struct quantise {
	/* in */
	size_t w;
	const float *scale; /* of each column: 2^-k */
	unsigned r2;
	const int16_t *mean; /* m - F/2 */
	/* out */
	int16_t *fine; /* n */
	uint8_t *mag;  /* |q|, saturated at 255 */
	uint8_t *d1, *d2;
	struct bit_writer signs;
	uint8_t *first; /* next of refine1's first plane */
	struct bit_writer second;
	/* running: sums of squares in half fine steps, the first of what is off
	 * a cell's middle; of q times that; of q^2; the largest j */
	uint64_t base_error, refine1_error;
	int64_t q_offset;
	uint64_t q_square;
	uint16_t max_j;
};

struct cut {
	size_t w;
	const struct exact_rule *rule;
	struct bit_writer rest;
	uint8_t *nibbles;   /* next of the plane; bf16 has none */
	uint8_t *exponents; /* next of the list of those with j = 0 */
};

struct dequantise {
	size_t w;
	const float *scale; /* of each column: the unit of the sum, 2^k */
	unsigned q_times, first_times, digit_times;
	const int16_t *mean;
	const uint8_t *mag;
	const uint8_t *digit; /* NULL: none */
	struct bit_reader signs;
	const uint8_t *first; /* next of refine1's first plane; NULL: none */
	struct bit_reader second;
	/* exact only */
	const struct exact_rule *rule;
	struct bit_reader rest;
	const uint8_t *nibbles, *exponents;
};

struct turn_row {
	size_t w, dims;           /* w a multiple of dims, dims of 16 */
	const int16_t *cos, *sin; /* dims each */
	int shift;
	int16_t bias;
};
