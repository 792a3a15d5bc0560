/*
 * plan.h - AdaptCache's own policy: rate and device of each entry by price
 *
 * Each tier has a shadow price.  An entry is placed where it is worth most
 * net of prices when it arrives and when it is hit; under pressure the entry
 * that loses least per byte freed gives way, and what the last victims lost
 * becomes the price.  A re-use table gives the frequencies, a write budget
 * the price of SSD writes.  The interface is policy.h's.
 */
#pragma once

#include "policy/bound.h"
#include "policy/policy.h"

/* Traits above those of curve.h: one ingredient taken away each. */
enum {
	PLAN_COUNT = 1 << 8,      /* hits never fade (the paper's policy) */
	PLAN_HALF_60 = 1 << 9,    /* exponential fading, 60 s */
	PLAN_HALF_600 = 1 << 10,  /* the same, 600 s */
	PLAN_HALF_3600 = 1 << 11, /* the same, 3600 s */
	PLAN_NO_BURSTS = 1 << 12, /* new entries are all alike */
	PLAN_RECENCY = 1 << 13,   /* DRAM holds what was used last */
	PLAN_WHOLE = 1 << 14,     /* enter whole into DRAM, then press */
	PLAN_NO_SPARES = 1 << 15, /* what DRAM takes over leaves the SSD */
	PLAN_NO_KEEP = 1 << 16,   /* layers nobody reads are worth nothing */
	PLAN_STOP_ONLY = 1 << 18, /* a write budget without a price */
	PLAN_HIT_CUTS = 1 << 17,  /* a hit may truncate */
};

/* One option of an entry, for whoever wants to know why. */
struct plan_reason {
	struct place place;
	uint64_t bytes[N_TIERS];
	double value_s; /* saved by one hit */
	double worth;   /* saved per second, what is kept included */
	double net;     /* of the rent for its bytes and of writing them */
	bool offered;   /* false: floor, pin, layers or budget forbid it */
	bool chosen;    /* where it is */
};

struct policy_run *plan_start(const struct policy *self,
			      const struct world *world, size_t n_ghosts);
void *plan_stop(struct policy_run *run);
void plan_set_world(struct policy_run *run, const struct world *world);
int plan_enter(struct policy_run *run, double now_s, const struct facts *facts,
	       struct policy_entry *e, struct policy_answer *ret);
void plan_hit(struct policy_run *run, double now_s, struct policy_entry *e,
	      struct policy_answer *ret);
bool plan_press(struct policy_run *run, double now_s, struct policy_move *ret);
bool plan_tick(struct policy_run *run, double now_s, size_t budget);
void plan_revise(struct policy_run *run, double now_s, struct policy_entry *e,
		 const struct facts *facts);
void plan_moved(struct policy_run *run, double now_s, struct policy_entry *e,
		const struct place *place);
void plan_forget(struct policy_run *run, struct policy_entry *e);
void plan_gauge(const struct policy_run *run, struct policy_gauge *ret);

/* Expected hits per second of an entry, as decisions take it. */
double plan_rate(const struct policy_run *run, double now_s,
		 const struct policy_entry *e);

/* All options of e at today's prices, for display; run must be a plan. */
void plan_explain(const struct policy_run *run, double now_s,
		  const struct policy_entry *e,
		  struct plan_reason ret[N_OPTIONS]);

/*
 * How near the optimum the run is: fills up to n items with entries spread
 * evenly over all, and the limits that are their share of the tiers.
 * *ret_value is what their places are worth (seconds saved per second), to
 * be compared with bound_solve() of the same items.  Returns the count.
 */
size_t plan_sample(const struct policy_run *run, double now_s,
		   struct bound_item *items, size_t n,
		   double ret_limit[N_TIERS], double *ret_value);

/* The members of a struct policy that is a plan, but for its name. */
#define PLAN_CALLS                                                             \
	.start = plan_start, .stop = plan_stop, .set_world = plan_set_world,   \
	.enter = plan_enter, .hit = plan_hit, .press = plan_press,             \
	.tick = plan_tick, .revise = plan_revise, .moved = plan_moved,         \
	.forget = plan_forget, .gauge = plan_gauge, .explain = plan_explain,   \
	.sample = plan_sample
