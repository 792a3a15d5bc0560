/* price.c - what each place is worth to an entry at today's prices */
#include "policy/price.h"

#include <math.h>

void price_review(const struct policy_entry *e, const struct sight *sight,
		  struct view *v)
{
	double missing[N_RUNGS + 1] = { 0 };
	bool inclusive = sight->traits & CURVE_INCLUSIVE;

	v->curve.offered = curve_offered(e, sight->layers, sight->traits);
	v->now = curve_option(&e->at);
	for (unsigned k = 0; k < N_RUNGS; k++) {
		double bytes =
		    e->at.ssd >> k & 1
			? 0
			: (double)(curve_bytes(e, k + 1) - curve_bytes(e, k));
		missing[k + 1] = missing[k] + bytes;
	}
	for (unsigned o = 0; o < OPT_PLAIN_RAM; o++) {
		struct place p = curve_place(o);

		v->new_bytes[o] =
		    inclusive ? 0 : missing[p.top] - missing[p.ram];
	}
	v->new_bytes[OPT_PLAIN_RAM] = 0;
	v->new_bytes[OPT_PLAIN_SSD] =
	    e->at.plain & 1u << TIER_SSD ? 0 : (double)e->raw_bytes;
}

/*
 * What the first layers could be worth in DRAM.  Where all that is held has
 * been written to the SSD already, a layer more is never worth less: then only
 * the SSD's price lets one go.
 */
static void price_kept(const struct curve *c, uint32_t traits,
		       double ret[N_RUNGS + 1])
{
	double most = 0;

	for (unsigned top = 0; top <= N_RUNGS; top++) {
		unsigned whole = top * (top + 3) / 2; /* all in DRAM */

		ret[top] = (double)c->value_s[whole];
		if (!(traits & CURVE_INCLUSIVE))
			continue;
		most = ret[top] > most ? ret[top] : most;
		ret[top] = most * (1 + top / 1024.0);
	}
}

void price_view(const struct policy_entry *e, const struct world *w,
		const struct sight *sight, struct view *ret)
{
	double kept[N_RUNGS + 1];

	curve_fill(e, w, N_RUNGS, sight->traits, &ret->curve);
	price_kept(&ret->curve, sight->traits, kept);
	for (unsigned o = 0; o < N_OPTIONS; o++)
		ret->worth[o] =
		    sight->f * ((double)ret->curve.value_s[o] +
				sight->keep * kept[curve_place(o).top]);
	price_review(e, sight, ret);
}

/* Price of what an option takes on a tier. */
static double price_rent(const struct view *v, const struct prices *p,
			 unsigned option, enum tier t)
{
	return p->tier[t] * (double)v->curve.bytes[option][t];
}

static bool price_allows(const struct view *v, const struct prices *p,
			 unsigned option)
{
	return v->curve.offered >> option & 1 &&
	       (v->new_bytes[option] <= p->may_write_bytes ||
		v->new_bytes[option] <= 0);
}

unsigned price_best(const struct view *v, const struct prices *p,
		    uint32_t allowed)
{
	unsigned best = OPT_ABSENT;
	double most = -INFINITY;

	for (unsigned o = 0; o < N_OPTIONS; o++) {
		if (!(allowed >> o & 1) || !price_allows(v, p, o))
			continue;

		double net = v->worth[o] - price_rent(v, p, o, TIER_RAM) -
			     price_rent(v, p, o, TIER_SSD) -
			     p->write * v->new_bytes[o];
		if (net > most) {
			most = net;
			best = o;
		}
	}
	return best;
}

struct offer price_ram_offer(const struct view *v, const struct prices *p)
{
	struct offer best = { .option = v->now, .loss = INFINITY };
	const struct curve *c = &v->curve;

	for (unsigned q = 0; q < N_OPTIONS; q++) {
		double freed = (double)c->bytes[v->now][TIER_RAM] -
			       (double)c->bytes[q][TIER_RAM];

		if (freed <= 0 || !price_allows(v, p, q))
			continue;

		double loss = v->worth[v->now] - v->worth[q] +
			      price_rent(v, p, q, TIER_SSD) -
			      price_rent(v, p, v->now, TIER_SSD) +
			      p->write * v->new_bytes[q];
		if (loss / freed < best.loss)
			best = (struct offer){ q, false, loss / freed };
	}
	return best;
}

struct offer price_ssd_offer(const struct view *v, const struct prices *p,
			     bool has_spares)
{
	struct offer best = { .option = v->now, .loss = INFINITY };
	const struct curve *c = &v->curve;

	/* Of the spares those of the hottest go first: they are moved last. */
	if (has_spares)
		return (struct offer){ v->now, true, -v->worth[v->now] };

	for (unsigned q = 0; q < N_OPTIONS; q++) {
		double freed = (double)c->bytes[v->now][TIER_SSD] -
			       (double)c->bytes[q][TIER_SSD];

		if (freed <= 0 || !price_allows(v, p, q) ||
		    c->bytes[q][TIER_RAM] > c->bytes[v->now][TIER_RAM])
			continue;

		double loss = v->worth[v->now] - v->worth[q] +
			      price_rent(v, p, q, TIER_RAM) -
			      price_rent(v, p, v->now, TIER_RAM) +
			      p->write * v->new_bytes[q];
		if (loss / freed < best.loss)
			best = (struct offer){ q, false, loss / freed };
	}
	return best;
}
