/*
 * baseline.h - what others do: one rate for all, and a queue per tier
 *
 * LRU, GDSF and S3-FIFO at a fixed rate, behind the interface of policy.h.
 * A hit on the SSD moves the entry to DRAM; DRAM's victim moves to the SSD,
 * the SSD's is dropped.  Floors finer than the rate are kept, pins too.
 */
#pragma once

#include "policy/policy.h"

/* Traits of a baseline: a rate and an order, or'ed together. */
enum {
	BASELINE_RATE = 0xff, /* mask: a rung, or N_RUNGS: plain bytes */
	BASELINE_LRU = 0 << 8,
	BASELINE_GDSF = 1 << 8,
	BASELINE_S3FIFO = 2 << 8,
	BASELINE_ORDER = 3 << 8, /* mask */
};

struct policy_run *baseline_start(const struct policy *self,
				  const struct world *world, size_t n_ghosts);
void *baseline_stop(struct policy_run *run);
void baseline_set_world(struct policy_run *run, const struct world *world);
int baseline_enter(struct policy_run *run, double now_s,
		   const struct facts *facts, struct policy_entry *e,
		   struct policy_answer *ret);
void baseline_hit(struct policy_run *run, double now_s, struct policy_entry *e,
		  struct policy_answer *ret);
bool baseline_press(struct policy_run *run, double now_s,
		    struct policy_move *ret);
bool baseline_tick(struct policy_run *run, double now_s, size_t budget);
void baseline_revise(struct policy_run *run, double now_s,
		     struct policy_entry *e, const struct facts *facts);
void baseline_moved(struct policy_run *run, double now_s,
		    struct policy_entry *e, const struct place *place);
void baseline_forget(struct policy_run *run, struct policy_entry *e);
void baseline_gauge(const struct policy_run *run, struct policy_gauge *ret);

/* The members of a struct policy that is a baseline, but for its name. */
#define BASELINE_CALLS                                                         \
	.start = baseline_start, .stop = baseline_stop,                        \
	.set_world = baseline_set_world, .enter = baseline_enter,              \
	.hit = baseline_hit, .press = baseline_press, .tick = baseline_tick,   \
	.revise = baseline_revise, .moved = baseline_moved,                    \
	.forget = baseline_forget, .gauge = baseline_gauge
