/*
 * meter.h - how fast this machine fetches and decodes, measured as it does
 *
 * Bytes over the time in which at least one thread was at it, so that what
 * threads do side by side adds up.  What lies long back fades.  Of the whole
 * process; thread-safe.
 */
#pragma once

#include <stdint.h>

#include "policy/world.h"

enum meter {
	METER_FETCH,  /* stored bytes, from the backing */
	METER_DECODE, /* logical bytes, of N_RUNGS rates: METER_DECODE + rung */
	/* Logical bytes, read packed from DRAM, until they are replied. */
	METER_SERVE = METER_DECODE + N_RUNGS,
	N_METERS = METER_SERVE + N_RUNGS,
};

void meter_begin(unsigned meter);
void meter_end(unsigned meter, uint64_t bytes);

/* Bytes per second, or 0 as long as too little was seen to tell. */
double meter_rate(unsigned meter);

/*
 * Puts what is known into the world; the rest stays as it is.  What a packed
 * entry costs above a plain one is to decode it and to reply: the latter goes
 * into the rates of decoding.
 */
void meter_world(struct world *w);
