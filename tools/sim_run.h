/*
 * sim_run.h - one policy on one workload, and what came of it
 *
 * Two tiers, no queueing: a reference costs the load of its entry, or its
 * recomputation where it is not held, lies behind a missing one in its chain,
 * or loads slower than it is recomputed.  Only references to names seen
 * before count.  Same workload and setup, same result.
 */
#pragma once

#include "policy/policy.h"
#include "tools/sim_load.h"

/* The rates entries come in, and the damage each does. */
struct sim_ladder {
	const char *name;
	double bits[N_RUNGS]; /* a value; 16 is plain */
	double kld[N_RUNGS];
};

/* What the policy is told of an entry's sensitivity. */
enum sim_knows { KNOWS_ENTRY, KNOWS_TASK, KNOWS_MEAN };

struct sim_setup {
	const char *name; /* as results show it */
	const struct policy *policy;
	const struct sim_ladder *ladder;
	struct world world;
	enum sim_knows knows;
	double hint_share; /* of last uses, announced as such: 0 to 1 */
	bool ghosts;       /* room for as many dropped names as there are */
	bool gap;          /* measure the distance to the LP bound */
};

struct sim_result {
	const char *name;
	double alpha;
	uint64_t n_counted;          /* references to names seen before */
	double ram_share, ssd_share; /* loaded from there; ssd: in part */
	double slow_share;           /* held, but quicker to recompute */
	double miss_share;
	double delay_s, p50_s, p99_s; /* of a counted reference */
	double quality;
	double cost_s; /* delay + alpha * (1 - quality), mean */
	double ssd_written_bytes, ssd_read_bytes;
	double most_written_bytes; /* in any 600 s */
	double span_s;
	uint64_t n_decisions;
	double cpu_s;
	double reached_mean, reached_least; /* value / LP bound; 0: not asked */
};

/* The built-in ladder of that name, or NULL: "ours", "window" (where
 * half of the tokens may go), "int4", "kivi2". */
const struct sim_ladder *sim_ladder_find(const char *name);

/* What a setup says of an entry. */
struct facts sim_facts(const struct sim_setup *setup,
		       const struct sim_name *name, uint64_t number);

/* Runs it.  Returns 0 or -ENOMEM. */
int sim_run(const struct sim_load *load, const struct sim_setup *setup,
	    struct sim_result *ret);
