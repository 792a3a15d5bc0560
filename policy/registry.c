/* registry.c - every policy there is, one row each */
#include "policy/registry.h"

#include <string.h>

#include "policy/baseline.h"
#include "policy/lru.h"
#include "policy/plan.h"

static const struct policy POLICIES[] = {
	{ "adapt", "rate and device of each entry by price", 0, PLAN_CALLS },
	{ "lru",
	  "least recently used, bit-exact, plain copies while there is room", 0,
	  LRU_CALLS },
	{ "lru-raw", "least recently used, no compression",
	  BASELINE_LRU | N_RUNGS, BASELINE_CALLS },
	{ "lru-exact", "least recently used, bit-exact", BASELINE_LRU | 5,
	  BASELINE_CALLS },
	{ "lru-refine2", "least recently used, rung 4", BASELINE_LRU | 4,
	  BASELINE_CALLS },
	{ "lru-refine1", "least recently used, rung 3", BASELINE_LRU | 3,
	  BASELINE_CALLS },
	{ "lru-base", "least recently used, rung 2", BASELINE_LRU | 2,
	  BASELINE_CALLS },
	{ "lru-low", "least recently used, rung 0", BASELINE_LRU | 0,
	  BASELINE_CALLS },
	{ "gdsf-raw", "greedy dual size frequency, no compression",
	  BASELINE_GDSF | N_RUNGS, BASELINE_CALLS },
	{ "gdsf-exact", "greedy dual size frequency, bit-exact",
	  BASELINE_GDSF | 5, BASELINE_CALLS },
	{ "gdsf-refine2", "greedy dual size frequency, rung 4",
	  BASELINE_GDSF | 4, BASELINE_CALLS },
	{ "gdsf-refine1", "greedy dual size frequency, rung 3",
	  BASELINE_GDSF | 3, BASELINE_CALLS },
	{ "gdsf-base", "greedy dual size frequency, rung 2", BASELINE_GDSF | 2,
	  BASELINE_CALLS },
	{ "s3fifo-raw", "S3-FIFO, no compression", BASELINE_S3FIFO | N_RUNGS,
	  BASELINE_CALLS },
	{ "s3fifo-exact", "S3-FIFO, bit-exact", BASELINE_S3FIFO | 5,
	  BASELINE_CALLS },
	{ "s3fifo-refine2", "S3-FIFO, rung 4", BASELINE_S3FIFO | 4,
	  BASELINE_CALLS },
	{ "s3fifo-refine1", "S3-FIFO, rung 3", BASELINE_S3FIFO | 3,
	  BASELINE_CALLS },
	{ "s3fifo-base", "S3-FIFO, rung 2", BASELINE_S3FIFO | 2,
	  BASELINE_CALLS },
	{ "adapt-count", "adapt with hits that never fade", PLAN_COUNT,
	  PLAN_CALLS },
	{ "adapt-half60", "adapt with hits that fade in 60 s", PLAN_HALF_60,
	  PLAN_CALLS },
	{ "adapt-half600", "adapt with hits that fade in 600 s", PLAN_HALF_600,
	  PLAN_CALLS },
	{ "adapt-half3600", "adapt with hits that fade in 3600 s",
	  PLAN_HALF_3600, PLAN_CALLS },
	{ "adapt-no-bursts", "adapt with new entries all alike", PLAN_NO_BURSTS,
	  PLAN_CALLS },
	{ "adapt-recency", "adapt with DRAM holds what was used last",
	  PLAN_RECENCY, PLAN_CALLS },
	{ "adapt-whole", "adapt with new entries enter DRAM whole", PLAN_WHOLE,
	  PLAN_CALLS },
	{ "adapt-no-spares",
	  "adapt with no copies on the SSD of what DRAM holds", PLAN_NO_SPARES,
	  PLAN_CALLS },
	{ "adapt-no-keep", "adapt with layers nobody reads are worth nothing",
	  PLAN_NO_KEEP, PLAN_CALLS },
	{ "adapt-stop-only", "adapt with a write budget without a price",
	  PLAN_STOP_ONLY, PLAN_CALLS },
	{ "adapt-hit-cuts", "adapt with a hit may truncate", PLAN_HIT_CUTS,
	  PLAN_CALLS },
	{ "adapt-no-split", "adapt with all layers of an entry on one device",
	  CURVE_NO_SPLIT, PLAN_CALLS },
	{ "adapt-no-plain", "adapt with no plain copies", CURVE_NO_PLAIN,
	  PLAN_CALLS },
	{ "adapt-no-decode", "adapt with decoding is taken to cost nothing",
	  CURVE_NO_DECODE, PLAN_CALLS },
	{ "adapt-two-rungs", "adapt with only rungs 3 and 5", CURVE_TWO_RUNGS,
	  PLAN_CALLS },
	{ "adapt-three-rungs", "adapt with only rungs 2, 4 and 5",
	  CURVE_THREE_RUNGS, PLAN_CALLS },
	{ "adapt-one-rung", "adapt with only rung 4", CURVE_ONE_RUNG,
	  PLAN_CALLS },
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
