/* plan_tick.c - now and then: exposures, the table, prices and keys */
#include <math.h>

#include "policy/plan_state.h"

static const double SWEEP_S = 60;

/* What the table keeps of itself over a sweep: half is gone in 17 minutes. */
static const double TABLE_KEEP = 0.96;

/* The write price is set anew this often, by at most 4.5 % up, 3 % down:
 * faster, and it overshoots; slower, and the bucket runs dry before it is
 * there. */
static const double WRITE_S = 5;
static const double WRITE_STEP = 0.03;

static void plan_expose_slot(struct plan *p, double now_s, size_t i)
{
	struct ledger *l = &p->run.ledger;

	if (i < l->n_slots) {
		struct policy_entry *e = l->entry[i];

		if (e)
			plan_expose(p, now_s, e->class, e->last, &e->accounted);
		return;
	}

	struct ghost *g = &p->ghosts.table[i - l->n_slots];
	if (g->name)
		plan_expose(p, now_s, g->class, g->last, &g->accounted);
}

/* The write price rises while the bucket runs dry, and falls while it fills. */
static void plan_price_writes(struct plan *p, double now_s)
{
	if (now_s < p->writes_at_s + WRITE_S || plan_traits(p) & PLAN_STOP_ONLY)
		return;

	double size = p->run.world.ssd_write_bytes_per_s * 60;
	double pull = size > 0 ? 1 - 2 * p->bucket_bytes / size : -1;

	p->prices.write *= exp(WRITE_STEP * fmax(-1, fmin(1.5, pull)));
	plan_settle_prices(p);
	p->writes_at_s = now_s;
}

/* The end of a phase: what comes next, and from where. */
static void plan_next_phase(struct plan *p)
{
	p->cursor = 0;
	if (p->sweep == SWEEP_REKEY) {
		p->sweep = SWEEP_REST;
		return;
	}
	heat_rebuild(&p->heat, TABLE_KEEP);
	p->sweep = SWEEP_REKEY;
}

static size_t plan_phase_length(const struct plan *p)
{
	size_t n = p->run.ledger.n_slots;

	return p->sweep == SWEEP_EXPOSE ? n + ghosts_room(&p->ghosts) : n;
}

bool plan_tick(struct policy_run *run, double now_s, size_t budget)
{
	struct plan *p = (struct plan *)run;

	plan_fill_bucket(p, now_s);
	plan_price_writes(p, now_s);
	if (p->sweep == SWEEP_REST) {
		if (now_s < p->sweep_at_s + SWEEP_S)
			return false;
		p->sweep_at_s = now_s;
		p->sweep = SWEEP_EXPOSE;
	}
	while (p->sweep != SWEEP_REST && budget > 0) {
		struct policy_entry *e;

		if (p->cursor >= plan_phase_length(p)) {
			plan_next_phase(p);
			continue;
		}
		if (p->sweep == SWEEP_EXPOSE)
			plan_expose_slot(p, now_s, p->cursor);
		else if ((e = run->ledger.entry[p->cursor]))
			plan_rekey(p, now_s, e);
		p->cursor++;
		budget--;
	}
	return p->sweep != SWEEP_REST;
}
