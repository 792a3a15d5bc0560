/*
 * ghost.h - the names of dropped entries, and how wanted they were
 *
 * A fixed table of sets of GHOST_WAYS; in a full set the longest unused name
 * makes room.  Only ghosts_init() allocates.  Not thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { GHOST_WAYS = 8 };

struct ghost {
	uint64_t name; /* 0: free; a name of 0 is kept as 1 */
	float weight;  /* as in struct policy_entry, as are the rest */
	uint32_t last;
	uint32_t accounted;
	uint8_t class;
};

struct ghosts {
	struct ghost *table;
	size_t n_sets; /* a power of 2, or 0: nothing is remembered */
};

/* Room for at least n names.  Returns 0 or -ENOMEM. */
int ghosts_init(struct ghosts *g, size_t n);
void ghosts_done(struct ghosts *g);

/* Remembers a copy of *ghost under its name. */
void ghosts_put(struct ghosts *g, const struct ghost *ghost);

/* The ghost of that name, or NULL.  To forget it, set its name to 0. */
struct ghost *ghosts_find(const struct ghosts *g, uint64_t name);

static inline size_t ghosts_room(const struct ghosts *g)
{
	return g->n_sets * GHOST_WAYS;
}
