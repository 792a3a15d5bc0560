/*
 * plan_state.h - what the parts of plan.h share; for plan*.c only
 *
 * 1. Every entry of the ledger stands in the heap of each tier it has bytes
 *    on, under its cheapest offer's loss there; DBL_MAX: it cannot move.
 * 2. Keys may be stale: they are made anew when popped, and by every sweep.
 * 3. Neither the bucket nor ten minutes' budget is ever overdrawn: no option
 *    that writes more is allowed.
 */
#pragma once

#include "policy/ghost.h"
#include "policy/heap.h"
#include "policy/heat.h"
#include "policy/ledger.h"
#include "policy/plan.h"
#include "policy/price.h"

enum sweep {
	SWEEP_REST,   /* until the next is due */
	SWEEP_EXPOSE, /* cursor over entries, then ghosts */
	SWEEP_REKEY,  /* cursor over entries */
};

/* SSD writes are counted in slices, so that no ten minutes exceed the budget:
 * one slice more than the window holds. */
enum { PLAN_SLICE_S = 10, PLAN_WINDOW_S = 600, PLAN_SLICES = 61 };

struct plan {
	struct policy_run run;
	struct heap heap[N_TIERS];
	struct heat heat;
	struct ghosts ghosts;
	struct prices prices;
	double
	    round_loss[N_TIERS]; /* largest since the last quiet; < 0: none */
	double bucket_bytes;     /* may be written now */
	double bucket_at_s;      /* when it was last filled */
	double written[PLAN_SLICES]; /* by slice, modulo */
	uint64_t slice;              /* the latest */
	double sweep_at_s;           /* when the present sweep began */
	double writes_at_s;          /* when the write price was set last */
	enum sweep sweep;
	size_t cursor;
};

/* Times in entries, 1/32 s. */
static inline uint32_t plan_stamp(double now_s)
{
	return (uint32_t)(now_s * 32);
}

/* Age of a stamp; 0 when it lies ahead. */
static inline double plan_age_s(double now_s, uint32_t stamp)
{
	double age_s = now_s - stamp / 32.0;

	return age_s > 0 ? age_s : 0;
}

static inline uint32_t plan_traits(const struct plan *p)
{
	uint32_t traits = p->run.policy->traits;

	if (p->run.world.inclusive)
		traits |= CURVE_INCLUSIVE;
	if (p->run.world.whole)
		traits |= CURVE_WHOLE;
	return traits;
}

/* e as the prices see it with `layers` at hand. */
void plan_view(const struct plan *p, double now_s, const struct policy_entry *e,
	       unsigned layers, struct view *ret);

/* How e is looked at. */
struct sight plan_sight(const struct plan *p, double now_s,
			const struct policy_entry *e, unsigned layers);

/* e's place once it is at option o; spares stay where they can. */
struct place plan_place(const struct plan *p, const struct policy_entry *e,
			unsigned o);

/* Counts the time since e was last looked at; then it is looked at now. */
void plan_expose(struct plan *p, double now_s, uint8_t class, uint32_t last,
		 uint32_t *accounted);

/* Puts e under its present keys. */
void plan_rekey(struct plan *p, double now_s, struct policy_entry *e);

/* The same with a view of e from before its last move. */
void plan_rekey_viewed(struct plan *p, double now_s, struct policy_entry *e,
		       struct view *v);

/* Books e at `to`, charges what is written; keys are left as they are. */
void plan_book(struct plan *p, struct policy_entry *e, const struct place *to);

/* Takes e out of heaps and ledger, remembering its name. */
void plan_drop(struct plan *p, struct policy_entry *e);

/* Lets the write bucket fill up to now. */
void plan_fill_bucket(struct plan *p, double now_s);

/* Nothing is over its limit (any more): the round's losses become prices. */
void plan_settle_prices(struct plan *p);
