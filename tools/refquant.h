/*
 * refquant.h - how others make K and V smaller, to compare with
 *
 * Plain C after the published descriptions: what they lose and what they cost
 * in bits is theirs, the speed is not.  Pure functions over one matrix, a row
 * a token; thread-safe.
 *
 * A scheme by name, as the tool takes it: NAME[:X][+sinks].  X means what the
 * scheme says; +sinks keeps the first REF_SINKS rows exact at 16 bits a value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REF_SINKS 4u
#define REF_GROUP 32u /* values that share a scale, of all that have groups */

struct ref_matrix {
	const uint8_t *src; /* rows * cols values of elem, row-major */
	uint8_t elem;       /* ELEM_F16 or ELEM_BF16 */
	uint8_t role;       /* ROLE_K or ROLE_V */
	uint32_t rows, cols;
	uint32_t head_dim;        /* channels of a head; divides cols */
	uint32_t layer, n_layers; /* of the model, layer < n_layers */
};

/* The rows that a scheme codes: all but those kept exact. */
struct ref_part {
	const struct ref_matrix *m;
	uint32_t rows;
	double x; /* as the scheme says */
};

/* What a matrix is coded to, one index a value, not packed.  Memory: ours. */
struct ref_code {
	float *v;     /* values of the part: in, and out again */
	int16_t *q;   /* indices of the part */
	float *scale; /* of groups, in the scheme's order */
	float *zero;
	uint64_t bits; /* that it takes when packed, all scales in */
};

struct ref_scheme {
	const char *name, *about;
	double x, x_max; /* X unless given, and at most; x_max 0: no X */
	bool sinks;      /* always exact */
	bool coder;      /* has an ideal entropy coder: its time is no time */

	/* Rows kept exact at the end, of rows; NULL: none. */
	uint32_t (*tail)(uint32_t rows, double x);

	/* v to q, scale, zero, and adds to bits; and back to v. */
	void (*encode)(const struct ref_part *p, struct ref_code *c);
	void (*decode)(const struct ref_part *p, struct ref_code *c);
};

struct ref_how {
	const struct ref_scheme *scheme;
	double x;
	bool sinks;
};

/* Scheme i, or NULL behind the last. */
const struct ref_scheme *ref_scheme_at(unsigned i);

/* Reads NAME[:X][+sinks].  Returns 0 or -EINVAL. */
int ref_parse(const char *text, struct ref_how *ret);

/* Memory for matrices of up to rows * cols.  NULL: none. */
struct ref_code *ref_code_new(uint32_t rows, uint32_t cols);
struct ref_code *ref_code_free(struct ref_code *c);

/*
 * The two halves, for a clock: what is not finite is taken as 0.  dst takes as
 * many bytes as m->src has; rows kept exact come from there.
 */
void ref_encode(const struct ref_how *how, const struct ref_matrix *m,
		struct ref_code *c);
void ref_decode(const struct ref_how *how, const struct ref_matrix *m,
		struct ref_code *c, void *dst);

/*
 * Both: dst becomes what a reader gets.  Returns 0 with the exact bits that
 * the matrix takes, or -ENOMEM.
 */
int ref_quantise(const struct ref_how *how, const struct ref_matrix *m,
		 void *dst, uint64_t *ret_bits);
