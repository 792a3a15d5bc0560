/* simulate.c - the verb `simulate`: policies on a trace, without a mount */
#include "tools/simulate.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/plan.h"
#include "policy/registry.h"
#include "tools/sim_best.h"
#include "tools/sim_replay.h"
#include "tools/sim_report.h"

static const char USAGE[] =
    "usage: simulate TRACE|zipf|zipf-drift [options]\n"
    "       simulate --replay RECORD   (every decision taken again?)\n"
    "  --memory SIZE        DRAM tier (100G); K M G T are powers of 1000,\n"
    "                       Ki Mi Gi Ti of 1024\n"
    "  --size SIZE          SSD tier (400G)\n"
    "  --policy NAME,...    policies (adapt); 'list' names them all\n"
    "  --alpha S,...        seconds a whole unit of quality is worth (1)\n"
    "  --sweep              alpha from 0.001 to 100\n"
    "  --ram-rate, --ssd-rate, --decode SIZE   bytes/s (20G, 1G, 24G)\n"
    "  --write-budget SIZE  bytes/s the SSD may take (0: any)\n"
    "  --knows WHAT         sensitivity the policy is told: entry, task, mean\n"
    "  --hints SHARE        of the dead entries, announced as such (0)\n"
    "  --no-ghosts          dropped names are forgotten\n"
    "  --gap                measure the distance to the LP bound\n"
    "  --requests N, --arrivals RATE, --seed N   of zipf workloads\n"
    "                       (20000, 1 a second, 1)\n"
    "  --json               results as JSON\n"
    "  --plot FILE          delay against quality, as SVG\n";

enum { MAX_RUNS = 1024, MAX_ALPHAS = 64 };

struct options {
	const char *trace;
	const char *policies;
	const char *plot;
	double alpha[MAX_ALPHAS];
	unsigned n_alphas;
	struct sim_setup setup; /* what all runs share */
	double n_requests, seed, arrivals;
	bool json;
};

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
	{ "bound", "adapt", "ours" },
	{ "static", "adapt", "ours" },
};

static const double SWEEP[] = {
	0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5,
	0.75,  1,     1.5,  2,    3,    5,    7.5,   10,  20,   30,  50,  100,
};

static int simulate_fault(const char *what, const char *value)
{
	fprintf(stderr, "simulate: %s '%s'\n", what, value);
	return -EINVAL;
}

/* A number of bytes with a unit. */
static int simulate_size(const char *text, double *ret)
{
	static const char UNITS[] = "KMGT";
	char *end;
	double v = strtod(text, &end);
	const char *unit = *end ? strchr(UNITS, *end) : NULL;
	double step = unit && end[1] == 'i' ? 1024 : 1000;

	if (end == text || !isfinite(v) || v < 0 || (*end && !unit))
		return simulate_fault("not a size:", text);
	for (const char *u = UNITS; unit && u <= unit; u++)
		v *= step;
	if (unit && end[step > 1000 ? 2 : 1])
		return simulate_fault("not a size:", text);
	*ret = v;
	return 0;
}

static int simulate_number(const char *text, double most, double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= 0 && v <= most))
		return simulate_fault("number out of range:", text);
	*ret = v;
	return 0;
}

static int simulate_alphas(struct options *o, const char *text)
{
	o->n_alphas = 0;
	for (const char *s = text; *s;) {
		char *end;
		double v = strtod(s, &end);

		if (end == s || (*end && *end != ',') || !(v >= 0) ||
		    o->n_alphas == MAX_ALPHAS)
			return simulate_fault("bad alpha:", text);
		o->alpha[o->n_alphas++] = v;
		s = *end ? end + 1 : end;
	}
	return o->n_alphas ? 0 : simulate_fault("bad alpha:", text);
}

static int simulate_knows(struct options *o, const char *text)
{
	static const char *const NAMES[] = { "entry", "task", "mean" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, NAMES[i]) == 0) {
			o->setup.knows = (enum sim_knows)i;
			return 0;
		}
	}
	return simulate_fault("--knows takes entry, task or mean, not", text);
}

static int simulate_tier(struct options *o, int tier, const char *text)
{
	double bytes;
	int r = simulate_size(text, &bytes);

	if (r == 0)
		o->setup.world.limit_bytes[tier] = (uint64_t)bytes;
	return r;
}

static int simulate_decode(struct options *o, const char *text)
{
	double rate;
	int r = simulate_size(text, &rate);

	for (int k = 0; r == 0 && k < N_RUNGS; k++)
		o->setup.world.decode_bytes_per_s[k] = rate;
	return r;
}

static int simulate_flag(struct options *o, int c)
{
	if (c == 'w') {
		o->n_alphas = sizeof SWEEP / sizeof *SWEEP;
		memcpy(o->alpha, SWEEP, sizeof SWEEP);
	} else if (c == 'G') {
		o->setup.ghosts = false;
	} else if (c == 'g') {
		o->setup.gap = true;
	} else if (c == 'j') {
		o->json = true;
	} else {
		fputs(USAGE, stderr);
		return -EINVAL;
	}
	return 0;
}

static int simulate_option(struct options *o, int c, const char *arg)
{
	struct world *w = &o->setup.world;

	switch (c) {
	case 'm':
		return simulate_tier(o, TIER_RAM, arg);
	case 's':
		return simulate_tier(o, TIER_SSD, arg);
	case 'p':
		o->policies = arg;
		return 0;
	case 'P':
		o->plot = arg;
		return 0;
	case 'a':
		return simulate_alphas(o, arg);
	case 'r':
		return simulate_size(arg, &w->bytes_per_s[TIER_RAM]);
	case 'S':
		return simulate_size(arg, &w->bytes_per_s[TIER_SSD]);
	case 'd':
		return simulate_decode(o, arg);
	case 'b':
		return simulate_size(arg, &w->ssd_write_bytes_per_s);
	case 'k':
		return simulate_knows(o, arg);
	case 'h':
		return simulate_number(arg, 1, &o->setup.hint_share);
	case 'n':
		return simulate_number(arg, 1e9, &o->n_requests);
	case 'A':
		return simulate_number(arg, 1e9, &o->arrivals);
	case 'e':
		return simulate_number(arg, 1e15, &o->seed);
	default:
		return simulate_flag(o, c);
	}
}

static const struct option LONG_OPTIONS[] = {
	{ "memory", required_argument, NULL, 'm' },
	{ "size", required_argument, NULL, 's' },
	{ "policy", required_argument, NULL, 'p' },
	{ "alpha", required_argument, NULL, 'a' },
	{ "sweep", no_argument, NULL, 'w' },
	{ "ram-rate", required_argument, NULL, 'r' },
	{ "ssd-rate", required_argument, NULL, 'S' },
	{ "decode", required_argument, NULL, 'd' },
	{ "write-budget", required_argument, NULL, 'b' },
	{ "knows", required_argument, NULL, 'k' },
	{ "hints", required_argument, NULL, 'h' },
	{ "no-ghosts", no_argument, NULL, 'G' },
	{ "gap", no_argument, NULL, 'g' },
	{ "requests", required_argument, NULL, 'n' },
	{ "arrivals", required_argument, NULL, 'A' },
	{ "seed", required_argument, NULL, 'e' },
	{ "json", no_argument, NULL, 'j' },
	{ "plot", required_argument, NULL, 'P' },
	{ 0 },
};

static int simulate_parse(struct options *o, int argc, char **argv)
{
	static const uint64_t none[N_TIERS] = { 0 };
	int c, r = 0;

	optind = 1;
	while (r == 0 &&
	       (c = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1)
		r = simulate_option(o, c, optarg);
	if (r < 0)
		return r;
	if (optind + 1 != argc) {
		fputs(USAGE, stderr);
		return -EINVAL;
	}
	o->trace = argv[optind];

	const char *fault = world_fault(&o->setup.world, none);
	if (fault)
		return simulate_fault("bad settings:", fault);
	return 0;
}

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
		return simulate_fault("no such policy (see --policy list):",
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
static int simulate_all(const struct options *o, const struct sim_load *load,
			char *names, struct sim_result *results, size_t *ret_n)
{
	char *rest = names;

	for (char *name; (name = strsep(&rest, ","));) {
		struct sim_setup setup = o->setup;

		if (simulate_find(&setup, name) < 0)
			return -EINVAL;
		for (unsigned i = 0; i < o->n_alphas; i++) {
			if (*ret_n == MAX_RUNS)
				return simulate_fault("too many runs:", name);
			setup.world.alpha = o->alpha[i];
			int r = simulate_one(load, setup, &results[*ret_n]);
			if (r < 0)
				return r;
			(*ret_n)++;
		}
	}
	return 0;
}

static int simulate_load(const struct options *o, struct sim_load *l)
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

	if (!zipf && strcmp(o->trace, "zipf-drift") != 0)
		return sim_load_trace(l, o->trace, stderr);
	if (o->n_requests < 100 || !(o->arrivals > 0))
		return simulate_fault("too few requests or arrivals for",
				      o->trace);
	return sim_load_zipf(l, &shape);
}

static int simulate_output(const struct options *o,
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

int verb_simulate(int argc, char **argv)
{
	struct options o = {
		.policies = "adapt",
		.alpha = { 1 },
		.n_alphas = 1,
		.setup = { .world = world_default(100000000000, 400000000000),
			   .ghosts = true },
		.n_requests = 20000,
		.seed = 1,
		.arrivals = 1,
	};
	struct sim_load load = { 0 };
	size_t n = 0;

	if (argc == 3 && strcmp(argv[1], "--replay") == 0)
		return simulate_replay(argv[2]);
	if (simulate_parse(&o, argc, argv) < 0)
		return 2;
	if (strcmp(o.policies, "list") == 0) {
		simulate_list();
		return 0;
	}

	struct sim_result *results = calloc(MAX_RUNS, sizeof *results);
	char *names = strdup(o.policies);
	int r = results && names ? simulate_load(&o, &load) : -ENOMEM;
	if (r == 0)
		r = simulate_all(&o, &load, names, results, &n);
	if (r == 0)
		r = simulate_output(&o, results, n);
	if (r == -ENOMEM)
		fprintf(stderr, "simulate: out of memory\n");
	sim_load_done(&load);
	free(names);
	free(results);
	return r == 0 ? 0 : r == -EINVAL ? 2 : 1;
}
