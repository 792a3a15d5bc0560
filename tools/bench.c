/* bench.c - the verb bench: codecs on files */
#include "tools/bench.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/refquant.h"
#include "tools/verbs.h"

#define BENCH_HEAD_MOST 65536

static const char USAGE[] =
    "usage: adaptcache bench codec FILE... [options]\n"
    "       adaptcache bench codec FILE --scheme NAME --write OUT [options]\n"
    "  --scheme NAME   a reference scheme, NAME[:X][+sinks]; list names them\n"
    "  --write OUT     FILE as a reader gets it back from the scheme\n"
    "  --head-dim N    channels of a head (the largest power of two up to 128\n"
    "                  that divides a row)\n"
    "  --runs N        repetitions (7)\n"
    "  --step S        base step of grid in rms deviations (1.08)\n"
    "  --json          results as JSON\n";

static const struct option LONG_OPTIONS[] = {
	{ "scheme", required_argument, NULL, 's' },
	{ "write", required_argument, NULL, 'w' },
	{ "head-dim", required_argument, NULL, 'd' },
	{ "runs", required_argument, NULL, 'r' },
	{ "step", required_argument, NULL, 'S' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

static int bench_usage(void)
{
	fputs(USAGE, stderr);
	return -EINVAL;
}

/* A number from least to most. */
static int bench_number(const char *text, double least, double most,
			double *ret)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !(v >= least && v <= most))
		return bench_usage();
	*ret = v;
	return 0;
}

/* NAME[:X][+sinks], or list. */
static int bench_scheme(struct bench_options *o, const char *name)
{
	struct ref_how how;

	o->scheme = name;
	if (!strcmp(name, "list") || ref_parse(name, &how) == 0)
		return 0;
	fprintf(stderr, "adaptcache: no scheme %s (see --scheme list)\n", name);
	return -EINVAL;
}

static int bench_option(struct bench_options *o, int c, const char *arg)
{
	double v = 0;
	int r = 0;

	switch (c) {
	case 's':
		return bench_scheme(o, arg);
	case 'w':
		o->out = arg;
		return 0;
	case 'd':
		r = bench_number(arg, 1, BENCH_HEAD_MOST, &v);
		o->head_dim = (uint32_t)v;
		return r;
	case 'r':
		r = bench_number(arg, 1, BENCH_RUNS_MOST, &v);
		o->runs = (unsigned)v;
		return r;
	case 'S':
		r = bench_number(arg, (double)SHAPE_STEP_MIN,
				 (double)SHAPE_STEP_MAX, &v);
		o->step = (float)v;
		return r;
	case 'j':
		o->json = true;
		return 0;
	default:
		return bench_usage();
	}
}

static int bench_parse(struct bench_options *o, int argc, char **argv)
{
	int c, r = 0;

	optind = 1;
	while (r == 0 &&
	       (c = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1)
		r = bench_option(o, c, optarg);
	if (r < 0)
		return r;
	o->files = argv + optind + 1;
	o->n_files = argc - optind - 1;
	if (o->n_files < 0 || strcmp(argv[optind], "codec") != 0)
		return bench_usage();
	return 0;
}

static void bench_list(void)
{
	const struct ref_scheme *s;

	for (unsigned i = 0; (s = ref_scheme_at(i)); i++)
		printf("%-10s %s\n", s->name, s->about);
}

int verb_bench(int argc, char **argv)
{
	struct bench_options o = { .runs = BENCH_RUNS };

	if (bench_parse(&o, argc, argv) < 0)
		return 2;
	if (o.scheme && !strcmp(o.scheme, "list")) {
		bench_list();
		return 0;
	}
	if (o.n_files < 1 || (o.out && (!o.scheme || o.n_files != 1))) {
		bench_usage();
		return 2;
	}
	return o.out ? bench_write(&o) : bench_run(&o);
}
