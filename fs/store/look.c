/* look.c - what a policy is told of an entry */
#include "fs/store/look.h"

#include <xxhash.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/expire.h"
#include "fs/store/rate.h"
#include "fs/store/settings.h"

/* A miss costs this much besides what recompute= says. */
#define RECOMPUTE_LEAST_S 0.01

/* By its path, so that one who comes back after it had to go is known. */
static uint64_t look_name(struct store *s, struct node *n)
{
	auto_free char *path = settings_path(s, n);

	return path ? XXH3_64bits(path, strlen(path)) : n->id;
}

static void look_known(struct store *s, struct node *n, struct facts *ret)
{
	uint64_t size = n->id ? n->size : n->stored; /* not looked at yet */
	struct settings now;

	settings_look(s, n, &now);
	*ret = (struct facts){
		.name = look_name(s, n),
		.raw_bytes = size ? size : 1,
		.layer_bytes[N_RUNGS - 1] = n->stored,
		.recompute_s =
		    RECOMPUTE_LEAST_S + (double)size / (double)s->recompute,
		.floor_rung = N_RUNGS - 1,
		.pin = expire_pinned(n, now.number[SETTING_PIN]) ? PIN_HELD
								 : PIN_NONE,
		.priority = (uint8_t)now.number[SETTING_PRIORITY],
	};
	for (unsigned k = 0; k + 1 < N_RUNGS; k++)
		ret->loss[k] = 1;
}

/* facts: or NULL.  Caller holds data shared. */
static void look_copies(struct entry *e, struct facts *facts, struct place *at)
{
	if (!e->cont || e->dirty)
		return;
	if (facts && e->node->layered)
		rate_facts(store_damage(e->store, e->node), &e->cont->head,
			   store_floor(e->store, e->node), facts);
	at->top = (uint8_t)e->cont->n_layers;
	at->ssd = (uint8_t)((1u << at->top) - 1);
	at->ram = (uint8_t)container_image_layers(e->cont);
	if (at->ram > at->top)
		at->ram = at->top;
	if (e->plain)
		at->plain = 1u << TIER_RAM;
}

/* facts: NULL, or as look_known left them. */
static struct place look_entry(struct store *s, struct node *n,
			       struct facts *facts)
{
	struct place at = { .top = N_RUNGS, .ssd = (1u << N_RUNGS) - 1 };
	struct entry *e = NULL;

	if (!n->layered)
		e = entry_peek(s, n);
	else if (entry_get(s, n, &e) < 0)
		return at;
	if (!e)
		return at;
	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		look_copies(e, facts, &at);
	}
	entry_put(e);
	return at;
}

void look_at(struct store *s, struct node *n, struct facts *facts,
	     struct place *at)
{
	look_known(s, n, facts);
	*at = look_entry(s, n, facts);
}

struct place look_place(struct store *s, struct node *n)
{
	return look_entry(s, n, NULL);
}
