/* sim_load.c - a workload in memory, and what is drawn by lot in it */
#include "tools/sim_load.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Spread of the sensitivities within a task: standard deviation / mean. */
static const double SPREAD = 0.25;

static const float TASKS[] = { 0.5f, 1.5f, 4 };

enum { N_TASKS = sizeof TASKS / sizeof *TASKS };

/* Room for one more of `size` bytes in an array. */
static int sim_load_grow(void *array, size_t n, size_t *cap, size_t size)
{
	void **p = array;

	if (n < *cap)
		return 0;

	size_t want = *cap ? 2 * *cap : 1024;
	void *grown = realloc(*p, want * size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	*cap = want;
	return 0;
}

int sim_load_name(struct sim_load *l, const struct sim_name *name)
{
	if (sim_load_grow(&l->names, l->n_names, &l->names_cap,
			  sizeof *l->names) < 0)
		return -ENOMEM;
	l->names[l->n_names++] = *name;
	return 0;
}

int sim_load_ref(struct sim_load *l, uint32_t name)
{
	if (sim_load_grow(&l->refs, l->n_refs, &l->refs_cap, sizeof *l->refs) <
	    0)
		return -ENOMEM;
	l->refs[l->n_refs++] = name;
	return 0;
}

int sim_load_request(struct sim_load *l, double at_s, uint32_t n, bool tail)
{
	if (sim_load_grow(&l->requests, l->n_requests, &l->requests_cap,
			  sizeof *l->requests) < 0)
		return -ENOMEM;
	l->requests[l->n_requests++] = (struct sim_request){
		.at_s = at_s,
		.first = l->n_refs - n,
		.n = n,
		.tail = tail,
	};
	return 0;
}

void sim_load_done(struct sim_load *l)
{
	free(l->names);
	free(l->requests);
	free(l->refs);
	free(l->facts);
	*l = (struct sim_load){ 0 };
}

/* splitmix64: the same numbers everywhere. */
double sim_load_uniform(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return (double)(z >> 11) * 0x1p-53;
}

int sim_load_task(uint64_t *seed)
{
	return (int)(N_TASKS * sim_load_uniform(seed));
}

static double sim_load_normal(uint64_t *seed)
{
	double u = sim_load_uniform(seed), v = sim_load_uniform(seed);

	return sqrt(-2 * log(1 - u)) * cos(2 * M_PI * v);
}

struct sim_name sim_load_draw(double tokens, int task, uint64_t *seed)
{
	double sigma = sqrt(log(1 + SPREAD * SPREAD));
	double spread = exp(sigma * sim_load_normal(seed) - sigma * sigma / 2);

	return (struct sim_name){
		.raw_bytes = tokens * SIM_BYTES_PER_TOKEN,
		.recompute_s = tokens * SIM_RECOMPUTE_S_A_TOKEN,
		.sensitivity = TASKS[task] * (float)spread,
		.task = TASKS[task],
	};
}
