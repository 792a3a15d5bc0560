/* sim_options.c - the command line of `simulate` */
#include "tools/sim_options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: simulate TRACE|RECORD|zipf|zipf-drift [options]\n"
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

static const double SWEEP[] = {
	0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5,
	0.75,  1,     1.5,  2,    3,    5,    7.5,   10,  20,   30,  50,  100,
};

struct sim_options sim_options_default(void)
{
	return (struct sim_options){
		.policies = "adapt",
		.alpha = { 1 },
		.n_alphas = 1,
		.setup = { .world = world_default(100000000000, 400000000000),
			   .ghosts = true },
		.n_requests = 20000,
		.seed = 1,
		.arrivals = 1,
	};
}

int sim_options_fault(const char *what, const char *value)
{
	fprintf(stderr, "simulate: %s '%s'\n", what, value);
	return -EINVAL;
}

/* A number of bytes with a unit. */
static int sim_options_size(const char *text, double *ret)
{
	static const char UNITS[] = "KMGT";
	char *end;
	double v = strtod(text, &end);
	const char *unit = *end ? strchr(UNITS, *end) : NULL;
	double step = unit && end[1] == 'i' ? 1024 : 1000;

	if (end == text || !isfinite(v) || v < 0 || (*end && !unit))
		return sim_options_fault("not a size:", text);
	for (const char *u = UNITS; unit && u <= unit; u++)
		v *= step;
	if (unit && end[step > 1000 ? 2 : 1])
		return sim_options_fault("not a size:", text);
	*ret = v;
	return 0;
}

static int sim_options_number(const char *text, double most, double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= 0 && v <= most))
		return sim_options_fault("number out of range:", text);
	*ret = v;
	return 0;
}

static int sim_options_alphas(struct sim_options *o, const char *text)
{
	o->n_alphas = 0;
	for (const char *s = text; *s;) {
		char *end;
		double v = strtod(s, &end);

		if (end == s || (*end && *end != ',') || !(v >= 0) ||
		    o->n_alphas == SIM_ALPHAS)
			return sim_options_fault("bad alpha:", text);
		o->alpha[o->n_alphas++] = v;
		s = *end ? end + 1 : end;
	}
	return o->n_alphas ? 0 : sim_options_fault("bad alpha:", text);
}

static int sim_options_knows(struct sim_options *o, const char *text)
{
	static const char *const NAMES[] = { "entry", "task", "mean" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(text, NAMES[i]) == 0) {
			o->setup.knows = (enum sim_knows)i;
			return 0;
		}
	}
	return sim_options_fault("--knows takes entry, task or mean, not",
				 text);
}

static int sim_options_tier(struct sim_options *o, int tier, const char *text)
{
	double bytes;
	int r = sim_options_size(text, &bytes);

	if (r == 0)
		o->setup.world.limit_bytes[tier] = (uint64_t)bytes;
	return r;
}

static int sim_options_decode(struct sim_options *o, const char *text)
{
	double rate;
	int r = sim_options_size(text, &rate);

	for (int k = 0; r == 0 && k < N_RUNGS; k++)
		o->setup.world.decode_bytes_per_s[k] = rate;
	return r;
}

static int sim_options_flag(struct sim_options *o, int c)
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

static int sim_options_one(struct sim_options *o, int c, const char *arg)
{
	struct world *w = &o->setup.world;

	switch (c) {
	case 'm':
		return sim_options_tier(o, TIER_RAM, arg);
	case 's':
		return sim_options_tier(o, TIER_SSD, arg);
	case 'p':
		o->policies = arg;
		return 0;
	case 'P':
		o->plot = arg;
		return 0;
	case 'a':
		return sim_options_alphas(o, arg);
	case 'r':
		return sim_options_size(arg, &w->bytes_per_s[TIER_RAM]);
	case 'S':
		return sim_options_size(arg, &w->bytes_per_s[TIER_SSD]);
	case 'd':
		return sim_options_decode(o, arg);
	case 'b':
		return sim_options_size(arg, &w->ssd_write_bytes_per_s);
	case 'k':
		return sim_options_knows(o, arg);
	case 'h':
		return sim_options_number(arg, 1, &o->setup.hint_share);
	case 'n':
		return sim_options_number(arg, 1e9, &o->n_requests);
	case 'A':
		return sim_options_number(arg, 1e9, &o->arrivals);
	case 'e':
		return sim_options_number(arg, 1e15, &o->seed);
	default:
		return sim_options_flag(o, c);
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

int sim_options_parse(struct sim_options *o, int argc, char **argv)
{
	static const uint64_t none[N_TIERS] = { 0 };
	int c, r = 0;

	optind = 1;
	while (r == 0 &&
	       (c = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1)
		r = sim_options_one(o, c, optarg);
	if (r < 0)
		return r;
	if (optind + 1 != argc) {
		fputs(USAGE, stderr);
		return -EINVAL;
	}
	o->trace = argv[optind];

	const char *fault = world_fault(&o->setup.world, none);
	if (fault)
		return sim_options_fault("bad settings:", fault);
	return 0;
}
