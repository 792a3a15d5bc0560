/*
 * profile.h - how finely each layer of one model wants its K and V
 *
 * A profile is a small text file, measured once per model
 * (tools/measure_profile.py):
 *
 *   adaptcache-profile 2
 *   # whatever
 *   model N_LAYERS K_COLS V_COLS
 *   damage K_GAIN K_POWER V_GAIN V_POWER
 *   layer N k STEP WEIGHT v STEP WEIGHT           for each N, ascending from 0
 *   shifts N DIGITS                               perhaps, from version 2 on
 *
 * STEP multiplies the base step.  WEIGHT is what an error there counts against
 * the mean over the layers, 1: the weighted mean errors of K and of V, through
 * gain * error^power, sum to the KLD in nats.  DIGITS are K_COLS of 0 to 3, one
 * for each channel of that layer's K: its step is 2^(digit - 2) times K's.
 * Words are separated by blanks;
 * empty lines and those that begin with # say nothing.
 *
 * Only encoding looks at a profile: a tile says itself which step it has.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct head_extent;
struct shape;

#define PROFILE_VERSION    2 /* and 1, which has no shifts */
#define PROFILE_MAX_LAYERS 512u
#define PROFILE_MAX_BYTES  (256u << 10) /* of the text */

struct profile_part {
	float step;   /* in [1/64, 64] */
	float weight; /* >= 0, finite */
};

struct profile_layer {
	struct profile_part k, v;
};

struct profile {
	uint32_t n_layers; /* 1 to PROFILE_MAX_LAYERS */
	uint32_t k_cols, v_cols;
	double k_gain, k_power; /* as those of struct damage in policy/ */
	double v_gain, v_power;
	struct profile_layer layer[PROFILE_MAX_LAYERS];
	uint8_t *shifts; /* n_layers times k_cols; NULL: none.  Owned */
};

struct profile_fault {
	uint32_t line;    /* from 1 on */
	const char *what; /* half a sentence */
};

/*
 * Reads len bytes of text; every byte is checked.  Returns 0, and the caller
 * calls profile_done; or -EINVAL with what is wrong in ret_fault.
 */
int profile_parse(const char *text, size_t len, struct profile *ret,
		  struct profile_fault *ret_fault);

/*
 * Whether a file's extents can be those of the profile's model: all its tensors
 * are K or V of that width, and they are in as many layers.
 */
bool profile_matches(const struct profile *p, const struct head_extent *at,
		     size_t n);

/*
 * How a tile of that layer is to be encoded: sets step to base_step (> 0) by
 * its layer's multiplier, in [SHAPE_STEP_MIN, SHAPE_STEP_MAX], and shift, which
 * points into the profile; base_step alone when the profile does not know the
 * layer or shape->role.
 */
void profile_shape(const struct profile *p, uint16_t model_layer,
		   float base_step, struct shape *shape);

/* Frees what the profile owns.  Safe on a zeroed one. */
void profile_done(struct profile *p);
