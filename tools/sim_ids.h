/*
 * sim_ids.h - numbers for the ids of a trace, in the order they are met
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Begins zeroed. */
struct sim_ids {
	uint64_t *id;
	uint32_t *number; /* + 1; 0: free */
	size_t n, cap;    /* cap is a power of 2 */
};

/* The id's number, from 0 up; n is the next.  Returns 0 or -ENOMEM. */
int sim_ids_number(struct sim_ids *t, uint64_t id, uint32_t *ret);
void sim_ids_done(struct sim_ids *t);
