/*
 * bound.h - what no placement can beat: the LP bound by its dual
 *
 * For any prices >= 0, rent of the limits plus the best net worth of each
 * entry is at least what any placement within the limits saves.  The least
 * over the prices is the value of the linear relaxation; an ellipsoid closes
 * in on it.  Pure; thread-safe.
 */
#pragma once

#include "policy/curve.h"

struct bound_item {
	double f;           /* hits per second, or a count */
	struct curve curve; /* what may be chosen, and what it saves */
};

/* Steps that bring the bound within 0.1 % of the optimum in all tests. */
enum { BOUND_STEPS = 80 };

/*
 * The bound for n items within limit_bytes.  price: where to start, per tier
 * (any positive guess; 0 lets the function guess); holds the best prices
 * found afterwards.  Every step costs n * N_OPTIONS.
 */
double bound_solve(const struct bound_item *items, size_t n,
		   const double limit_bytes[N_TIERS], unsigned steps,
		   double price[N_TIERS]);

/* The option of most net worth to an item at these prices. */
unsigned bound_choice(const struct bound_item *item,
		      const double price[N_TIERS]);
