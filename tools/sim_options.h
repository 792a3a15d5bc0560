/*
 * sim_options.h - the command line of `simulate`
 *
 * Strings point into argv.
 */
#pragma once

#include "tools/sim_run.h"

enum { SIM_ALPHAS = 64 };

struct sim_options {
	const char *trace;
	const char *policies;
	const char *plot;
	double alpha[SIM_ALPHAS];
	unsigned n_alphas;
	struct sim_setup setup; /* what all runs share */
	double n_requests, seed, arrivals;
	bool json;
};

/* What holds where nothing is said. */
struct sim_options sim_options_default(void);

/* Reads argv into *o.  Returns 0, or -EINVAL with the reason on stderr. */
int sim_options_parse(struct sim_options *o, int argc, char **argv);

/* Says what is wrong with a value on stderr.  Returns -EINVAL. */
int sim_options_fault(const char *what, const char *value);
