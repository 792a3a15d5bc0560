/* simulate.c - the verb `simulate`: policies on a trace, without a mount */
#include "tools/simulate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/plan.h"
#include "policy/registry.h"
#include "tools/sim_best.h"
#include "tools/sim_options.h"
#include "tools/sim_replay.h"
#include "tools/sim_report.h"

enum { MAX_RUNS = 1024 };

/* A name that is a policy with somebody else's rates. */
struct preset {
	const char *name, *policy, *ladder;
};

static const struct preset PRESETS[] = {
	{ "lru-int4", "lru-refine2", "int4" },
	{ "gdsf-int4", "gdsf-refine2", "int4" },
	{ "s3fifo-int4", "s3fifo-refine2", "int4" },
	{ "lru-kivi2", "lru-refine1", "kivi2" },
	{ "gdsf-kivi2", "gdsf-refine1", "kivi2" },
	{ "s3fifo-kivi2", "s3fifo-refine1", "kivi2" },
	{ "adapt-window", "adapt", "window" },
	{ "bound", "adapt", "ours" },
	{ "static", "adapt", "ours" },
};

static void simulate_list(void)
{
	for (unsigned i = 0; policy_at(i); i++)
		printf("%-18s %s\n", policy_at(i)->name, policy_at(i)->about);
	for (size_t i = 0; i < sizeof PRESETS / sizeof *PRESETS; i++)
		printf("%-18s %s at the rates of %s\n", PRESETS[i].name,
		       PRESETS[i].policy, PRESETS[i].ladder);
}

/* What a name stands for, into setup. */
static int simulate_find(struct sim_setup *setup, char *name)
{
	const char *policy = name, *ladder = "ours";

	setup->name = name;
	for (size_t i = 0; i < sizeof PRESETS / sizeof *PRESETS; i++) {
		if (strcmp(PRESETS[i].name, name) == 0) {
			policy = PRESETS[i].policy;
			ladder = PRESETS[i].ladder;
		}
	}
	setup->policy = policy_find(policy);
	setup->ladder = sim_ladder_find(ladder);
	if (!setup->policy)
		return sim_options_fault("no such policy (see --policy list):",
					 name);
	return 0;
}

static int simulate_one(const struct sim_load *load, struct sim_setup setup,
			struct sim_result *ret)
{
	if (strcmp(setup.name, "bound") == 0)
		return sim_clairvoyant(load, &setup, ret);
	if (strcmp(setup.name, "static") == 0)
		return sim_static(load, &setup, ret);
	/* Only a plan estimates frequencies to be measured against. */
	setup.gap = setup.gap && setup.policy->start == plan_start;
	return sim_run(load, &setup, ret);
}

/* All policies at all alphas; names are cut out of `names`. */
static int simulate_all(const struct sim_options *o,
			const struct sim_load *load, char *names,
			struct sim_result *results, size_t *ret_n)
{
	char *rest = names;

	for (char *name; (name = strsep(&rest, ","));) {
		struct sim_setup setup = o->setup;

		if (simulate_find(&setup, name) < 0)
			return -EINVAL;
		for (unsigned i = 0; i < o->n_alphas; i++) {
			if (*ret_n == MAX_RUNS)
				return sim_options_fault("too many runs:",
							 name);
			setup.world.alpha = o->alpha[i];
			int r = simulate_one(load, setup, &results[*ret_n]);
			if (r < 0)
				return r;
			(*ret_n)++;
		}
	}
	return 0;
}

static int simulate_load(const struct sim_options *o, struct sim_load *l,
			 struct sim_recorded *recorded)
{
	bool zipf = strcmp(o->trace, "zipf") == 0;
	struct sim_zipf shape = {
		/* The paper's working set: three times the SSD. */
		.raw_bytes = 3 * (double)o->setup.world.limit_bytes[TIER_SSD],
		.n_requests = (size_t)o->n_requests,
		.arrivals_per_s = o->arrivals,
		.n_swaps = zipf ? 0 : 20,
		.seed = (uint64_t)o->seed,
	};

	if (!zipf && strcmp(o->trace, "zipf-drift") != 0) {
		int r = sim_load_record(l, o->trace, stderr, recorded);

		return r == -ENOMSG ? sim_load_trace(l, o->trace, stderr) : r;
	}
	if (o->n_requests < 100 || !(o->arrivals > 0))
		return sim_options_fault("too few requests or arrivals for",
					 o->trace);
	return sim_load_zipf(l, &shape);
}

static int simulate_output(const struct sim_options *o,
			   const struct sim_result *results, size_t n)
{
	if (o->json)
		sim_print_json(stdout, results, n);
	else
		sim_print_table(stdout, results, n);
	if (!o->plot)
		return 0;

	FILE *f = fopen(o->plot, "w");
	if (f)
		sim_print_plot(f, results, n);
	if (!f || fclose(f) != 0) {
		fprintf(stderr, "simulate: %s: %s\n", o->plot, strerror(errno));
		return -EIO;
	}
	return 0;
}

static int simulate_replay(const char *path)
{
	struct replay_counts counts = { 0 };
	int r = sim_replay(path, stderr, &counts);

	printf("%llu events, %llu answers the same\n",
	       (unsigned long long)counts.n_events,
	       (unsigned long long)counts.n_answers - (r == -EBADMSG));
	return r == 0 ? 0 : 1;
}

/* What was recorded holds where nothing is said. */
static int simulate_recorded(struct sim_options *o, struct sim_recorded *r,
			     int argc, char **argv)
{
	if (!*r->policy)
		return 0;
	*o = sim_options_default();
	o->setup.world = r->world;
	o->alpha[0] = r->world.alpha;
	o->policies = r->policy;
	return sim_options_parse(o, argc, argv);
}

static int simulate_runs(struct sim_options *o, struct sim_result *results,
			 int argc, char **argv)
{
	struct sim_recorded recorded = { 0 };
	struct sim_load load = { 0 };
	size_t n = 0;
	int r = simulate_load(o, &load, &recorded);

	if (r == 0)
		r = simulate_recorded(o, &recorded, argc, argv);
	char *names = r == 0 ? strdup(o->policies) : NULL;
	if (r == 0)
		r = names ? simulate_all(o, &load, names, results, &n)
			  : -ENOMEM;
	if (r == 0)
		r = simulate_output(o, results, n);
	sim_load_done(&load);
	free(names);
	return r;
}

int verb_simulate(int argc, char **argv)
{
	struct sim_options o = sim_options_default();

	if (argc == 3 && strcmp(argv[1], "--replay") == 0)
		return simulate_replay(argv[2]);
	if (sim_options_parse(&o, argc, argv) < 0)
		return 2;
	if (strcmp(o.policies, "list") == 0) {
		simulate_list();
		return 0;
	}

	struct sim_result *results = calloc(MAX_RUNS, sizeof *results);
	int r = results ? simulate_runs(&o, results, argc, argv) : -ENOMEM;
	if (r == -ENOMEM)
		fprintf(stderr, "simulate: out of memory\n");
	free(results);
	return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}
