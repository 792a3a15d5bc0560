/*
 * kernel.h - the inner loops that have a SIMD form
 *
 * All forms write the same bytes and the same sums: floats are added in the
 * same order everywhere, and never fused.  Loads and stores may touch up to
 * KERNEL_SLACK bytes beyond the end of a buffer, so all buffers have that much
 * behind them, unless said otherwise.  Rows are w values wide, w a multiple
 * of 16; index 0 of a pair of functions is f16, 1 is bf16.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/kernel_types.h"

#define KERNEL_SLACK 64
#define KERNEL_BAND  32 /* rows that pair and unpair turn over at a time */

/* One body for both types only if the type is known inside. */
#define kernel_inline static inline __attribute__((always_inline))

struct kernels {
	/*
	 * For 16 columns: sums of x - x of the first row, and of the squares,
	 * row by row, in f32.  stride in values.
	 */
	void (*moments[2])(const uint16_t *x, size_t stride, size_t rows,
			   float *ret_sum, float *ret_sum2);

	/* One row to n, |q|, digits, their planes and signs.  Returns the
	 * largest |q|. */
	unsigned (*quantise[2])(struct quantise *s, const uint16_t *x);

	/* One row to the bits cut off; advances what s points to. */
	void (*cut[2])(struct cut *s, const uint16_t *x, const int16_t *fine);

	/* One row: (+-|q| * q_times + (d1 - 1) * first_times, d1 from the
	 * planes, + digit * digit_times + mean) * scale.  Advances what s
	 * points to. */
	void (*dequantise[2])(struct dequantise *s, uint16_t *dst);

	/* One row exactly: the sum is n.  Advances what s points to. */
	void (*exact[2])(struct dequantise *s, uint16_t *dst);

	/*
	 * 32 rows of w magnitudes to pairs: of column c, 16 bytes at
	 * dst + c * stride.  Magnitudes above 14 become 14.
	 */
	void (*pair)(const uint8_t *mag, size_t w, uint8_t *dst, size_t stride);

	/* And back: 16 bytes at src + at[c] for column c. */
	void (*unpair)(const uint8_t *src, const uint32_t *at, size_t w,
		       uint8_t *mag);

	/* Of 2 * len nibbles, len a multiple of 16: how many are 1, 2, more
	 * than 2, and the sum of the last. */
	void (*count)(const uint8_t *pairs, size_t len, uint32_t ret[4]);

	/* Digits, planar.  d is zero-padded to 5 (4) times the plane. */
	void (*pack3)(const uint8_t *d, size_t plane, uint8_t *dst);
	void (*pack4)(const uint8_t *d, size_t plane, uint8_t *dst);

	/* dst[i] = dst[i] * times + digit; times is 0, 3 or 4. */
	void (*unpack3)(const uint8_t *src, size_t plane, unsigned times,
			uint8_t *dst);
	void (*unpack4)(const uint8_t *src, size_t plane, unsigned times,
			uint8_t *dst);

	/* Any input decodes to something; a lane's end reads as it may. */
	void (*prefix_decode)(const struct prefix_decoder *code,
			      const struct lane lane[4]);

	/*
	 * dst[c] = ((a[c] * cos + b[c] * sin) << shift) + bias, each product
	 * rounded as pmulhrsw does, modulo 2^16.
	 */
	void (*turn)(const struct turn_row *s, const int16_t *a,
		     const int16_t *b, int16_t *dst);

	/*
	 * Adds one row to the sums of columns turned back, in f32:
	 * ret_sum[c] += x[c] * cos + x[other of the pair] * sin.  pairing is
	 * that of grid.h.
	 */
	void (*unturn[2])(const struct turn_row *s, const uint16_t *x,
			  unsigned pairing, float *ret_sum);
};

/*
 * Each has all that the one before it has.  AVX-512 replaces the loops over
 * rows of values but moments and unturn; whether it is faster than AVX2
 * nobody has measured, so it never runs unless it is asked for.
 */
enum isa {
	ISA_SCALAR,
	ISA_AVX2,
	ISA_AVX512, /* F, BW and VL */
	N_ISAS,
};

/* Fills k for the ISA.  False: this machine, or its kernel, has not got it;
 * k is untouched then. */
bool kernels_for(enum isa isa, struct kernels *k);

void kernels_fill_scalar(struct kernels *k);
void kernels_fill_scalar_rows(struct kernels *k);
void kernels_fill_avx2(struct kernels *k);
void kernels_fill_avx2_read(struct kernels *k);
void kernels_fill_avx2_sums(struct kernels *k);
void kernels_fill_avx2_write(struct kernels *k);
void kernels_fill_avx512_read(struct kernels *k);
void kernels_fill_avx512_write(struct kernels *k);

struct grid_codes;

/*
 * AVX2 where this machine has it (ADAPTCACHE_ISA=scalar|avx2|avx512 in the
 * environment asks for another, if the build allows it; what is not there
 * gives way to the one before it) and the code tables: made at first use, then
 * constant.  Thread-safe.
 */
const struct kernels *dispatch_kernels(void);
const struct grid_codes *dispatch_codes(void);

/* For tests, while no other thread runs: false if this machine lacks it. */
bool dispatch_force(enum isa isa);
