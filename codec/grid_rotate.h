/*
 * grid_rotate.h - means row by row, which may turn with the position
 *
 * All functions are thread-safe: they touch only what they are given.
 */
#pragma once

#include "codec/grid_prefix.h"

/* cos and sin, times 2^30. */
struct rotation {
	int32_t cos, sin;
};

struct turner {
	const struct grid *g;
	const struct kernels *k;
	uint32_t dims; /* of a head */
	int16_t *row;  /* the current row's means */
	int shift;
	int16_t bias;
	int16_t *base[3];  /* means, the others of their pairs, -means */
	int16_t *group[2]; /* the first two, turned to 16 rows' first */
	int16_t *near;     /* cos and sin of 0 .. 15 rows, by channel */
	int16_t *far;      /* cos and sin of the group's first row */
	struct rotation *far_now, *far_step; /* by pair */
};

/* g is borrowed for as long as the turner is used. */
int turner_init(struct turner *s, const struct grid *g, const struct kernels *k,
		struct arena *mem);

/* Means come out as m * 2^shift + bias, modulo 2^16. */
void turner_start(struct turner *s, const int16_t *m, int shift, int bias);

/* Row t's means.  Rows ascend by one from 0. */
const int16_t *turner_row(struct turner *s, uint32_t t);

/* cos and sin of row t for each channel of a head.  Rows ascend, and no
 * multiple of 16 is left out. */
void turner_angles(struct turner *s, uint32_t t, int16_t *cos, int16_t *sin);

/* Bytes of arena turner_init takes at most. */
size_t turner_room(const struct grid *g);

/* One step of n pairs of a head, ascending. */
void rotation_steps(const struct grid_turn *turn, const uint32_t *pair,
		    uint32_t n, struct rotation *ret);

/* n steps of a. */
struct rotation rotation_power(struct rotation a, uint32_t n);

/*
 * Finds the rotation under which the means hold most.  If that gains, sets
 * g->turn and pairing, and mean to those of the columns turned back.  Returns
 * the mean variance about the means as they now are.
 */
double rotate_find(struct grid *g, const struct kernels *k, const uint16_t *x,
		   double variance, double *mean, struct arena *mem);
