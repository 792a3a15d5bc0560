/*
 * rate.h - what the layers of a container cost, and what each rate loses
 *
 * A rate is the number of layers that are read: N_LAYERS is bit-exact.  What a
 * rate loses is the damage, in nats, that the errors recorded in the container,
 * and the tokens that its window drops, are expected to cause in what a model
 * says next, by the curve of the entry's task (policy/damage.h).  A floor is
 * the most that the owner of an entry accepts; 0: nothing may be lost.
 * Pure functions, thread-safe.
 */
#pragma once

#include "codec/head.h"
#include "policy/damage.h"
#include "policy/policy.h"

/*
 * The base step (shape.step) with which the coarsest rate that the floor
 * allows is the base layer, or the one above it for a low floor.  0: bit-exact
 * coding is all that is wanted.
 */
float rate_step(const struct damage *d, double floor_nats);

/*
 * The base step with which the window is allowed that drops a share of the
 * tokens.  0: the task lets none go, or the floor leaves too little beside it.
 */
float rate_window_step(const struct damage *d, double floor_nats, double share);

/* Relative errors of K and V that n_layers leave, 1 to N_LAYERS of them. */
void rate_errors(const struct head *h, unsigned n_layers, float ret[2]);

/* Damage in nats when n_layers are read; INFINITY: tokens are dropped. */
double rate_nats(const struct damage *d, const struct head *h,
		 unsigned n_layers);

/*
 * The errors of K and V that count for what n_layers leave of what is copied
 * from: where tokens are dropped, those that do as much damage.
 */
void rate_lost(const struct damage *d, const struct head *h, unsigned n_layers,
	       float ret[2]);

/*
 * The fewest layers that the floor allows, and all above them, all tiles
 * readable.  More than N_LAYERS: not even all of them (it was copied from
 * something coarser).
 */
unsigned rate_least(const struct damage *d, const struct head *h,
		    double floor_nats);

/* Bytes of each layer and what each rate loses, for the policy. */
void rate_facts(const struct damage *d, const struct head *h, double floor_nats,
		struct facts *ret);
