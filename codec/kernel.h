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

#define KERNEL_SLACK 64
#define KERNEL_BAND  32 /* rows that pair and unpair turn over at a time */

/* One body for both types only if the type is known inside. */
#define kernel_inline static inline __attribute__((always_inline))

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
 * low and the high nibble.  low: those kept in the nibble plane (f16 only),
 * rest: those in the stream, shifted down.
 */
struct exact_rule {
	uint8_t low_lo[16], low_hi[16];
	uint8_t rest_lo[16], rest_hi[16];
};

struct quantise {
	/* in */
	size_t w;
	int k;
	unsigned r2;
	const int16_t *mean; /* m - F/2 */
	/* out */
	int16_t *fine; /* n */
	uint8_t *mag;  /* |q|, saturated at 255 */
	uint8_t *d1, *d2;
	struct bit_writer signs;
	/* running: sums of squares in half fine steps; the largest j */
	uint64_t base_error, refine1_error;
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
	int k; /* log2 of the unit of what comes out of the sum */
	unsigned q_times, digit_times;
	const int16_t *mean;
	const uint8_t *mag, *digit;
	struct bit_reader signs;
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

struct kernels {
	/*
	 * For 16 columns: sums of x - x of the first row, and of the squares,
	 * row by row, in f32.  stride in values.
	 */
	void (*moments[2])(const uint16_t *x, size_t stride, size_t rows,
			   float *ret_sum, float *ret_sum2);

	/* One row to n, |q|, digits and signs.  Returns the largest |q|. */
	unsigned (*quantise[2])(struct quantise *s, const uint16_t *x);

	/* One row to the bits cut off; advances what s points to. */
	void (*cut[2])(struct cut *s, const uint16_t *x, const int16_t *fine);

	/* One row: (+-|q| * q_times + digit * digit_times + mean) * 2^k. */
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

enum isa {
	ISA_SCALAR = 0,
	ISA_AVX2 = 1,
};

/* Fills k for the ISA.  False: this machine has not got it. */
bool kernels_for(enum isa isa, struct kernels *k);

void kernels_fill_scalar(struct kernels *k);
void kernels_fill_scalar_rows(struct kernels *k);
void kernels_fill_avx2(struct kernels *k);
void kernels_fill_avx2_read(struct kernels *k);
void kernels_fill_avx2_write(struct kernels *k);

struct grid_codes;

/*
 * The best kernels of this machine (ADAPTCACHE_ISA=scalar|avx2 in the
 * environment forces one, if the build allows it) and the code tables: made
 * at first use, then constant.  Thread-safe.
 */
const struct kernels *dispatch_kernels(void);
const struct grid_codes *dispatch_codes(void);

/* For tests, while no other thread runs: false if this machine lacks it. */
bool dispatch_force(enum isa isa);
