/*
 * curve.h - what each place would cost an entry, in bytes, time and quality
 *
 * An entry is read at the rung that is best from where it lies:
 *   delay = max(DRAM part / its bandwidth + latency,
 *               SSD part / its bandwidth + latency, logical / decode rate)
 *   cost  = delay + alpha * loss,   value = max(0, recompute - least cost).
 * A plain copy needs no decoding.  Only rungs at or above the floor are read;
 * where reads are whole, only the finest that is held.
 * Pure functions; thread-safe.
 */
#pragma once

#include "policy/policy.h"

/*
 * Options: the places worth weighing.  0 is absent; then each (top, ram) with
 * the layers ram..top-1 on the SSD; then a plain copy on either tier.
 */
enum {
	OPT_ABSENT = 0,
	OPT_PLAIN_RAM = 28,
	OPT_PLAIN_SSD = 29,
	N_OPTIONS = 30,
};

/* Sets of options, a bit each. */
#define CURVE_PLAIN  ((uint32_t)(1u << OPT_PLAIN_RAM | 1u << OPT_PLAIN_SSD))
#define CURVE_IN_RAM ((uint32_t)0x18104224) /* in DRAM alone */
#define CURVE_SPLIT  ((uint32_t)0x7cf3990)  /* packed, on both tiers */

/* Traits that make the curve see less: for ablations, or'ed together. */
enum {
	CURVE_NO_DECODE = 1 << 0,   /* decoding takes no time */
	CURVE_NO_PLAIN = 1 << 1,    /* plain copies are not offered */
	CURVE_NO_SPLIT = 1 << 2,    /* all layers lie on one tier */
	CURVE_TWO_RUNGS = 1 << 3,   /* only rungs 3 and 5 */
	CURVE_THREE_RUNGS = 1 << 4, /* only rungs 2, 4 and 5 */
	CURVE_ONE_RUNG = 1 << 5,    /* only rung 4 */
	CURVE_INCLUSIVE = 1 << 6,   /* from world.inclusive; no ablation */
	CURVE_WHOLE = 1 << 7,       /* from world.whole; no ablation */
};

struct curve {
	float value_s[N_OPTIONS];        /* 0 when recomputing is better */
	float bytes[N_OPTIONS][N_TIERS]; /* without spares */
	uint32_t offered;                /* bit per option: allowed at all */
};

struct reading {
	uint8_t layers; /* to load; 0: recompute */
	double delay_s;
	double loss;
};

/* Fills e's numbers from facts; `at`, `slot` and counts are left alone. */
void curve_learn(struct policy_entry *e, const struct facts *facts);

/* What is left of the facts in e's numbers. */
struct facts curve_facts(const struct policy_entry *e);

/* Stored bytes of the first n_layers layers, 0 to N_RUNGS. */
uint64_t curve_bytes(const struct policy_entry *e, unsigned n_layers);

/* 1 - quality at rung k, as kept: within 2.2 % of what facts said. */
double curve_loss(const struct policy_entry *e, unsigned k);

/* All options of e with layers 0..top-1 at hand; traits as above. */
void curve_fill(const struct policy_entry *e, const struct world *w,
		unsigned top, uint32_t traits, struct curve *ret);

/* The options open to e with layers 0..top-1 at hand, a bit each. */
uint32_t curve_offered(const struct policy_entry *e, unsigned top,
		       uint32_t traits);

/* The options that hold exactly `top` layers, a bit each. */
uint32_t curve_options_of(unsigned top);

/* The best reading of e where it lies now, at the rungs traits leave. */
struct reading curve_read(const struct policy_entry *e, const struct world *w,
			  uint32_t traits);

/* The option a place is, spares left out. */
unsigned curve_option(const struct place *p);

/* An option as a place without spares. */
struct place curve_place(unsigned option);
