/*
 * heat.h - how often an entry is wanted, from how often it was and how long ago
 *
 * A table learned from the run itself: classes of entries by ages since the
 * last use.  Each cell counts hits and the seconds that entries of the class
 * spent at that age (exposure); what is expected is the rate of hits over the
 * next HEAT_HORIZON seconds.  Entries never used again are classed by the
 * burst of files that wrote them, the others by their decayed hits.
 *
 * Ages are seconds >= 0, rates are hits per second.  Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	HEAT_BINS = 28,   /* [0, 1) s, then half octaves, the last open */
	HEAT_BURSTS = 17, /* classes of entries used once */
	HEAT_COUNTS = 24, /* classes of entries used again, half octaves */
	HEAT_CLASSES = HEAT_BURSTS + HEAT_COUNTS,
};

struct heat {
	double hits[HEAT_CLASSES][HEAT_BINS];
	double exposure_s[HEAT_CLASSES][HEAT_BINS];
	float rate[HEAT_CLASSES][HEAT_BINS]; /* as of the last rebuild */
};

/* The table before anything was seen: hotter where used more often. */
void heat_init(struct heat *h);

/* Entries of the class grew from one age to another unused. */
void heat_expose(struct heat *h, uint8_t class, double from_s, double to_s);

/* One of the class was used at that age. */
void heat_hit(struct heat *h, uint8_t class, double age_s);

/* Lets what was counted fade to `keep` of itself, and rebuilds the rates. */
void heat_rebuild(struct heat *h, double keep);

/* Expected hits per second. */
double heat_rate(const struct heat *h, uint8_t class, double age_s);

/* Hits after one more, `age_s` after the last: half is gone in an hour. */
double heat_weight(double weight, double age_s);

/* The class of an entry used again, by its weight, >= 1. */
uint8_t heat_class(double weight);

/* The class of a new entry; arguments as in struct facts. */
uint8_t heat_burst_class(unsigned files, unsigned hits, bool tail);
