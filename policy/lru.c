/*
 * lru.c - the mount's first policy: bit-exact, the least recently used goes
 *
 * 1. A queue per kind of copy; an entry stands in the queue of each copy that
 *    it has and that no pin keeps there.
 * 2. Keys count events, so that equal times keep their order.
 */
#include "policy/lru.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/curve.h"
#include "policy/heap.h"
#include "policy/ledger.h"

enum { COPY_PLAIN, COPY_PACKED, COPY_SSD, N_COPIES };

struct lru {
	struct policy_run run;
	struct heap queue[N_COPIES];
	double events;
};

static struct lru *lru_of(struct policy_run *run)
{
	return (struct lru *)run;
}

struct policy_run *lru_start(const struct policy *self,
			     const struct world *world, size_t n_ghosts)
{
	struct lru *l = calloc(1, sizeof(*l));

	(void)n_ghosts;
	if (!l)
		return NULL;
	l->run.policy = self;
	l->run.world = *world;
	return &l->run;
}

void *lru_stop(struct policy_run *run)
{
	struct lru *l = lru_of(run);

	if (!l)
		return NULL;
	for (int c = 0; c < N_COPIES; c++)
		heap_done(&l->queue[c]);
	ledger_done(&run->ledger);
	free(l);
	return NULL;
}

void lru_set_world(struct policy_run *run, const struct world *world)
{
	run->world = *world;
}

static bool lru_has(const struct policy_entry *e, int copy)
{
	if (copy == COPY_PLAIN)
		return e->at.plain & 1u << TIER_RAM;
	return copy == COPY_PACKED ? e->at.ram : e->at.ssd;
}

static bool lru_pinned(const struct policy_entry *e, int copy)
{
	return copy == COPY_SSD ? e->pin != PIN_NONE : e->pin == PIN_RAM;
}

/* Puts e behind all others in the queues of its copies. */
static void lru_queue(struct lru *l, struct policy_entry *e)
{
	double key = l->events++;

	for (int c = 0; c < N_COPIES; c++)
		if (lru_has(e, c) && !lru_pinned(e, c))
			heap_set(&l->queue[c], e->slot, key);
		else
			heap_drop(&l->queue[c], e->slot);
}

static void lru_unqueue(struct lru *l, struct policy_entry *e)
{
	for (int c = 0; c < N_COPIES; c++)
		heap_drop(&l->queue[c], e->slot);
}

static void lru_answer(const struct policy_run *run,
		       const struct policy_entry *e, struct policy_answer *ret)
{
	struct reading r = curve_read(e, &run->world, 0);

	*ret = (struct policy_answer){ e->at, r.layers, r.delay_s, r.loss };
}

int lru_enter(struct policy_run *run, double now_s, const struct facts *facts,
	      struct policy_entry *e, struct policy_answer *ret)
{
	struct lru *l = lru_of(run);
	struct place everywhere = {
		.top = N_RUNGS,
		.ram = N_RUNGS,
		.ssd = (1u << N_RUNGS) - 1,
		.plain = 1u << TIER_RAM,
	};

	(void)now_s;
	*e = (struct policy_entry){ 0 };
	curve_learn(e, facts);
	if (ledger_add(&run->ledger, e) < 0)
		return -ENOMEM;
	for (int c = 0; c < N_COPIES; c++)
		if (heap_reserve(&l->queue[c], run->ledger.cap) < 0) {
			ledger_remove(&run->ledger, e);
			return -ENOMEM;
		}
	ledger_move(&run->ledger, e, &everywhere);
	lru_queue(l, e);
	run->ledger.n_decisions++;
	lru_answer(run, e, ret);
	return 0;
}

void lru_hit(struct policy_run *run, double now_s, struct policy_entry *e,
	     struct policy_answer *ret)
{
	struct place to = e->at;

	(void)now_s;
	to.plain |= 1u << TIER_RAM;
	lru_answer(run, e, ret);
	ledger_move(&run->ledger, e, &to);
	lru_queue(lru_of(run), e);
	run->ledger.n_decisions++;
	ret->place = to;
}

/* The move that takes the oldest copy of this kind away. */
static bool lru_take(struct lru *l, int copy, enum tier tier,
		     struct policy_move *ret)
{
	const struct heap_node *top = heap_top(&l->queue[copy]);

	if (!top)
		return false;

	struct policy_entry *e = l->run.ledger.entry[top->slot];
	struct place from = e->at, to = e->at;
	if (copy == COPY_SSD)
		to = (struct place){ 0 };
	else if (copy == COPY_PACKED)
		to.ram = 0;
	else
		to.plain = 0;

	if (copy == COPY_SSD) {
		lru_unqueue(l, e);
		ledger_remove(&l->run.ledger, e);
	} else {
		heap_drop(&l->queue[copy], e->slot);
		ledger_move(&l->run.ledger, e, &to);
	}
	l->run.ledger.n_decisions++;
	*ret = (struct policy_move){ e, from, to, tier };
	return true;
}

bool lru_press(struct policy_run *run, double now_s, struct policy_move *ret)
{
	struct lru *l = lru_of(run);
	const struct ledger *books = &run->ledger;

	(void)now_s;
	if (books->used_bytes[TIER_RAM] > run->world.limit_bytes[TIER_RAM] &&
	    (lru_take(l, COPY_PLAIN, TIER_RAM, ret) ||
	     lru_take(l, COPY_PACKED, TIER_RAM, ret)))
		return true;
	return books->used_bytes[TIER_SSD] > run->world.limit_bytes[TIER_SSD] &&
	       lru_take(l, COPY_SSD, TIER_SSD, ret);
}

bool lru_tick(struct policy_run *run, double now_s, size_t budget)
{
	(void)run;
	(void)now_s;
	(void)budget;
	return false;
}

void lru_revise(struct policy_run *run, double now_s, struct policy_entry *e,
		const struct facts *facts)
{
	struct place at = e->at, none = { 0 };
	uint8_t pin = e->pin;

	(void)now_s;
	ledger_move(&run->ledger, e, &none);
	curve_learn(e, facts);
	ledger_move(&run->ledger, e, &at);
	if (e->pin != pin) /* else it stays where its last use put it */
		lru_queue(lru_of(run), e);
}

void lru_moved(struct policy_run *run, double now_s, struct policy_entry *e,
	       const struct place *place)
{
	(void)now_s;
	if (place->top == 0) {
		lru_forget(run, e);
		return;
	}
	ledger_move(&run->ledger, e, place);
	lru_queue(lru_of(run), e);
}

void lru_forget(struct policy_run *run, struct policy_entry *e)
{
	lru_unqueue(lru_of(run), e);
	ledger_remove(&run->ledger, e);
}

void lru_gauge(const struct policy_run *run, struct policy_gauge *ret)
{
	*ret = (struct policy_gauge){ 0 };
	ledger_gauge(&run->ledger, ret);
}
