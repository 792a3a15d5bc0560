/* ledger.c - who is held, and what that fills of each tier */
#include "policy/ledger.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "policy/curve.h"

void ledger_done(struct ledger *l)
{
	free(l->entry);
	free(l->free_slot);
	*l = (struct ledger){ 0 };
}

static int ledger_grow(struct ledger *l)
{
	uint32_t cap = l->cap ? 2 * l->cap : 1024;

	struct policy_entry **entry = realloc(l->entry, cap * sizeof *l->entry);
	if (!entry)
		return -ENOMEM;
	l->entry = entry;

	uint32_t *free_slot = realloc(l->free_slot, cap * sizeof *free_slot);
	if (!free_slot)
		return -ENOMEM;
	l->free_slot = free_slot;
	l->cap = cap;
	return 0;
}

int ledger_add(struct ledger *l, struct policy_entry *e)
{
	if (!l->n_free && l->n_slots == l->cap && ledger_grow(l) < 0)
		return -ENOMEM;

	e->slot = l->n_free ? l->free_slot[--l->n_free] : l->n_slots++;
	l->entry[e->slot] = e;
	l->n_entries++;
	return 0;
}

static void ledger_book(struct ledger *l, const struct policy_entry *e,
			int sign)
{
	uint64_t s = (uint64_t)(int64_t)sign;

	for (int t = 0; t < N_TIERS; t++)
		l->used_bytes[t] += s * ledger_bytes(e, &e->at, t);
	l->spare_bytes += s * ledger_spare_bytes(e, &e->at);
}

void ledger_remove(struct ledger *l, struct policy_entry *e)
{
	assert(e->slot < l->n_slots && l->entry[e->slot] == e);
	ledger_book(l, e, -1);
	l->entry[e->slot] = NULL;
	l->free_slot[l->n_free++] = e->slot;
	l->n_entries--;
	e->at = (struct place){ 0 };
}

void ledger_move(struct ledger *l, struct policy_entry *e,
		 const struct place *to)
{
	l->ssd_written_bytes += (double)ledger_new_bytes(e, &e->at, to);
	ledger_book(l, e, -1);
	e->at = *to;
	ledger_book(l, e, 1);
}

static uint64_t ledger_ssd_bytes(const struct policy_entry *e, unsigned mask)
{
	uint64_t bytes = 0;

	for (unsigned k = 0; k < N_RUNGS; k++)
		if (mask >> k & 1)
			bytes += curve_bytes(e, k + 1) - curve_bytes(e, k);
	return bytes;
}

uint64_t ledger_bytes(const struct policy_entry *e, const struct place *p,
		      enum tier tier)
{
	uint64_t plain = p->plain >> tier & 1 ? (uint64_t)e->raw_bytes : 0;

	if (tier == TIER_RAM)
		return plain + curve_bytes(e, p->ram);
	return plain + ledger_ssd_bytes(e, p->ssd);
}

uint64_t ledger_spare_bytes(const struct policy_entry *e, const struct place *p)
{
	unsigned ram = p->plain & 1u << TIER_RAM ? N_RUNGS : p->ram;

	return ledger_ssd_bytes(e, p->ssd & ((1u << ram) - 1));
}

uint64_t ledger_new_bytes(const struct policy_entry *e,
			  const struct place *from, const struct place *to)
{
	unsigned plain = to->plain & ~from->plain & 1u << TIER_SSD;
	uint64_t bytes = ledger_ssd_bytes(e, to->ssd & ~from->ssd & 0xffu);

	return plain ? bytes + (uint64_t)e->raw_bytes : bytes;
}

void ledger_gauge(const struct ledger *l, struct policy_gauge *ret)
{
	for (int t = 0; t < N_TIERS; t++)
		ret->used_bytes[t] = l->used_bytes[t];
	ret->spare_bytes = l->spare_bytes;
	ret->n_entries = l->n_entries;
	ret->n_decisions = l->n_decisions;
	ret->ssd_written_bytes = l->ssd_written_bytes;
}
