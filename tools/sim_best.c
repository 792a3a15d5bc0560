/* sim_best.c - the clairvoyant bound, and the best static placement */
#include "tools/sim_best.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bound.h"

/* Spans of time with a price each, and steps that look for the prices. */
enum { N_SPANS = 64, N_STEPS = 300 };

/* A wait between two uses of one name. */
struct wait {
	uint32_t name;
	float from_s, to_s;
};

struct best {
	const struct sim_load *load;
	const struct sim_setup *setup;
	struct curve *curve; /* by name, used more than once */
	uint32_t *uses;      /* by name */
	struct wait *wait;
	size_t n_waits;
	double span_s;
	double price[N_TIERS][N_SPANS];
	double sum[N_TIERS][N_SPANS + 1]; /* integrals of the prices */
	double used[N_TIERS][N_SPANS];    /* byte seconds, at these prices */
};

static int best_prepare(struct best *b)
{
	const struct sim_load *l = b->load;

	b->curve = calloc(l->n_names, sizeof *b->curve);
	b->uses = calloc(l->n_names, sizeof *b->uses);
	b->wait = calloc(l->n_refs, sizeof *b->wait);
	if (!b->curve || !b->uses || !b->wait)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_refs; i++)
		b->uses[l->refs[i]]++;
	for (size_t i = 0; i < l->n_names; i++) {
		struct facts f = sim_facts(b->setup, &l->names[i], i);
		struct policy_entry e = { 0 };

		if (b->uses[i] < 2)
			continue;
		curve_learn(&e, &f);
		curve_fill(&e, &b->setup->world, N_RUNGS, 0, &b->curve[i]);
	}
	return 0;
}

static void best_done(struct best *b)
{
	free(b->curve);
	free(b->uses);
	free(b->wait);
}

/* All waits, in the order they end. */
static int best_waits(struct best *b)
{
	const struct sim_load *l = b->load;
	float *last = calloc(l->n_names, sizeof *last);

	if (!last)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_names; i++)
		last[i] = -1;
	for (size_t i = 0; i < l->n_requests; i++) {
		const struct sim_request *q = &l->requests[i];
		float now = (float)q->at_s;

		for (uint32_t k = 0; k < q->n; k++) {
			uint32_t name = l->refs[q->first + k];

			if (last[name] >= 0)
				b->wait[b->n_waits++] =
				    (struct wait){ name, last[name], now };
			last[name] = now;
		}
	}
	b->span_s = (l->requests[l->n_requests - 1].at_s + 1e-6) / N_SPANS;
	free(last);
	return 0;
}

/* Integral of a tier's price from 0 to t. */
static double best_integral(const struct best *b, int tier, double t)
{
	size_t i = (size_t)(t / b->span_s);

	i = i < N_SPANS ? i : N_SPANS - 1;
	return b->sum[tier][i] +
	       b->price[tier][i] * (t - (double)i * b->span_s);
}

/* Books bytes held from one time to another. */
static void best_book(struct best *b, int tier, double from_s, double to_s,
		      double bytes)
{
	size_t i = (size_t)(from_s / b->span_s);

	for (; i < N_SPANS && from_s < to_s; i++) {
		double end_s = fmin(to_s, (double)(i + 1) * b->span_s);

		b->used[tier][i] += bytes * fmax(0, end_s - from_s);
		from_s = end_s > from_s ? end_s : from_s;
	}
}

/* The best option of a wait at these prices. */
static unsigned best_choice(const struct best *b, const struct wait *w,
			    double *ret_net)
{
	const struct curve *c = &b->curve[w->name];
	unsigned best = OPT_ABSENT;
	double rent[N_TIERS];

	for (int t = 0; t < N_TIERS; t++)
		rent[t] = best_integral(b, t, (double)w->to_s) -
			  best_integral(b, t, (double)w->from_s);
	*ret_net = 0;
	for (unsigned o = 0; o < N_OPTIONS; o++) {
		double net = (double)c->value_s[o] -
			     rent[0] * (double)c->bytes[o][0] -
			     rent[1] * (double)c->bytes[o][1];

		if (net > *ret_net) {
			*ret_net = net;
			best = o;
		}
	}
	return best;
}

/* The dual at these prices: what is saved is at most this. */
static double best_dual(struct best *b)
{
	double sum = 0, net;

	memset(b->used, 0, sizeof b->used);
	for (int t = 0; t < N_TIERS; t++) {
		double limit = (double)b->setup->world.limit_bytes[t];

		b->sum[t][0] = 0;
		for (int i = 0; i < N_SPANS; i++)
			b->sum[t][i + 1] =
			    b->sum[t][i] + b->price[t][i] * b->span_s;
		sum += b->sum[t][N_SPANS] * limit;
	}
	for (size_t i = 0; i < b->n_waits; i++) {
		const struct wait *w = &b->wait[i];
		unsigned o = best_choice(b, w, &net);

		sum += net;
		for (int t = 0; o != OPT_ABSENT && t < N_TIERS; t++)
			best_book(b, t, (double)w->from_s, (double)w->to_s,
				  (double)b->curve[w->name].bytes[o][t]);
	}
	return sum;
}

/* Raises the prices of crowded spans, lowers those of empty ones. */
static void best_reprice(struct best *b, int step)
{
	double rate = 0.5 / (1 + step / 15.0);

	for (int t = 0; t < N_TIERS; t++) {
		double limit = (double)b->setup->world.limit_bytes[t];

		for (int i = 0; i < N_SPANS; i++) {
			double full = b->used[t][i] / (limit * b->span_s);

			b->price[t][i] *=
			    exp(rate * fmax(-1, fmin(1, full - 1)));
		}
	}
}

/* Adds delay and lost quality of `weight` uses of a name at an option. */
static void best_add(const struct best *b, uint32_t number, unsigned option,
		     double weight, struct sim_result *ret)
{
	struct facts f = sim_facts(b->setup, &b->load->names[number], number);
	struct policy_entry e = { 0 };

	curve_learn(&e, &f);
	e.at = curve_place(option);
	struct reading r = curve_read(&e, &b->setup->world, 0);
	ret->delay_s += weight * r.delay_s / (double)b->n_waits;
	ret->quality -= weight * r.loss / (double)b->n_waits;
}

static double best_recompute(const struct best *b)
{
	double sum = 0;

	for (size_t i = 0; i < b->n_waits; i++)
		sum += b->load->names[b->wait[i].name].recompute_s;
	return sum;
}

static void best_descend(struct best *b, struct sim_result *ret)
{
	double least = INFINITY, kept[N_TIERS][N_SPANS];
	double all_s = best_recompute(b);

	for (int t = 0; t < N_TIERS; t++)
		for (int i = 0; i < N_SPANS; i++)
			b->price[t][i] =
			    all_s / N_SPANS / b->span_s /
			    (double)b->setup->world.limit_bytes[t] / 4;
	for (int step = 0; step < N_STEPS; step++) {
		double dual = best_dual(b);

		if (dual < least) {
			least = dual;
			memcpy(kept, b->price, sizeof kept);
		}
		best_reprice(b, step);
	}
	memcpy(b->price, kept, sizeof kept);
	best_dual(b);
	ret->cost_s = (all_s - least) / (double)b->n_waits;
	for (size_t i = 0; i < b->n_waits; i++) {
		double net;
		unsigned o = best_choice(b, &b->wait[i], &net);

		best_add(b, b->wait[i].name, o, 1, ret);
	}
}

int sim_clairvoyant(const struct sim_load *load, const struct sim_setup *setup,
		    struct sim_result *ret)
{
	struct best b = { .load = load, .setup = setup };

	*ret = (struct sim_result){ .name = "bound",
				    .alpha = setup->world.alpha,
				    .quality = 1 };
	int r = best_prepare(&b);
	if (r == 0)
		r = best_waits(&b);
	if (r == 0 && b.n_waits)
		best_descend(&b, ret);
	ret->n_counted = b.n_waits;
	best_done(&b);
	return r;
}

/* The names as the static best sees them: how often each is used again. */
static struct bound_item *best_items(const struct best *b)
{
	size_t n = b->load->n_names;
	struct bound_item *items = calloc(n, sizeof *items);

	for (size_t i = 0; items && i < n; i++) {
		items[i].f = b->uses[i] ? b->uses[i] - 1.0 : 0;
		items[i].curve = b->curve[i];
	}
	return items;
}

static int best_static(struct best *b, struct sim_result *ret)
{
	double limit[N_TIERS], price[N_TIERS] = { 0 };
	struct bound_item *items = best_items(b);

	if (!items)
		return -ENOMEM;
	for (int t = 0; t < N_TIERS; t++)
		limit[t] = (double)b->setup->world.limit_bytes[t];

	double saved =
	    bound_solve(items, b->load->n_names, limit, 2 * BOUND_STEPS, price);
	ret->cost_s = (best_recompute(b) - saved) / (double)b->n_waits;
	for (size_t i = 0; i < b->load->n_names; i++)
		if (items[i].f > 0)
			best_add(b, (uint32_t)i, bound_choice(&items[i], price),
				 items[i].f, ret);
	free(items);
	return 0;
}

int sim_static(const struct sim_load *load, const struct sim_setup *setup,
	       struct sim_result *ret)
{
	struct best b = { .load = load, .setup = setup };

	*ret = (struct sim_result){ .name = "static",
				    .alpha = setup->world.alpha,
				    .quality = 1 };
	int r = best_prepare(&b);
	if (r == 0)
		r = best_waits(&b);
	if (r == 0 && b.n_waits)
		r = best_static(&b, ret);
	ret->n_counted = b.n_waits;
	best_done(&b);
	return r;
}
