/* bound.c - the LP bound by its dual, minimised with an ellipsoid */
#include "policy/bound.h"

#include <math.h>

/* An ellipse of prices that holds the best ones: centre and 2x2 matrix. */
struct ellipse {
	double at[N_TIERS];
	double shape[N_TIERS][N_TIERS];
};

/* The first ellipse reaches this many times the guess in each direction. */
static const double REACH = 8;

/* Best option of one item at these prices. */
static unsigned bound_best(const struct bound_item *item,
			   const double price[N_TIERS], double *ret_net)
{
	const struct curve *c = &item->curve;
	unsigned best = OPT_ABSENT;
	double most = 0;

	for (unsigned o = 0; o < N_OPTIONS; o++) {
		double net = item->f * (double)c->value_s[o] -
			     price[0] * (double)c->bytes[o][0] -
			     price[1] * (double)c->bytes[o][1];

		if (net > most && c->offered >> o & 1) {
			most = net;
			best = o;
		}
	}
	*ret_net = most;
	return best;
}

unsigned bound_choice(const struct bound_item *item,
		      const double price[N_TIERS])
{
	double net;

	return bound_best(item, price, &net);
}

/* The dual and its slope at these prices. */
static double bound_dual(const struct bound_item *items, size_t n,
			 const double limit_bytes[N_TIERS],
			 const double price[N_TIERS], double slope[N_TIERS])
{
	double sum = 0, used[N_TIERS] = { 0 };

	for (size_t i = 0; i < n; i++) {
		double net;
		unsigned o = bound_best(&items[i], price, &net);

		sum += net;
		for (int t = 0; t < N_TIERS; t++)
			used[t] += (double)items[i].curve.bytes[o][t];
	}
	for (int t = 0; t < N_TIERS; t++) {
		sum += price[t] * limit_bytes[t];
		slope[t] = limit_bytes[t] - used[t];
	}
	return sum;
}

/* Cuts away the half in which g rises: the least ellipse round the rest. */
static bool bound_cut(struct ellipse *e, const double g[N_TIERS])
{
	double s[N_TIERS], norm = 0;

	for (int i = 0; i < N_TIERS; i++) {
		s[i] = e->shape[i][0] * g[0] + e->shape[i][1] * g[1];
		norm += g[i] * s[i];
	}
	if (!(norm > 0))
		return false;
	norm = sqrt(norm);
	for (int i = 0; i < N_TIERS; i++)
		e->at[i] -= s[i] / norm / (N_TIERS + 1);
	for (int i = 0; i < N_TIERS; i++)
		for (int j = 0; j < N_TIERS; j++) {
			double old = e->shape[i][j];
			double along = s[i] * s[j] / (norm * norm);

			e->shape[i][j] = N_TIERS * N_TIERS /
					 (double)(N_TIERS * N_TIERS - 1) *
					 (old - 2.0 / (N_TIERS + 1) * along);
		}
	return true;
}

/* A price that the mean byte earns, where the caller knows none. */
static double bound_guess(const struct bound_item *items, size_t n,
			  double limit_bytes)
{
	double most = 0;

	for (size_t i = 0; i < n; i++) {
		double best = 0;

		for (unsigned o = 0; o < N_OPTIONS; o++)
			if ((double)items[i].curve.value_s[o] > best)
				best = (double)items[i].curve.value_s[o];
		most += items[i].f * best;
	}
	return most / (limit_bytes + 1);
}

double bound_solve(const struct bound_item *items, size_t n,
		   const double limit_bytes[N_TIERS], unsigned steps,
		   double price[N_TIERS])
{
	struct ellipse e = { 0 };
	double best = INFINITY, slope[N_TIERS];

	for (int t = 0; t < N_TIERS; t++) {
		double guess = bound_guess(items, n, limit_bytes[t]);

		e.at[t] = price[t] > 0 ? price[t] : guess / 2;
		guess = price[t] > guess / REACH ? price[t] : guess / REACH;
		e.shape[t][t] = REACH * REACH * guess * guess;
	}
	for (unsigned i = 0; i < steps; i++) {
		/* Below 0 is outside: cut there, whatever the dual says. */
		int out = e.at[0] < 0 ? 0 : e.at[1] < 0 ? 1 : -1;

		if (out >= 0) {
			slope[out] = -1;
			slope[1 - out] = 0;
		} else {
			double d =
			    bound_dual(items, n, limit_bytes, e.at, slope);
			if (d < best) {
				best = d;
				price[0] = e.at[0];
				price[1] = e.at[1];
			}
		}
		if (!bound_cut(&e, slope))
			break;
	}
	return best;
}
