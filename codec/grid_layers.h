/*
 * grid_layers.h - the layers of the grid codec, one by one
 *
 * What grid_encode.c and grid_decode.c put together.  Memory comes from the
 * caller's arena; functions that may run out of it say so with -ENOMEM, which
 * is our own miscount and never a matter of the input.
 */
#pragma once

#include "codec/grid.h"
#include "codec/grid_prefix.h"
#include "codec/grid_rotate.h"

/* --- head --- */

struct grid_means {
	int16_t *m;      /* w means in fine steps, multiples of R2 */
	double variance; /* mean over the columns, about plain means */
	double left;     /* what the head leaves: variance / variance */
};

/*
 * Chooses step, shifts, means and rotation for the rows at x (w wide): shape's
 * base step, in rms deviations.  Returns 0, -E2BIG (not for a grid) or -ENOMEM.
 */
int grid_head_choose(struct grid *g, const struct kernels *k,
		     const struct shape *shape, const uint16_t *x,
		     struct arena *mem, struct grid_means *ret);

/* The mean that every padded column has. */
int16_t grid_head_pad_mean(const struct grid *g);

void grid_head_write(const struct grid *g, const int16_t *m, const void *sinks,
		     struct out *out);

/* Fills g and w means.  Returns 0, with the sink rows, -EBADMSG or -ENOMEM. */
int grid_head_parse(const uint8_t *p, size_t len, struct grid *g,
		    struct arena *mem, int16_t *ret_m,
		    const uint8_t **ret_sinks);

/* --- shifts --- */

/* Bytes of arena that shifts take, by either of the next two. */
size_t grid_shift_room(const struct grid *g);

/*
 * Gives the columns the shifts asked for; of two that turn together, both the
 * smaller.  g->k becomes that of shift 0.  Returns 0 or -ENOMEM.
 */
int grid_shift_set(struct grid *g, const uint8_t *shift, struct arena *mem);

/* Reads and writes them as the head has them, grid_shift_bytes of them. */
int grid_shift_parse(struct grid *g, const uint8_t *p, struct arena *mem);
void grid_shift_write(const struct grid *g, struct out *out);

static inline size_t grid_shift_bytes(const struct grid *g)
{
	return (g->cols + 3) / 4;
}

/* 2^(sign * (k - half)) of each column, w of them. */
void grid_scales(const struct grid *g, int sign, int half, float *ret);

/* --- base --- */

struct base_job {
	const struct grid *g;
	const struct kernels *k;
	const struct grid_codes *codes;
	const uint8_t *mag;     /* |q|, rows padded to a band with zeros */
	const uint8_t *row_max; /* t of them */
	const uint8_t *signs;
	size_t signs_len;
};

int base_encode(const struct base_job *job, struct arena *mem, struct out *out);

struct base_view {
	const struct grid *g;
	uint8_t *pairs;
	uint32_t *at; /* where a column's pairs begin */
	const uint8_t *wide;
	uint16_t *wide_columns;
	uint32_t n_wide;
	const uint8_t *escapes;
	uint32_t n_escapes, next_escape;
	uint64_t next_at; /* place of the next escape */
	struct bit_reader signs;
	size_t signs_end; /* bits */
};

/* Decodes the lanes.  Returns 0, -EBADMSG or -ENOMEM. */
int base_parse(const uint8_t *p, size_t len, const struct grid *g,
	       const struct kernels *k, const struct grid_codes *codes,
	       struct arena *mem, struct base_view *ret);

/* |q| of the band's rows to mag.  Bands ascend. */
void base_band(struct base_view *s, const struct kernels *k, uint32_t band,
	       uint8_t *mag);

/* Bytes of arena that base_encode, base_parse take at most. */
size_t base_encode_room(const struct grid *g);
size_t base_parse_room(const struct grid *g, size_t len);

/* --- exact --- */

/* Returns 0 or -ENOMEM. */
int exact_rule_init(const struct grid *g, struct arena *mem,
		    struct exact_rule *ret);
size_t exact_rule_room(const struct grid *g);

struct exact_job {
	const struct grid *g;
	const struct grid_codes *codes;
	const uint8_t *exponents;
	size_t n_exponents;
	const uint8_t *nibbles; /* f16: n / 2 bytes */
	const uint8_t *rest;
	size_t rest_len;
};

int exact_encode(const struct exact_job *job, struct arena *mem,
		 struct out *out);
size_t exact_encode_room(const struct grid *g);

struct exact_view {
	uint8_t *exponents;
	size_t n_exponents;
	const uint8_t *nibbles, *rest;
	size_t rest_len;
};

int exact_parse(const uint8_t *p, size_t len, const struct grid *g,
		const struct kernels *k, const struct grid_codes *codes,
		struct arena *mem, struct exact_view *ret);
size_t exact_parse_room(const struct grid *g, size_t len);

/* --- the whole --- */

int grid_encode(const struct shape *shape, const void *src, struct scratch *ws,
		struct out *out, struct coded *ret);
int grid_decode(const struct shape *shape, const struct coded_view *in,
		struct scratch *ws, void *dst);
