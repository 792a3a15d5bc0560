/* explain.c - what the policy knows of entries and of itself, for a human */
#include "fs/store/explain.h"

#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/ask.h"
#include "fs/store/mover.h"
#include "fs/store/press.h"
#include "fs/store/settings.h"
#include "fs/store/state.h"
#include "fs/store/walk.h"

/* Of .kv/decisions: more would be read by nobody. */
#define DECISIONS_MOST 1000
/* Of the sample that the distance to the bound is taken of. */
#define GAUGE_ENTRIES 1024

static const char *const EXPLAIN_RATES[N_RUNGS + 1] = {
	"none", "head", "window", "base", "refine1", "refine2", "exact",
};

/* ---- what it knows ---- */

bool explain_entry(struct store *s, struct node *n, struct decision *ret)
{
	struct mover *m = &s->mover;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	double now = mover_now(m);

	if (!n->known || !m->policy->explain)
		return false;
	ret->entry = n->policy;
	ret->alpha = m->world.alpha;
	ret->hits_per_s = plan_rate(m->run, now, &n->policy);
	m->policy->gauge(m->run, &ret->gauge);
	m->policy->explain(m->run, now, &n->policy, ret->reason);
	return true;
}

static const struct plan_reason *explain_chosen(const struct decision *d)
{
	for (unsigned o = 0; o < N_OPTIONS; o++)
		if (d->reason[o].chosen)
			return &d->reason[o];
	return NULL;
}

double explain_worth(struct store *s, struct node *n)
{
	struct decision d;
	const struct plan_reason *now;

	if (!n->stored || !explain_entry(s, n, &d) ||
	    !(now = explain_chosen(&d)))
		return 0;
	return now->worth / (double)n->stored;
}

double explain_gauge(struct store *s, struct policy_gauge *ret)
{
	struct mover *m = &s->mover;
	auto_free struct bound_item *items =
	    calloc(GAUGE_ENTRIES, sizeof(*items));
	double limit[N_TIERS], price[N_TIERS] = { 0 }, value = 0, bound = 0;
	size_t n = 0;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

		m->policy->gauge(m->run, ret);
		if (m->policy->sample && items) {
			press_limits(s, TIER_RAM, 0, 100, &m->world);
			ask_world(m);
			n = m->policy->sample(m->run, mover_now(m), items,
					      GAUGE_ENTRIES, limit, &value);
		}
	}
	if (n)
		bound = bound_solve(items, n, limit, BOUND_STEPS, price);
	return bound > 0 ? value / bound : -1;
}

/* ---- in words ---- */

/* "exact: 2 layers in DRAM" */
static void explain_place(const struct place *p, char *dst, size_t cap)
{
	const char *rate = EXPLAIN_RATES[p->top];

	if (!p->top)
		snprintf(dst, cap, "evicted");
	else if (p->plain & 1u << TIER_RAM)
		snprintf(dst, cap, "%s, plain in DRAM", rate);
	else if (p->ram >= p->top)
		snprintf(dst, cap, "%s, packed in DRAM", rate);
	else if (p->ram)
		snprintf(dst, cap, "%s, to %s in DRAM", rate,
			 EXPLAIN_RATES[p->ram]);
	else
		snprintf(dst, cap, "%s on SSD", rate);
}

static double explain_loss(const struct decision *d,
			   const struct plan_reason *r)
{
	return r->place.top ? curve_loss(&d->entry, r->place.top - 1u) : 1;
}

static double explain_delay(const struct decision *d,
			    const struct plan_reason *r)
{
	double wait = (double)d->entry.recompute_s;

	if (!r->place.top || r->value_s <= 0)
		return wait;
	return wait - r->value_s - d->alpha * explain_loss(d, r);
}

static void explain_row(FILE *out, const struct decision *d,
			const struct plan_reason *r)
{
	char place[64];

	explain_place(&r->place, place, sizeof(place));
	fprintf(out, "%c %-26s %12llu %12llu %9.3g %9.3f %10.3g %10.3g\n",
		r->chosen ? '*' : ' ', place,
		(unsigned long long)r->bytes[TIER_RAM],
		(unsigned long long)r->bytes[TIER_SSD], explain_loss(d, r),
		1e3 * explain_delay(d, r), r->worth, r->net);
}

/* The option that would save most, where that is more than the chosen one. */
static const struct plan_reason *explain_better(const struct decision *d)
{
	const struct plan_reason *now = explain_chosen(d), *best = now;

	for (unsigned o = 0; best && o < N_OPTIONS; o++)
		if (d->reason[o].worth > best->worth)
			best = &d->reason[o];
	return best == now ? NULL : best;
}

static void explain_why(FILE *out, const struct decision *d)
{
	const struct plan_reason *now = explain_chosen(d);
	const struct plan_reason *more = explain_better(d);
	char place[64];

	if (!more) {
		fprintf(out, "nothing would save more\n");
		return;
	}
	explain_place(&more->place, place, sizeof(place));
	fprintf(out, "%s would save %.3g more per second, ", place,
		more->worth - now->worth);
	if (!more->offered)
		fprintf(out, "but its layers are gone, or its owner's floor or "
			     "pin, or the write budget forbid it\n");
	else if (more->net > now->net)
		fprintf(out, "and is taken at its next hit\n");
	else
		fprintf(out, "but its bytes cost %.3g\n",
			more->worth - more->net - (now->worth - now->net));
}

static void explain_head(FILE *out, struct store *s, const struct decision *d)
{
	fprintf(out,
		"policy %s, alpha %g, %.3g hits per second expected\n"
		"price of a MiB: DRAM %.3g, SSD %.3g seconds per second\n"
		"  %-26s %12s %12s %9s %9s %10s %10s\n",
		s->mover.policy->name, d->alpha, d->hits_per_s,
		d->gauge.price[TIER_RAM] * 1048576,
		d->gauge.price[TIER_SSD] * 1048576, "option", "dram_bytes",
		"ssd_bytes", "loss", "delay_ms", "worth", "net");
}

char *store_decision(struct store *s, struct node *n)
{
	struct decision d;
	char *text = NULL;
	size_t len;

	if (!explain_entry(s, n, &d))
		return NULL;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return NULL;
	explain_head(out, s, &d);
	for (unsigned o = 0; o < N_OPTIONS; o++)
		if (d.reason[o].offered || d.reason[o].chosen)
			explain_row(out, &d, &d.reason[o]);
	explain_why(out, &d);
	return fclose(out) ? (free(text), NULL) : text;
}

/* One line: where it is, what a hit costs, and what would be better. */
static void explain_line(FILE *out, struct store *s, struct node *n)
{
	struct decision d;
	auto_free char *path = settings_path(s, n);
	char place[64];

	if (!path || !explain_entry(s, n, &d))
		return;
	const struct plan_reason *now = explain_chosen(&d);
	if (!now)
		return;
	explain_place(&now->place, place, sizeof(place));
	fprintf(out, "%s: %s, loss %.3g, %.3f ms, %.3g hits/s; ", path, place,
		explain_loss(&d, now), 1e3 * explain_delay(&d, now),
		d.hits_per_s);
	explain_why(out, &d);
}

char *store_decisions_text(struct store *s)
{
	struct walk all;
	char *text = NULL;
	size_t len;

	if (walk_files(&s->tree, s->tree.root, &all) < 0)
		return NULL;
	FILE *out = open_memstream(&text, &len);
	for (size_t i = 0; out && i < all.n && i < DECISIONS_MOST; i++)
		explain_line(out, s, all.node[i]);
	if (out && all.n > DECISIONS_MOST)
		fprintf(out, "and %zu more: user.kv.stat.decision of each\n",
			all.n - DECISIONS_MOST);
	walk_done(&s->tree, &all);
	if (!out)
		return NULL;
	return fclose(out) ? (free(text), NULL) : text;
}
