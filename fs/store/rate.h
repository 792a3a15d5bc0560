/*
 * rate.h - what the layers of a container cost, and what each rate loses
 *
 * A rate is the number of layers that are read: N_LAYERS is bit-exact.  What a
 * rate loses is the damage, in nats, that the errors recorded in the container
 * are expected to cause in what a model says next (policy/damage.h).  A floor
 * is the most that the owner of an entry accepts; 0: nothing may be lost.
 * Pure functions, thread-safe.
 */
#pragma once

#include "codec/head.h"
#include "policy/policy.h"

/*
 * The base step (shape.step) with which the coarsest rate that the floor
 * allows is the base layer, or the one above it for a low floor.  0: bit-exact
 * coding is all that is wanted.
 */
float rate_step(double floor_nats);

/* Relative errors of K and V that n_layers leave, 1 to N_LAYERS of them. */
void rate_errors(const struct head *h, unsigned n_layers, float ret[2]);

/* Damage in nats when n_layers are read. */
double rate_nats(const struct head *h, unsigned n_layers);

/*
 * The fewest layers that the floor allows, all tiles readable.  More than
 * N_LAYERS: not even all of them (it was copied from something coarser).
 */
unsigned rate_least(const struct head *h, double floor_nats);

/* Bytes of each layer and what each rate loses, for the policy. */
void rate_facts(const struct head *h, double floor_nats, struct facts *ret);
