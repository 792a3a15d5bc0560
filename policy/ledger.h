/*
 * ledger.h - who is held, and what that fills of each tier
 *
 * The account every policy keeps: a numbered slot per entry, the bytes of
 * each tier, of spares and of SSD writes asked for.  Bytes follow from the
 * entry's own numbers, so that adding and taking away meet exactly.  Only
 * ledger_add() allocates.  Not thread-safe.
 */
#pragma once

#include "policy/policy.h"

struct ledger {
	struct policy_entry **entry; /* by slot; NULL: free */
	uint32_t *free_slot;         /* a stack of n_free slots */
	uint32_t n_free;
	uint32_t n_slots; /* slots ever used: 0 to n_slots - 1 */
	uint32_t cap;
	uint64_t used_bytes[N_TIERS];
	uint64_t spare_bytes;
	uint64_t n_entries;
	uint64_t n_decisions;
	double ssd_written_bytes;
};

/* What every run starts with: its policy, the machine, the account. */
struct policy_run {
	const struct policy *policy;
	struct world world;
	struct ledger ledger;
};

void ledger_done(struct ledger *l);

/* Gives e a slot; e->at must be zero.  Returns 0 or -ENOMEM. */
int ledger_add(struct ledger *l, struct policy_entry *e);

/* Takes e out with all its bytes.  Its slot may be given out again. */
void ledger_remove(struct ledger *l, struct policy_entry *e);

/* Books e, which has a slot, at `to`. */
void ledger_move(struct ledger *l, struct policy_entry *e,
		 const struct place *to);

/* Bytes that e at p fills of a tier, spares included. */
uint64_t ledger_bytes(const struct policy_entry *e, const struct place *p,
		      enum tier tier);

/* Bytes on the SSD of layers that DRAM holds too. */
uint64_t ledger_spare_bytes(const struct policy_entry *e,
			    const struct place *p);

/* Bytes that must be written to the SSD to go from one place to another. */
uint64_t ledger_new_bytes(const struct policy_entry *e,
			  const struct place *from, const struct place *to);

/* Fills the counts of a gauge; prices are left as they are. */
void ledger_gauge(const struct ledger *l, struct policy_gauge *ret);
