/*
 * grid.h - the grid codec's byte format, and what its files share
 *
 * A value x of 16 bits (M mantissa bits: 10 for f16, 7 for bf16) lies on a
 * grid whose finest step is a power of two, so that its fine index is its own
 * bits, truncated, and three quantisers nest in each other exactly:
 *
 *   j = floor(|x| / 2^k)   n = x < 0 ? ~j : j    (-0 gives -1)
 *   F = 3 * R2             R2 is 3 or 4
 *   u = n - m + F/2        m: the channel's mean, in fine steps
 *   q = floor(u / F)       r = u - F*q = R2*d1 + d2
 *
 * A reader that has the layers up to ... takes x to be
 *
 *   head     m * 2^k
 *   base     (F*q + m + F/2.0 - F/2) * 2^k        F/2: integer division
 *   refine1  (F*q + R2*d1 + m + R2/2.0 - F/2) * 2^k
 *   refine2  (n + 1/2) * 2^k
 *   exact    x: the bits of +-j * 2^k with the low w bits put back,
 *            w = clamp(min(M - ilog2(min(j, 255)), k + M + bias - 1), 0, M),
 *            ilog2(0) = 0; where j = 0 the exponent comes from a side stream
 *
 * rounded to nearest-even: exact in f32 but for that, the same everywhere.
 * The columns are padded to W, a multiple of 16; a padded value has d1 and d2
 * of its own, q = 0, w = 0.  The first n_sink rows are kept raw in the head;
 * T rows are coded.  "In value order" is row by row.  Words little-endian,
 * bit streams from the least significant bit of byte 0 on.
 *
 * Version 2 adds three things.  A channel may have a shift: its k is that of
 * the tile plus 0 to 3, in all of the above (the two channels that turn
 * together have the same).  At base alone, a cell reads as the mean of what
 * lies in it rather than its middle: B / 2 in place of F before q, B a byte of
 * the head, F to 2 F.  And refine1 may be two planes of bits.
 *
 * head     u8 version (1 or 2), u8 flags (1: R2 is 4; 2: wide means; from
 *          version 2 on: 4: shifts; 8: refine1 in planes), i8 k, u8 n_sink,
 *          u8 rotation (0 none, else 1 + row of grid_turns), u8 pairing (enum
 *          grid_pairing), u8 B (version 1: 0), u8 0; means / R2, i8 (i16 when
 *          wide) for each column; shifts, four to a byte, the first in the
 *          lowest bits; the sink rows
 * base     u8 table[W/2]: one nibble per channel, low first: a table of
 *          grid_lengths, GRID_NONE or GRID_WIDE; for each table used,
 *          ascending, four u32: its lanes' bytes; u32 n_escapes; the lanes;
 *          wide channels, ascending: |q| u8 for each row; escapes: u16
 *          distance from the place before, in value order (the first: from
 *          value 0), u8 |q|, which replaces what was decoded - or 0, which
 *          replaces nothing; then one bit for each q != 0 in value order: q < 0
 * refine1  d1 in base 3, five to a byte, planar: P = ceil(T*W/5), byte b holds
 *          values b, P+b .. 4P+b, the first the most significant digit of v,
 *          as ceil(256 v / 243): the digits come out by multiplying by 3.
 *          In planes: a bit for each value in value order, then, rounded up
 *          to a byte, a bit for each value whose first is set.  Where q = 0,
 *          the first says that d1 is not 1, the second that it is 2; else,
 *          with e = d1, or 2 - d1 where q < 0 (0 lies nearest to the mean),
 *          the first says that e is not 0, the second that it is 2
 * refine2  d2: the same if R2 is 3; if 4, four to a byte, planar, the first
 *          in the lowest bits
 * exact    u32 n_gaps, u32 n_listed, u32 which of the last two tables, u32
 *          lengths of four lanes; the lanes: exponents of values with j = 0, in
 *          value order, padding left out, as gap below the largest possible,
 *          K - 1 + bias (14: exponent 0), by that table, K being k plus the
 *          largest shift; listed: u32 index
 *          among them, u8 exponent, ascending; f16 only: the low min(w, 4) bits
 *          of all values, 16 to 8 bytes, byte b holds values b (low) and b + 8;
 *          then the other bits cut off (w - 4 or none of f16, w of bf16), in
 *          value order.  No gaps at all when K - 1 + bias <= 0
 *
 * Means that turn: in head, the means are of position 0, and the layer alone
 * reads as they are when turned.  Pair i of a head is turned by the angle
 * t * theta^(-2 i / dims) at coded row t: (a, b) becomes (a cos - b sin, b cos
 * + a sin), in 16 bits, first by 16 * floor(t / 16) rows and then by t % 16,
 * cos and sin in 1/32768 (grid_rotate.c), each product p as ((p >> 14) + 1)
 * >> 1.
 *
 * A lane holds pairs of nibbles by one table's canonical code (codes ascending
 * by length, then by value of the byte; written bit-reversed).  In base the
 * nibbles are |q| of rows 2h (low) and 2h + 1 of one channel, channels
 * ascending, h inside; in exact they are two gaps in turn.  Items (channels, or
 * pairs in exact) are cut into lanes at floor(i * n / 4).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

#define GRID_VERSION  2  /* what is written; older ones are read */
#define GRID_TABLES   10 /* of magnitudes */
#define GRID_CODES    12 /* and two of gaps behind them */
#define GRID_NONE     14 /* in place of a table: all zero */
#define GRID_WIDE     15 /* in place of a table: bytes */
#define GRID_ROWS     32 /* of a band: the rows worked on at a time */
#define GRID_HEAD     8  /* bytes before the means */
#define GRID_SINKS    4
#define GRID_MAX_COLS 32768
#define GRID_MAX_DIMS 256 /* of grid_turns */
#define GRID_MAX_Q    255
#define GRID_MAX_J    16000 /* twice a value fits in 16 bits */

enum grid_pairing {
	GRID_INTERLEAVED = 0, /* channels 2i, 2i + 1 turn together */
	GRID_HALVES = 1,      /* i, i + head size / 2 */
};

/* The published constants: grid_tables.c. */
extern const char *const grid_lengths[GRID_CODES][16];

/*
 * What a channel costs with each table, in 1/16 bit: n0 * [0] + n1 * [1] +
 * n2 * [2] + n3 * [3] + s3 * [4], n3 and s3 the number and sum of |q| >= 3.
 */
extern const int16_t grid_prices[GRID_TABLES][5];

struct grid_turn {
	uint32_t theta;
	uint32_t dims;  /* of a head */
	uint64_t ratio; /* theta^(-2/dims) * 2^62: each pair's to the last's */
};

extern const struct grid_turn grid_turns[];
extern const unsigned grid_n_turns;

/* A tile's measures and parameters, known to both directions. */
struct grid {
	bool bf16;
	uint32_t cols;       /* of the tile */
	uint32_t n_sink;     /* rows kept raw */
	uint32_t w;          /* columns, padded */
	uint32_t t;          /* rows coded, >= 1 */
	uint32_t h;          /* pairs of rows */
	uint32_t n;          /* values: t * w */
	uint32_t r2, f;      /* 3 or 4; 9 or 12 */
	int k;               /* log2 of the finest step, without its shift */
	bool wide;           /* means are i16 */
	bool planes;         /* refine1 is in planes */
	unsigned base_times; /* half fine steps of one q, at base alone */
	uint8_t *shift;      /* of each column, w of them; NULL: none has one */
	int most_shift;
	unsigned turn;    /* 0: means stay; else 1 + row of grid_turns */
	unsigned pairing; /* enum grid_pairing */
};

/* Fills the measures.  False: a shape this codec does not take. */
bool grid_measure(const struct shape *s, struct grid *ret);

static inline int grid_mantissa(const struct grid *g)
{
	return g->bf16 ? 7 : 10;
}

static inline int grid_bias(const struct grid *g)
{
	return g->bf16 ? 127 : 15;
}

/* The largest exponent field a value with j = 0 can have; <= 0: none. */
static inline int grid_top_exponent(const struct grid *g)
{
	return g->k + g->most_shift - 1 + grid_bias(g);
}

/* log2 of the finest step of a column. */
static inline int grid_k(const struct grid *g, uint32_t column)
{
	return g->k + (g->shift ? g->shift[column] : 0);
}

/* Bytes of 5 (radix 3) or 4 (radix 4) digits each that n digits take. */
static inline size_t grid_digit_bytes(uint32_t n, uint32_t radix)
{
	return radix == 3 ? (n + 4) / 5 : (n + 3) / 4;
}
