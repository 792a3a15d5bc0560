/*
 * sim_best.h - what no policy can beat, and the best that never moves
 *
 * The clairvoyant bound knows every request: between two uses of an entry any
 * place may be rented at prices that change with time; the least dual value
 * over the prices bounds what is saved.  The static best knows only how often
 * each entry is used, and places it once.
 */
#pragma once

#include "tools/sim_run.h"

/* Both fill name, alpha, counts, delay_s, quality and cost_s, as means of the
 * prices' own choice; cost_s is the bound.  Return 0 or -ENOMEM. */
int sim_clairvoyant(const struct sim_load *load, const struct sim_setup *setup,
		    struct sim_result *ret);
int sim_static(const struct sim_load *load, const struct sim_setup *setup,
	       struct sim_result *ret);
