/*
 * policy.h - the interface of a policy: which layers of which entry lie where
 *
 * The mount and the simulator drive every policy through struct policy, in
 * the same order of events, so that a decision replayed is the decision
 * taken.  A policy gets numbers and gives answers: it has no clock, lock,
 * thread or I/O.  The caller serialises all calls on one run.
 *
 * The protocol.  enter() when an entry is complete, hit() when it is asked
 * for, tick() now and then; after each of these, and after set_world(),
 * press() until it says false.  Every answer counts as carried out at once;
 * where carrying it out failed, or the entry changed by other means, say what
 * is true with moved().
 *
 * Times are seconds from any origin, never falling.  Bytes are stored bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/world.h"

/*
 * Where an entry lies.  Its layers 0 to top-1 are held, each packed in DRAM
 * (the first `ram` of them), on the SSD, or both; a layer on the SSD that DRAM
 * holds too is a spare, free to drop.  A plain copy is the decoded bytes,
 * exact: it can stand in for all layers, and then top is N_RUNGS.
 */
struct place {
	uint8_t top;   /* layers held; 0: the entry is not stored */
	uint8_t ram;   /* 0 to top */
	uint8_t ssd;   /* bit k: layer k is on the SSD */
	uint8_t plain; /* bit t: a plain copy on enum tier t */
};

enum pin {
	PIN_NONE = 0,
	PIN_HELD = 1, /* never dropped; may be moved and cut to its floor */
	PIN_RAM = 2,  /* as PIN_HELD, and what is held is held in DRAM */
};

/* What the caller knows of an entry; copied, never kept. */
struct facts {
	uint64_t name;                 /* a hash: finds what is remembered */
	uint64_t raw_bytes;            /* logical, >= 1 */
	uint64_t layer_bytes[N_RUNGS]; /* stored, per layer; 0: has none */
	float loss[N_RUNGS];           /* 1 - quality at rung k, 0 to 1 */
	double recompute_s;            /* what a miss costs */
	uint8_t floor_rung;            /* coarsest it may be read at */
	uint8_t pin;                   /* enum pin */
	uint8_t priority;              /* 0 to 100; 50 is ordinary */
	bool dead;                     /* announced: not wanted again */

	uint16_t burst_files; /* new files in its burst; 0: not known */
	uint16_t burst_hits;  /* so far, of the burst's last re-used file */
	bool burst_tail;      /* the burst's last file, and only part filled */
};

/* A policy's memory of one entry, in the caller's; zeroed by enter(). */
struct policy_entry {
	uint64_t name;
	float raw_bytes;
	float recompute_s;
	float weight;            /* hits, as the policy counts them */
	uint32_t last;           /* of the last use, in 1/32 s */
	uint32_t accounted;      /* exposure is counted up to here, in 1/32 s */
	uint32_t slot;           /* in the ledger */
	uint16_t share[N_RUNGS]; /* of layers 0..k in raw_bytes, 1/32768 */
	uint8_t loss[N_RUNGS];   /* curve.h's scale */
	uint8_t floor_rung, pin, priority, dead, class;
	struct place at;
};

struct policy_answer {
	struct place place;  /* where it should lie from now on */
	uint8_t read_layers; /* to load for this hit; 0: recompute instead */
	double delay_s;      /* of that load, or of recomputing */
	double loss;         /* 1 - quality of what is then used */
};

struct policy_move {
	struct policy_entry *entry; /* to: top 0 means it is forgotten now */
	struct place from, to;
	enum tier tier; /* that was pressed */
};

struct policy_gauge {
	uint64_t used_bytes[N_TIERS];
	uint64_t spare_bytes; /* of the SSD's: free to drop */
	uint64_t n_entries;
	uint64_t n_decisions;     /* enter, hit and press answers so far */
	double ssd_written_bytes; /* asked for so far */
	double price[N_TIERS]; /* seconds saved per second and byte; 0: none */
	double write_price;    /* the same, for a byte written to the SSD */
};

struct policy_run;
struct plan_reason;
struct bound_item;

struct policy {
	const char *name;  /* as policy= and --policy write it */
	const char *about; /* one line for a human */
	uint32_t traits;   /* the policy's own: rung, ablations */

	/*
	 * A run with nothing in it that remembers up to n_ghosts dropped
	 * entries.  NULL when memory is short.  world is copied and must be
	 * free of world_fault().
	 */
	struct policy_run *(*start)(const struct policy *self,
				    const struct world *world, size_t n_ghosts);

	/* Takes NULL, returns NULL.  Entries are the caller's and stay. */
	void *(*stop)(struct policy_run *run);
	void (*set_world)(struct policy_run *run, const struct world *world);

	/*
	 * A complete entry arrives, at the exact rate, in the caller's hands.
	 * ret->place.top 0: not worth storing; e is then not known to the run.
	 * Returns 0, or -ENOMEM with nothing changed.
	 */
	int (*enter)(struct policy_run *run, double now_s,
		     const struct facts *facts, struct policy_entry *e,
		     struct policy_answer *ret);

	/* The entry is read.  May promote it, never makes it coarser. */
	void (*hit)(struct policy_run *run, double now_s,
		    struct policy_entry *e, struct policy_answer *ret);

	/* A move towards the limits; false: all kept, or nothing can move. */
	bool (*press)(struct policy_run *run, double now_s,
		      struct policy_move *ret);

	/* Housekeeping of up to budget entries; true: more is waiting. */
	bool (*tick)(struct policy_run *run, double now_s, size_t budget);

	/* The facts changed: settings of the owner, announced death, a name
	 * (then what is remembered of that name holds). */
	void (*revise)(struct policy_run *run, double now_s,
		       struct policy_entry *e, const struct facts *facts);

	/* e lies at `place`, whatever was asked for; top 0 forgets it. */
	void (*moved)(struct policy_run *run, double now_s,
		      struct policy_entry *e, const struct place *place);

	/* e is gone (unlinked): no decision, no memory of it. */
	void (*forget)(struct policy_run *run, struct policy_entry *e);

	void (*gauge)(const struct policy_run *run, struct policy_gauge *ret);

	/* Why e lies where it does: plan.h.  NULL: it does not weigh options.
	 */
	void (*explain)(const struct policy_run *run, double now_s,
			const struct policy_entry *e, struct plan_reason *ret);

	/* How near the optimum the run is: plan.h.  NULL: it cannot say. */
	size_t (*sample)(const struct policy_run *run, double now_s,
			 struct bound_item *items, size_t n,
			 double ret_limit[N_TIERS], double *ret_value);
};
