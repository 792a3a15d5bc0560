/* sim_zipf.c - contexts of three tasks, each task's by Zipf's law */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "tools/sim_load.h"

static const double ZIPF_POWER = 0.9;
static const double LEAST_TOKENS = 2048;
static const double MOST_TOKENS = 32768;
static const double ARRIVALS_PER_S = 1;

/* Of the contexts, those that swap popularity at each drift. */
static const double SWAP_SHARE = 0.2;

enum { ZIPF_TASKS = 3 };

/* Who holds each rank: rank r of task t is context rank[t + 3 r]. */
struct zipf {
	uint32_t *rank;
	double *sum; /* of the weights of ranks 0..r */
	size_t n_ranks;
};

static int zipf_contexts(struct sim_load *l, double raw_bytes, uint64_t *seed)
{
	double octaves = log2(MOST_TOKENS / LEAST_TOKENS), bytes = 0;

	while (bytes < raw_bytes || l->n_names % ZIPF_TASKS) {
		double tokens =
		    LEAST_TOKENS * exp2(octaves * sim_load_uniform(seed));
		struct sim_name name = sim_load_draw(
		    floor(tokens), (int)(l->n_names % ZIPF_TASKS), seed);

		if (sim_load_name(l, &name) < 0)
			return -ENOMEM;
		bytes += name.raw_bytes;
	}
	return 0;
}

static int zipf_ranks(struct zipf *z, size_t n_names)
{
	double sum = 0;

	z->n_ranks = n_names / ZIPF_TASKS;
	z->rank = calloc(n_names, sizeof *z->rank);
	z->sum = calloc(z->n_ranks, sizeof *z->sum);
	if (!z->rank || !z->sum)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_names; i++)
		z->rank[i] = i;
	for (size_t r = 0; r < z->n_ranks; r++) {
		sum += pow((double)(r + 1), -ZIPF_POWER);
		z->sum[r] = sum;
	}
	return 0;
}

/* A context of a random task, by the popularity of its rank. */
static uint32_t zipf_pick(const struct zipf *z, uint64_t *seed)
{
	size_t task = (size_t)sim_load_task(seed), low = 0;
	size_t high = z->n_ranks - 1;
	double at = sim_load_uniform(seed) * z->sum[high];

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (z->sum[mid] > at)
			high = mid;
		else
			low = mid + 1;
	}
	return z->rank[task + ZIPF_TASKS * low];
}

/* Pairs of contexts of one task, a fifth of all, change ranks. */
static void zipf_swap(struct zipf *z, uint64_t *seed)
{
	size_t n_ranks = z->n_ranks;
	size_t n = (size_t)(SWAP_SHARE * (double)(ZIPF_TASKS * n_ranks) / 2);

	while (n-- > 0) {
		size_t task = (size_t)sim_load_task(seed);
		size_t a = (size_t)((double)n_ranks * sim_load_uniform(seed));
		size_t b = (size_t)((double)n_ranks * sim_load_uniform(seed));
		uint32_t *x = &z->rank[task + ZIPF_TASKS * a];
		uint32_t *y = &z->rank[task + ZIPF_TASKS * b];
		uint32_t was = *x;

		*x = *y;
		*y = was;
	}
}

static int zipf_requests(struct sim_load *l, struct zipf *z, size_t n,
			 unsigned n_swaps, uint64_t *seed)
{
	double at_s = 0;

	for (size_t i = 0; i < n; i++) {
		at_s -= log(1 - sim_load_uniform(seed)) / ARRIVALS_PER_S;
		if (n_swaps && i && i % (n / (n_swaps + 1)) == 0)
			zipf_swap(z, seed);
		if (sim_load_ref(l, zipf_pick(z, seed)) < 0 ||
		    sim_load_request(l, at_s, 1, false) < 0)
			return -ENOMEM;
	}
	return 0;
}

int sim_load_zipf(struct sim_load *l, double raw_bytes, size_t n_requests,
		  unsigned n_swaps, uint64_t seed)
{
	struct zipf z = { 0 };
	int r = zipf_contexts(l, raw_bytes, &seed);

	if (r == 0)
		r = zipf_ranks(&z, l->n_names);
	if (r == 0)
		r = zipf_requests(l, &z, n_requests, n_swaps, &seed);
	free(z.rank);
	free(z.sum);
	return r;
}
