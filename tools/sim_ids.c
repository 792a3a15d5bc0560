/* sim_ids.c - numbers for the ids of a trace, in a hash table */
#include "tools/sim_ids.h"

#include <errno.h>
#include <stdlib.h>

static size_t sim_ids_slot(const struct sim_ids *t, uint64_t id)
{
	size_t i = id * 0x9e3779b97f4a7c15u >> 20 & (t->cap - 1);

	while (t->number[i] && t->id[i] != id)
		i = (i + 1) & (t->cap - 1);
	return i;
}

static int sim_ids_grow(struct sim_ids *t)
{
	struct sim_ids wide = { .n = t->n, .cap = t->cap ? 4 * t->cap : 4096 };

	wide.id = calloc(wide.cap, sizeof *wide.id);
	wide.number = calloc(wide.cap, sizeof *wide.number);
	if (!wide.id || !wide.number) {
		sim_ids_done(&wide);
		return -ENOMEM;
	}
	for (size_t i = 0; i < t->cap; i++) {
		if (!t->number[i])
			continue;
		size_t to = sim_ids_slot(&wide, t->id[i]);
		wide.id[to] = t->id[i];
		wide.number[to] = t->number[i];
	}
	sim_ids_done(t);
	*t = wide;
	return 0;
}

int sim_ids_number(struct sim_ids *t, uint64_t id, uint32_t *ret)
{
	if (2 * t->n >= t->cap && sim_ids_grow(t) < 0)
		return -ENOMEM;

	size_t slot = sim_ids_slot(t, id);
	if (!t->number[slot]) {
		t->id[slot] = id;
		t->number[slot] = (uint32_t)++t->n;
	}
	*ret = t->number[slot] - 1;
	return 0;
}

void sim_ids_done(struct sim_ids *t)
{
	free(t->id);
	free(t->number);
	*t = (struct sim_ids){ 0 };
}
