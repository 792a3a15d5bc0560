/* ghost.c - the names of dropped entries, and how wanted they were */
#include "policy/ghost.h"

#include <errno.h>
#include <stdlib.h>

int ghosts_init(struct ghosts *g, size_t n)
{
	size_t n_sets = 1;

	*g = (struct ghosts){ 0 };
	if (n == 0)
		return 0;
	while (n_sets * GHOST_WAYS < n)
		n_sets *= 2;
	g->table = calloc(n_sets * GHOST_WAYS, sizeof *g->table);
	if (!g->table)
		return -ENOMEM;
	g->n_sets = n_sets;
	return 0;
}

void ghosts_done(struct ghosts *g)
{
	free(g->table);
	*g = (struct ghosts){ 0 };
}

static struct ghost *ghosts_set(const struct ghosts *g, uint64_t name)
{
	uint64_t mixed = name * 0x9e3779b97f4a7c15u;

	return g->table + (mixed >> 32 & (g->n_sets - 1)) * GHOST_WAYS;
}

struct ghost *ghosts_find(const struct ghosts *g, uint64_t name)
{
	if (!g->n_sets)
		return NULL;
	name = name ? name : 1;

	struct ghost *set = ghosts_set(g, name);
	for (int i = 0; i < GHOST_WAYS; i++)
		if (set[i].name == name)
			return &set[i];
	return NULL;
}

void ghosts_put(struct ghosts *g, const struct ghost *ghost)
{
	struct ghost *to = ghosts_find(g, ghost->name);

	if (!g->n_sets)
		return;
	if (!to) {
		struct ghost *set =
		    ghosts_set(g, ghost->name ? ghost->name : 1);

		to = set;
		for (int i = 0; i < GHOST_WAYS && to->name; i++)
			if (!set[i].name || set[i].last < to->last)
				to = &set[i];
	}
	*to = *ghost;
	to->name = ghost->name ? ghost->name : 1;
}
