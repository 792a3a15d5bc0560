/* registry.c - every policy there is, one row each */
#include "policy/registry.h"

#include <string.h>

#include "policy/baseline.h"

static const struct policy POLICIES[] = {
	{ "lru-raw", "least recently used, no compression",
	  BASELINE_LRU | N_RUNGS, BASELINE_CALLS },
	{ "lru-exact", "least recently used, bit-exact", BASELINE_LRU | 4,
	  BASELINE_CALLS },
	{ "lru-refine2", "least recently used, rung 3", BASELINE_LRU | 3,
	  BASELINE_CALLS },
	{ "lru-refine1", "least recently used, rung 2", BASELINE_LRU | 2,
	  BASELINE_CALLS },
	{ "lru-base", "least recently used, rung 1", BASELINE_LRU | 1,
	  BASELINE_CALLS },
	{ "lru-low", "least recently used, rung 0", BASELINE_LRU | 0,
	  BASELINE_CALLS },
	{ "gdsf-raw", "greedy dual size frequency, no compression",
	  BASELINE_GDSF | N_RUNGS, BASELINE_CALLS },
	{ "gdsf-exact", "greedy dual size frequency, bit-exact",
	  BASELINE_GDSF | 4, BASELINE_CALLS },
	{ "gdsf-refine2", "greedy dual size frequency, rung 3",
	  BASELINE_GDSF | 3, BASELINE_CALLS },
	{ "gdsf-refine1", "greedy dual size frequency, rung 2",
	  BASELINE_GDSF | 2, BASELINE_CALLS },
	{ "gdsf-base", "greedy dual size frequency, rung 1", BASELINE_GDSF | 1,
	  BASELINE_CALLS },
	{ "s3fifo-raw", "S3-FIFO, no compression", BASELINE_S3FIFO | N_RUNGS,
	  BASELINE_CALLS },
	{ "s3fifo-exact", "S3-FIFO, bit-exact", BASELINE_S3FIFO | 4,
	  BASELINE_CALLS },
	{ "s3fifo-refine2", "S3-FIFO, rung 3", BASELINE_S3FIFO | 3,
	  BASELINE_CALLS },
	{ "s3fifo-refine1", "S3-FIFO, rung 2", BASELINE_S3FIFO | 2,
	  BASELINE_CALLS },
	{ "s3fifo-base", "S3-FIFO, rung 1", BASELINE_S3FIFO | 1,
	  BASELINE_CALLS },
};

enum { N_POLICIES = sizeof POLICIES / sizeof *POLICIES };

const struct policy *policy_at(unsigned i)
{
	return i < N_POLICIES ? &POLICIES[i] : NULL;
}

const struct policy *policy_find(const char *name)
{
	for (unsigned i = 0; i < N_POLICIES; i++)
		if (strcmp(POLICIES[i].name, name) == 0)
			return &POLICIES[i];
	return NULL;
}
