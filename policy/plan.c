/* plan.c - rate and device of each entry by price: arrivals, hits, farewells */
#include "policy/plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "policy/plan_state.h"

/* Worth of a layer kept that no read uses today, against its best. */
static const double KEEP_SHARE = 0.01;

/* Priorities 0 and 100 count a sixteenth and sixteen times an ordinary 50. */
static const double PRIORITY_STEP = 12.5;

/* A write budget may be saved up for this long. */
static const double BUCKET_S = 60;

static double plan_bucket_size(const struct plan *p)
{
	return p->run.world.ssd_write_bytes_per_s * BUCKET_S;
}

struct policy_run *plan_start(const struct policy *self,
			      const struct world *world, size_t n_ghosts)
{
	struct plan *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	if (ghosts_init(&p->ghosts, n_ghosts) < 0)
		return plan_stop(&p->run);
	p->run.policy = self;
	p->run.world = *world;
	heat_init(&p->heat);
	p->bucket_bytes = plan_bucket_size(p);
	p->round_loss[TIER_RAM] = p->round_loss[TIER_SSD] = -1;
	return &p->run;
}

void *plan_stop(struct policy_run *run)
{
	struct plan *p = (struct plan *)run;

	if (!p)
		return NULL;
	for (int t = 0; t < N_TIERS; t++)
		heap_done(&p->heap[t]);
	ghosts_done(&p->ghosts);
	ledger_done(&p->run.ledger);
	free(p);
	return NULL;
}

void plan_set_world(struct policy_run *run, const struct world *world)
{
	struct plan *p = (struct plan *)run;

	run->world = *world;
	if (p->bucket_bytes > plan_bucket_size(p))
		p->bucket_bytes = plan_bucket_size(p);
}

/* Slices that are ten minutes old make room for new ones. */
static void plan_turn_slices(struct plan *p, double now_s)
{
	uint64_t slice = (uint64_t)(now_s / PLAN_SLICE_S);

	if (slice > p->slice + PLAN_SLICES)
		p->slice = slice - PLAN_SLICES;
	while (p->slice < slice)
		p->written[++p->slice % PLAN_SLICES] = 0;
}

static double plan_window_room(const struct plan *p)
{
	double written = 0;

	for (int i = 0; i < PLAN_SLICES; i++)
		written += p->written[i];
	return p->run.world.ssd_write_bytes_per_s * PLAN_WINDOW_S - written;
}

void plan_fill_bucket(struct plan *p, double now_s)
{
	double rate = p->run.world.ssd_write_bytes_per_s;
	double since_s = now_s - p->bucket_at_s;

	if (since_s > 0)
		p->bucket_bytes += rate * since_s;
	if (p->bucket_bytes > plan_bucket_size(p))
		p->bucket_bytes = plan_bucket_size(p);
	p->bucket_at_s = now_s;
	p->prices.may_write_bytes = INFINITY;
	if (rate > 0) {
		plan_turn_slices(p, now_s);
		p->prices.may_write_bytes =
		    fmin(p->bucket_bytes, plan_window_room(p));
	}
}

/* Frequencies that fade with one half-life, as others have them. */
static double plan_faded(uint32_t traits, double weight, double age_s)
{
	double half_s = traits & PLAN_HALF_60    ? 60
			: traits & PLAN_HALF_600 ? 600
						 : 3600;

	return weight * exp2(-age_s / half_s) * M_LN2 / half_s;
}

double plan_rate(const struct policy_run *run, double now_s,
		 const struct policy_entry *e)
{
	const struct plan *p = (const struct plan *)run;
	uint32_t traits = plan_traits(p);
	double age_s = plan_age_s(now_s, e->last);
	double f;

	if (e->dead)
		return 0;
	if (traits & PLAN_COUNT)
		f = (double)e->weight / 3600;
	else if (traits & (PLAN_HALF_60 | PLAN_HALF_600 | PLAN_HALF_3600))
		f = plan_faded(traits, (double)e->weight, age_s);
	else
		f = heat_rate(&p->heat, e->class, age_s);
	return f * exp2((e->priority - 50) / PRIORITY_STEP);
}

struct sight plan_sight(const struct plan *p, double now_s,
			const struct policy_entry *e, unsigned layers)
{
	return (struct sight){
		.layers = layers,
		.f = plan_rate(&p->run, now_s, e),
		.keep = plan_traits(p) & PLAN_NO_KEEP ? 0 : KEEP_SHARE,
		.traits = plan_traits(p),
	};
}

void plan_view(const struct plan *p, double now_s, const struct policy_entry *e,
	       unsigned layers, struct view *ret)
{
	struct sight sight = plan_sight(p, now_s, e, layers);

	price_view(e, &p->run.world, &sight, ret);
}

struct place plan_place(const struct plan *p, const struct policy_entry *e,
			unsigned o)
{
	struct place to = curve_place(o);

	if (plan_traits(p) & CURVE_INCLUSIVE)
		to.ssd = (uint8_t)((1u << to.top) - 1);
	else if (!(plan_traits(p) & PLAN_NO_SPARES))
		to.ssd |= (uint8_t)(e->at.ssd & ((1u << to.top) - 1));
	return to;
}

void plan_expose(struct plan *p, double now_s, uint8_t class, uint32_t last,
		 uint32_t *accounted)
{
	uint32_t now = plan_stamp(now_s);

	if (now > *accounted)
		heat_expose(&p->heat, class, (*accounted - last) / 32.0,
			    (now - last) / 32.0);
	*accounted = now;
}

void plan_book(struct plan *p, struct policy_entry *e, const struct place *to)
{
	double written = (double)ledger_new_bytes(e, &e->at, to);

	ledger_move(&p->run.ledger, e, to);
	if (p->run.world.ssd_write_bytes_per_s <= 0)
		return;
	p->bucket_bytes -= written;
	p->written[p->slice % PLAN_SLICES] += written;
	p->prices.may_write_bytes -= written;
}

void plan_drop(struct plan *p, struct policy_entry *e)
{
	for (int t = 0; t < N_TIERS; t++)
		heap_drop(&p->heap[t], e->slot);
	ghosts_put(&p->ghosts, &(struct ghost){ .name = e->name,
						.weight = e->weight,
						.last = e->last,
						.accounted = e->accounted,
						.class = e->class });
	ledger_remove(&p->run.ledger, e);
}

/* One more use of an entry of this class: the table and the entry learn. */
static void plan_count(struct plan *p, double now_s, struct policy_entry *e)
{
	double age_s = plan_age_s(now_s, e->last);
	uint32_t traits = plan_traits(p);

	plan_expose(p, now_s, e->class, e->last, &e->accounted);
	heat_hit(&p->heat, e->class, age_s);
	if (traits & PLAN_COUNT)
		e->weight += 1;
	else if (traits & (PLAN_HALF_60 | PLAN_HALF_600 | PLAN_HALF_3600))
		e->weight = (float)(1 + plan_faded(traits, e->weight, age_s) /
					    plan_faded(traits, 1, 0));
	else
		e->weight = (float)heat_weight(e->weight, age_s);
	e->class = heat_class(e->weight);
	e->last = e->accounted = plan_stamp(now_s);
}

/* It is one that was dropped, if its name is remembered. */
static void plan_recall(struct plan *p, double now_s, struct policy_entry *e)
{
	struct ghost *ghost = ghosts_find(&p->ghosts, e->name);

	if (!ghost)
		return;
	e->weight = ghost->weight;
	e->last = ghost->last;
	e->accounted = ghost->accounted;
	e->class = ghost->class;
	ghost->name = 0;
	plan_count(p, now_s, e);
}

/* A new entry is of its burst's class. */
static void plan_begin(struct plan *p, double now_s, const struct facts *facts,
		       struct policy_entry *e)
{
	e->weight = 1;
	e->last = e->accounted = plan_stamp(now_s);
	e->class = heat_burst_class(0, 0, false);
	if (!(plan_traits(p) & PLAN_NO_BURSTS))
		e->class = heat_burst_class(
		    facts->burst_files, facts->burst_hits, facts->burst_tail);
	plan_recall(p, now_s, e);
}

static void plan_answer(const struct plan *p, const struct policy_entry *e,
			struct policy_answer *ret)
{
	struct reading r = curve_read(e, &p->run.world, plan_traits(p));

	*ret = (struct policy_answer){
		.place = e->at,
		.read_layers = r.layers,
		.delay_s = r.delay_s,
		.loss = r.loss,
	};
}

static int plan_add(struct plan *p, struct policy_entry *e)
{
	if (ledger_add(&p->run.ledger, e) < 0)
		return -ENOMEM;
	for (int t = 0; t < N_TIERS; t++) {
		if (heap_reserve(&p->heap[t], p->run.ledger.cap) < 0) {
			ledger_remove(&p->run.ledger, e);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Where a new entry goes: whatever is worth most, or nowhere. */
static unsigned plan_first_option(const struct plan *p, const struct view *view)
{
	uint32_t traits = plan_traits(p), allowed = ~(uint32_t)0;

	if (traits & PLAN_RECENCY)
		allowed = CURVE_IN_RAM;
	if (traits & PLAN_WHOLE)
		allowed = CURVE_IN_RAM & curve_options_of(N_RUNGS);
	return price_best(view, &p->prices, allowed);
}

int plan_enter(struct policy_run *run, double now_s, const struct facts *facts,
	       struct policy_entry *e, struct policy_answer *ret)
{
	struct plan *p = (struct plan *)run;
	struct view view;

	*e = (struct policy_entry){ 0 };
	curve_learn(e, facts);
	if (plan_add(p, e) < 0)
		return -ENOMEM;
	plan_fill_bucket(p, now_s);
	plan_begin(p, now_s, facts, e);
	run->ledger.n_decisions++;

	plan_view(p, now_s, e, N_RUNGS, &view);
	unsigned o = plan_first_option(p, &view);
	struct place to = plan_place(p, e, o);
	if (to.top == 0) {
		plan_drop(p, e);
		plan_answer(p, e, ret);
		return 0;
	}
	plan_book(p, e, &to);
	plan_rekey_viewed(p, now_s, e, &view);
	plan_answer(p, e, ret);
	return 0;
}

void plan_hit(struct policy_run *run, double now_s, struct policy_entry *e,
	      struct policy_answer *ret)
{
	struct plan *p = (struct plan *)run;
	uint32_t same = curve_options_of(e->at.top);
	struct view view;

	plan_answer(p, e, ret);
	plan_fill_bucket(p, now_s);
	plan_count(p, now_s, e);
	run->ledger.n_decisions++;

	plan_view(p, now_s, e, e->at.top, &view);
	if (plan_traits(p) & PLAN_RECENCY)
		same &= CURVE_IN_RAM;
	if (plan_traits(p) & PLAN_HIT_CUTS)
		same = ~(uint32_t)1;
	unsigned o = price_best(&view, &p->prices, same);
	if (o != OPT_ABSENT && o != view.now) {
		struct place to = plan_place(p, e, o);

		plan_book(p, e, &to);
	}
	plan_rekey_viewed(p, now_s, e, &view);
	ret->place = e->at;
}

void plan_revise(struct policy_run *run, double now_s, struct policy_entry *e,
		 const struct facts *facts)
{
	struct plan *p = (struct plan *)run;
	struct place at = e->at, none = { 0 };
	double written = run->ledger.ssd_written_bytes;
	bool renamed = e->name != facts->name;

	ledger_move(&run->ledger, e, &none);
	curve_learn(e, facts);
	if (renamed)
		plan_recall(p, now_s, e);
	ledger_move(&run->ledger, e, &at);
	run->ledger.ssd_written_bytes = written;
	plan_rekey(p, now_s, e);
}

void plan_moved(struct policy_run *run, double now_s, struct policy_entry *e,
		const struct place *place)
{
	struct plan *p = (struct plan *)run;

	if (place->top == 0) {
		plan_drop(p, e);
		return;
	}
	plan_book(p, e, place);
	plan_rekey(p, now_s, e);
}

void plan_forget(struct policy_run *run, struct policy_entry *e)
{
	struct plan *p = (struct plan *)run;

	for (int t = 0; t < N_TIERS; t++)
		heap_drop(&p->heap[t], e->slot);
	ledger_remove(&run->ledger, e);
}
