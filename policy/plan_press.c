/* plan_press.c - who gives way: the least worth lost per byte freed */
#include <float.h>
#include <math.h>

#include "policy/plan_state.h"

/* How fast a price follows what the last victims lost. */
static const double PRICE_STEP = 0.1;

/* A tier less full than this has no price. */
static const double FULL_SHARE = 0.9;

/* Writes are never free, so that nothing moves to and fro for nothing. */
static const double WRITE_PRICE_SHARE = 1e-3;

static bool plan_has_spares(const struct plan *p, const struct policy_entry *e)
{
	return !p->run.world.inclusive && ledger_spare_bytes(e, &e->at) > 0;
}

static struct offer plan_offer(const struct plan *p,
			       const struct policy_entry *e, enum tier t,
			       const struct view *v)
{
	if (t == TIER_RAM)
		return price_ram_offer(v, &p->prices);
	return price_ssd_offer(v, &p->prices, plan_has_spares(p, e));
}

/* The order in which entries are asked: by loss, or by last use. */
static double plan_key(const struct plan *p, const struct policy_entry *e,
		       enum tier t, const struct offer *offer)
{
	if (isinf(offer->loss))
		return DBL_MAX;
	if (t == TIER_RAM && plan_traits(p) & PLAN_RECENCY)
		return e->last;
	return offer->loss;
}

static void plan_set_keys(struct plan *p, struct policy_entry *e,
			  const struct view *v)
{
	for (int t = 0; t < N_TIERS; t++) {
		if (ledger_bytes(e, &e->at, t) == 0) {
			heap_drop(&p->heap[t], e->slot);
			continue;
		}
		struct offer offer = plan_offer(p, e, t, v);
		heap_set(&p->heap[t], e->slot, plan_key(p, e, t, &offer));
	}
}

void plan_rekey_viewed(struct plan *p, double now_s, struct policy_entry *e,
		       struct view *v)
{
	struct sight sight = plan_sight(p, now_s, e, e->at.top);

	price_review(e, &sight, v);
	plan_set_keys(p, e, v);
}

void plan_rekey(struct plan *p, double now_s, struct policy_entry *e)
{
	struct view view;

	plan_view(p, now_s, e, e->at.top, &view);
	plan_set_keys(p, e, &view);
}

/* The entry that loses least, asked anew; NULL: nobody can move. */
static struct policy_entry *plan_victim(struct plan *p, double now_s,
					enum tier t, struct offer *ret,
					struct view *ret_view)
{
	for (;;) {
		const struct heap_node *top = heap_top(&p->heap[t]);

		if (!top || top->key >= DBL_MAX)
			return NULL;

		uint32_t slot = top->slot;
		double old = top->key;
		struct policy_entry *e = p->run.ledger.entry[slot];
		plan_view(p, now_s, e, e->at.top, ret_view);
		*ret = plan_offer(p, e, t, ret_view);
		double key = plan_key(p, e, t, ret);
		if (key > old)
			heap_set(&p->heap[t], slot, key);
		if (heap_top(&p->heap[t])->slot == slot && key < DBL_MAX)
			return e;
	}
}

static struct place plan_after(const struct plan *p,
			       const struct policy_entry *e,
			       const struct offer *offer)
{
	struct place to = plan_place(p, e, offer->option);

	if (offer->drop_spares)
		to.ssd = curve_place(offer->option).ssd;
	return to;
}

static bool plan_press_tier(struct plan *p, double now_s, enum tier t,
			    struct policy_move *ret)
{
	struct offer offer;
	struct view view;
	struct policy_entry *e = plan_victim(p, now_s, t, &offer, &view);

	if (!e)
		return false;

	double loss = offer.drop_spares || offer.loss < 0 ? 0 : offer.loss;
	if (loss > p->round_loss[t])
		p->round_loss[t] = loss;

	struct place to = plan_after(p, e, &offer);
	*ret = (struct policy_move){ e, e->at, to, t };
	p->run.ledger.n_decisions++;
	if (to.top == 0) {
		plan_drop(p, e);
		return true;
	}
	plan_book(p, e, &to);
	plan_rekey_viewed(p, now_s, e, &view);
	return true;
}

void plan_settle_prices(struct plan *p)
{
	const struct ledger *l = &p->run.ledger;

	for (int t = 0; t < N_TIERS; t++) {
		double needed = (double)l->used_bytes[t];
		double limit = (double)p->run.world.limit_bytes[t];
		double *price = &p->prices.tier[t];

		if (p->round_loss[t] >= 0)
			*price += PRICE_STEP * (p->round_loss[t] - *price);
		p->round_loss[t] = -1;
		if (t == TIER_SSD && !p->run.world.inclusive)
			needed -= (double)l->spare_bytes;
		if (needed < FULL_SHARE * limit)
			*price = 0;
	}
	bool scarce = p->run.world.ssd_write_bytes_per_s > 0 &&
		      !(plan_traits(p) & PLAN_STOP_ONLY);
	double least = p->prices.tier[TIER_RAM] *
		       (scarce && p->prices.write <= 0 ? 1 : WRITE_PRICE_SHARE);
	if (p->prices.write < least)
		p->prices.write = least;
}

bool plan_press(struct policy_run *run, double now_s, struct policy_move *ret)
{
	struct plan *p = (struct plan *)run;

	plan_fill_bucket(p, now_s);
	for (int t = 0; t < N_TIERS; t++)
		if (run->ledger.used_bytes[t] > run->world.limit_bytes[t] &&
		    plan_press_tier(p, now_s, t, ret))
			return true;
	plan_settle_prices(p);
	return false;
}
