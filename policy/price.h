/*
 * price.h - what each place is worth to an entry at today's prices
 *
 * A tier's price is what its scarcest byte saves: seconds saved per second
 * and byte.  An entry takes the place of the largest net worth, and under
 * pressure gives up what costs least per byte it frees:
 *   net(p)     = f worth(p) - ram D(p) - ssd S(p) - write new(p)
 *   loss(p->q) = f (worth(p) - worth(q)) + price of what q takes elsewhere,
 *                per byte freed.
 * worth is the value of curve.h and, for every layer kept, a little of what
 * it could be worth in DRAM: a layer nobody reads today may be wanted again.
 * Pure functions; thread-safe.
 */
#pragma once

#include "policy/curve.h"

struct prices {
	double tier[N_TIERS];   /* per byte held, >= 0 */
	double write;           /* per byte written to the SSD, >= 0 */
	double may_write_bytes; /* no more than this in one move */
};

/* An entry as the prices see it. */
struct view {
	struct curve curve;
	double worth[N_OPTIONS];     /* f times what a hit saves */
	double new_bytes[N_OPTIONS]; /* to be written to the SSD */
	unsigned now;                /* the option it is */
};

/* What to give up, and what that costs per byte freed. */
struct offer {
	unsigned option;
	bool drop_spares; /* instead: the spares go, the option stays */
	double loss;      /* INFINITY: nothing may go */
};

/* layers: how many are at hand, N_RUNGS for a new entry.  f: hits per s.
 * keep: the share of worth for layers kept; traits: those of the curve. */
struct sight {
	unsigned layers;
	double f;
	double keep;
	uint32_t traits;
};

void price_view(const struct policy_entry *e, const struct world *w,
		const struct sight *sight, struct view *ret);

/* The same entry after it moved or lost layers. */
void price_review(const struct policy_entry *e, const struct sight *sight,
		  struct view *v);

/* The option of most net worth among `allowed` (a bit each); OPT_ABSENT when
 * none is allowed. */
unsigned price_best(const struct view *v, const struct prices *p,
		    uint32_t allowed);

/* The cheapest way to fewer bytes on a tier. */
struct offer price_ram_offer(const struct view *v, const struct prices *p);
struct offer price_ssd_offer(const struct view *v, const struct prices *p,
			     bool has_spares);
