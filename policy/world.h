/*
 * world.h - what a policy is told about the machine it decides for
 *
 * Measured by whoever runs the policy (the mount at run time, the simulator
 * from its options); a policy never looks at a device itself.  Thread-safe:
 * nothing here keeps state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum tier {
	TIER_RAM = 0,
	TIER_SSD = 1,
	N_TIERS = 2,
};

/*
 * Rungs are the rates an entry can be read at, coarsest first.  Rung k needs
 * layers 0 to k of the entry's container, so N_RUNGS layers are bit-exact.  A
 * rung whose layer has no bytes is none of its own, but for the last.
 */
enum { N_RUNGS = 6 };

struct world {
	uint64_t limit_bytes[N_TIERS];      /* what a policy may fill, >= 1 */
	double bytes_per_s[N_TIERS];        /* of one load, > 0 */
	double latency_s[N_TIERS];          /* before the first byte, >= 0 */
	double decode_bytes_per_s[N_RUNGS]; /* logical bytes, > 0 */

	/*
	 * Seconds of delay that one whole unit of quality is worth (the
	 * paper's alpha), >= 0.  0: only delay counts.
	 */
	double alpha;

	/* What may be written to the SSD in the long run; 0: no budget. */
	double ssd_write_bytes_per_s;

	/*
	 * All that is held lies on the SSD, and DRAM has copies, so that a
	 * crash loses nothing.  False: a layer may lie in DRAM alone.
	 */
	bool inclusive;

	/*
	 * A read takes every layer that is held.  False: it may leave the
	 * finer ones alone where fewer make it cheaper.
	 */
	bool whole;
};

/*
 * What is wrong with these settings, as half a sentence for a message, or
 * NULL.  pinned_bytes is what may not be moved out of each tier.
 */
const char *world_fault(const struct world *w,
			const uint64_t pinned_bytes[N_TIERS]);

/* A machine to start from: 20 and 1 GB/s, decode 24 GB/s, alpha 1. */
struct world world_default(uint64_t ram_bytes, uint64_t ssd_bytes);
