/*
 * baseline.c - what others do: one rate for all, and a queue per tier
 *
 * 1. An entry stands in exactly one queue of the tier it lies on, none when
 *    a pin keeps it there.
 * 2. LRU and GDSF use the first queue of a tier only.  In S3-FIFO the first
 *    is the probation queue, of at most a tenth of the tier, the second the
 *    main one; `class` says which.
 * 3. Keys only say the order: LRU and S3-FIFO count events, GDSF adds hits
 *    per byte's cost to the tier's inflation.
 */
#include "policy/baseline.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/curve.h"
#include "policy/ghost.h"
#include "policy/heap.h"
#include "policy/ledger.h"

enum { QUEUE_FIRST = 0, QUEUE_MAIN = 1, N_QUEUES = 2 };

struct baseline {
	struct policy_run run;
	struct heap queue[N_TIERS][N_QUEUES];
	uint64_t first_bytes[N_TIERS];
	double events;
	double inflation[N_TIERS];
	struct ghosts ghosts;
};

/* S3-FIFO: what probation may fill, and the most hits it remembers. */
static const uint64_t PROBATION_SHARE = 10;
static const float MOST_HITS = 3;

static struct baseline *baseline_of(struct policy_run *run)
{
	return (struct baseline *)run;
}

static unsigned baseline_order(const struct baseline *b)
{
	return b->run.policy->traits & BASELINE_ORDER;
}

static bool baseline_is_plain(const struct baseline *b)
{
	return (b->run.policy->traits & BASELINE_RATE) == N_RUNGS;
}

struct policy_run *baseline_start(const struct policy *self,
				  const struct world *world, size_t n_ghosts)
{
	struct baseline *b = calloc(1, sizeof *b);
	bool queues = (self->traits & BASELINE_ORDER) == BASELINE_S3FIFO;

	if (!b)
		return NULL;
	if (ghosts_init(&b->ghosts, queues ? n_ghosts : 0) < 0)
		return baseline_stop(&b->run);
	b->run.policy = self;
	b->run.world = *world;
	return &b->run;
}

void *baseline_stop(struct policy_run *run)
{
	struct baseline *b = baseline_of(run);

	if (!b)
		return NULL;
	for (int t = 0; t < N_TIERS; t++)
		for (int q = 0; q < N_QUEUES; q++)
			heap_done(&b->queue[t][q]);
	ghosts_done(&b->ghosts);
	ledger_done(&b->run.ledger);
	free(b);
	return NULL;
}

void baseline_set_world(struct policy_run *run, const struct world *world)
{
	run->world = *world;
}

/* The tier an entry lies on: an entry of a baseline lies on one. */
static enum tier baseline_tier(const struct policy_entry *e)
{
	bool ram = e->at.ram || e->at.plain & 1u << TIER_RAM;

	return ram ? TIER_RAM : TIER_SSD;
}

static struct place baseline_place(const struct baseline *b,
				   const struct policy_entry *e, enum tier t)
{
	unsigned top = e->floor_rung + 1u;
	bool inclusive = b->run.world.inclusive;

	if (baseline_is_plain(b) && !inclusive)
		return curve_place(t == TIER_RAM ? OPT_PLAIN_RAM
						 : OPT_PLAIN_SSD);
	return (struct place){
		.top = (uint8_t)top,
		.ram = (uint8_t)(t == TIER_RAM ? top : 0),
		.ssd = (uint8_t)(t == TIER_RAM && !inclusive ? 0
							     : (1u << top) - 1),
	};
}

static double baseline_key(struct baseline *b, const struct policy_entry *e,
			   enum tier t)
{
	if (baseline_order(b) != BASELINE_GDSF)
		return b->events++;

	double bytes = (double)ledger_bytes(e, &e->at, t);
	return b->inflation[t] + (1 + e->weight) * e->recompute_s / bytes;
}

static void baseline_unqueue(struct baseline *b, struct policy_entry *e)
{
	for (int t = 0; t < N_TIERS; t++) {
		if (heap_has(&b->queue[t][QUEUE_FIRST], e->slot))
			b->first_bytes[t] -= ledger_bytes(e, &e->at, t);
		for (int q = 0; q < N_QUEUES; q++)
			heap_drop(&b->queue[t][q], e->slot);
	}
}

static void baseline_enqueue(struct baseline *b, struct policy_entry *e)
{
	enum tier t = baseline_tier(e);
	bool stays = t == TIER_RAM ? e->pin == PIN_RAM : e->pin != PIN_NONE;

	if (stays)
		return;
	heap_set(&b->queue[t][e->class], e->slot, baseline_key(b, e, t));
	if (e->class == QUEUE_FIRST)
		b->first_bytes[t] += ledger_bytes(e, &e->at, t);
}

/* Every queue has room for every slot. */
static int baseline_reserve(struct baseline *b)
{
	for (int t = 0; t < N_TIERS; t++)
		for (int q = 0; q < N_QUEUES; q++)
			if (heap_reserve(&b->queue[t][q], b->run.ledger.cap) <
			    0)
				return -ENOMEM;
	return 0;
}

static void baseline_answer(const struct baseline *b,
			    const struct policy_entry *e,
			    struct policy_answer *ret)
{
	struct reading r = curve_read(e, &b->run.world, 0);

	*ret = (struct policy_answer){
		.place = e->at,
		.read_layers = r.layers,
		.delay_s = r.delay_s,
		.loss = r.loss,
	};
}

/* The one rate: as the policy says, but never below the owner's floor. */
static void baseline_learn(struct baseline *b, struct policy_entry *e,
			   const struct facts *facts)
{
	unsigned rate = b->run.policy->traits & BASELINE_RATE;

	curve_learn(e, facts);
	if (rate < N_RUNGS && rate > e->floor_rung)
		e->floor_rung = (uint8_t)rate;
}

int baseline_enter(struct policy_run *run, double now_s,
		   const struct facts *facts, struct policy_entry *e,
		   struct policy_answer *ret)
{
	struct baseline *b = baseline_of(run);

	(void)now_s;
	*e = (struct policy_entry){ 0 };
	baseline_learn(b, e, facts);
	if (ledger_add(&run->ledger, e) < 0)
		return -ENOMEM;
	if (baseline_reserve(b) < 0) {
		ledger_remove(&run->ledger, e);
		return -ENOMEM;
	}

	struct ghost *ghost = ghosts_find(&b->ghosts, e->name);
	if (ghost) {
		e->class = QUEUE_MAIN;
		ghost->name = 0;
	}

	struct place to = baseline_place(b, e, TIER_RAM);
	ledger_move(&run->ledger, e, &to);
	baseline_enqueue(b, e);
	run->ledger.n_decisions++;
	baseline_answer(b, e, ret);
	return 0;
}

void baseline_hit(struct policy_run *run, double now_s, struct policy_entry *e,
		  struct policy_answer *ret)
{
	struct baseline *b = baseline_of(run);
	bool fifo = baseline_order(b) == BASELINE_S3FIFO;

	(void)now_s;
	baseline_answer(b, e, ret);
	run->ledger.n_decisions++;
	e->weight += 1;
	if (fifo && e->weight > MOST_HITS)
		e->weight = MOST_HITS;
	if (fifo && baseline_tier(e) == TIER_RAM)
		return;

	struct place to = baseline_place(b, e, TIER_RAM);
	baseline_unqueue(b, e);
	if (fifo)
		e->class = QUEUE_MAIN;
	ledger_move(&run->ledger, e, &to);
	baseline_enqueue(b, e);
	ret->place = to;
}

/* S3-FIFO: whom the tier gives up; the wanted are sent round once more. */
static struct policy_entry *baseline_fifo_victim(struct baseline *b,
						 enum tier t)
{
	for (;;) {
		uint64_t share = b->run.world.limit_bytes[t] / PROBATION_SHARE;
		bool first =
		    b->first_bytes[t] > share || !b->queue[t][QUEUE_MAIN].n;
		const struct heap_node *top =
		    heap_top(&b->queue[t][first ? QUEUE_FIRST : QUEUE_MAIN]);

		if (!top)
			top = heap_top(&b->queue[t][QUEUE_MAIN]);
		if (!top)
			return NULL;

		struct policy_entry *e = b->run.ledger.entry[top->slot];
		if (e->weight < 1)
			return e;
		baseline_unqueue(b, e);
		e->weight = e->class == QUEUE_MAIN ? e->weight - 1 : 0;
		e->class = QUEUE_MAIN;
		baseline_enqueue(b, e);
	}
}

static struct policy_entry *baseline_victim(struct baseline *b, enum tier t)
{
	if (baseline_order(b) == BASELINE_S3FIFO)
		return baseline_fifo_victim(b, t);

	const struct heap_node *top = heap_top(&b->queue[t][QUEUE_FIRST]);
	if (!top)
		return NULL;
	b->inflation[t] = top->key;
	return b->run.ledger.entry[top->slot];
}

static void baseline_drop(struct baseline *b, struct policy_entry *e)
{
	baseline_unqueue(b, e);
	if (e->class == QUEUE_FIRST)
		ghosts_put(&b->ghosts,
			   &(struct ghost){ .name = e->name,
					    .last = (uint32_t)b->events });
	ledger_remove(&b->run.ledger, e);
}

bool baseline_press(struct policy_run *run, double now_s,
		    struct policy_move *ret)
{
	struct baseline *b = baseline_of(run);

	(void)now_s;
	for (int t = 0; t < N_TIERS; t++) {
		if (run->ledger.used_bytes[t] <= run->world.limit_bytes[t])
			continue;

		struct policy_entry *e = baseline_victim(b, t);
		if (!e && t == TIER_SSD && run->world.inclusive)
			e = baseline_victim(b, TIER_RAM); /* it lies on both */
		if (!e)
			continue;

		struct place from = e->at, to = { 0 };
		if (t == TIER_RAM) {
			to = baseline_place(b, e, TIER_SSD);
			baseline_unqueue(b, e);
			ledger_move(&run->ledger, e, &to);
			baseline_enqueue(b, e);
		} else {
			baseline_drop(b, e);
		}
		run->ledger.n_decisions++;
		*ret = (struct policy_move){ e, from, to, t };
		return true;
	}
	return false;
}

bool baseline_tick(struct policy_run *run, double now_s, size_t budget)
{
	(void)run;
	(void)now_s;
	(void)budget;
	return false;
}

void baseline_revise(struct policy_run *run, double now_s,
		     struct policy_entry *e, const struct facts *facts)
{
	struct baseline *b = baseline_of(run);
	struct place at = e->at, none = { 0 };

	(void)now_s;
	baseline_unqueue(b, e);
	ledger_move(&run->ledger, e, &none);
	baseline_learn(b, e, facts);
	ledger_move(&run->ledger, e, &at);
	baseline_enqueue(b, e);
}

void baseline_moved(struct policy_run *run, double now_s,
		    struct policy_entry *e, const struct place *place)
{
	struct baseline *b = baseline_of(run);

	(void)now_s;
	baseline_unqueue(b, e);
	if (place->top == 0) {
		ledger_remove(&run->ledger, e);
		return;
	}
	ledger_move(&run->ledger, e, place);
	baseline_enqueue(b, e);
}

void baseline_forget(struct policy_run *run, struct policy_entry *e)
{
	baseline_unqueue(baseline_of(run), e);
	ledger_remove(&run->ledger, e);
}

void baseline_gauge(const struct policy_run *run, struct policy_gauge *ret)
{
	*ret = (struct policy_gauge){ 0 };
	ledger_gauge(&run->ledger, ret);
}
