/* tune.c - what may be changed while a store is open */
#include "fs/store/tune.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "codec/mem.h"
#include "fs/store/ask.h"
#include "fs/store/mover.h"
#include "fs/store/press.h"
#include "fs/store/state.h"
#include "fs/store/walk.h"

/* ---- what is in the way ---- */

static const char *tune_fault_range(const struct tuning *to)
{
	if (to->low < 1 || to->high > 100 || to->low > to->high)
		return "the watermarks must be 1 <= low <= high <= 100";
	if (!to->recompute)
		return "recompute= must be above 0";
	return NULL;
}

static const char *tune_fault_backing(struct store *s, const struct tuning *to)
{
	struct statvfs v;

	if (to->free && fstatvfs(s->tmp, &v) == 0 &&
	    to->free >= (uint64_t)v.f_blocks * v.f_frsize)
		return "free= is all that the backing's file system has";
	return NULL;
}

/* Caller holds tree.lock. */
static const char *tune_fault_tree(struct store *s, const struct tuning *to)
{
	struct link *l = NULL;

	if (s->tree.pinned_bytes > to->size / 2)
		return "more than half of size= would be pinned";
	if (s->tree.root->quota > to->size)
		return "the root's quota is above size=";
	if (!s->tree.set_ever)
		return NULL;
	while ((l = walk_next(s->tree.root, l)))
		if (link_node(l)->type == S_IFDIR &&
		    link_node(l)->quota > to->size)
			return "a directory's quota is above size=";
	return NULL;
}

/* Half a sentence, or NULL. */
static const char *tune_fault(struct store *s, const struct tuning *to)
{
	struct world world = world_default(s->options.memory, to->size);
	const char *why = tune_fault_range(to);
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);
	uint64_t pinned[N_TIERS] = { 0, s->tree.pinned_bytes };

	world.alpha = to->alpha;
	if (!why)
		why = world_fault(&world, pinned);
	if (!why)
		why = tune_fault_tree(s, to);
	return why ? why : tune_fault_backing(s, to);
}

/* ---- another policy ---- */

/* All nodes that the policy knows.  Caller holds the mover's lock. */
static int tune_known(struct store *s, struct walk *ret)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	*ret = (struct walk){ .node =
				  calloc(s->tree.n_nodes, sizeof(*ret->node)) };
	if (!ret->node)
		return -ENOMEM;
	for (uint64_t b = 0; b < s->tree.n_buckets; b++)
		for (struct node *n = s->tree.buckets[b]; n; n = n->hash_next)
			if (n->known) {
				n->refs++;
				ret->node[ret->n++] = n;
			}
	return 0;
}

/* The new policy in the place of the old; *ret is who has to be told to it. */
static int tune_replace(struct store *s, const struct policy *to,
			struct walk *ret)
{
	struct mover *m = &s->mover;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	struct policy_run *run = to->start(to, &m->world, ASK_GHOSTS);

	if (!run)
		return -ENOMEM;
	int r = tune_known(s, ret);
	if (r < 0) {
		to->stop(run);
		return r;
	}
	for (size_t i = 0; i < ret->n; i++) {
		ask_forget(m, ret->node[i]);
		ret->node[i]->known = false;
		node_put(&s->tree, ret->node[i]); /* the policy's */
	}
	ask_switch(m, to, run);
	return 0;
}

/* The new policy learns of those that the old one knew.  No lock held. */
static void tune_tell(struct store *s, struct walk *known)
{
	walk_by_use(known);
	for (size_t i = 0; i < known->n; i++)
		if (known->node[i]->stored)
			mover_enter(s, known->node[i]);
	walk_done(&s->tree, known);
}

/* Of all entries the policy is told what they cost now.  No lock held. */
static void tune_revise(struct store *s)
{
	struct walk all;

	if (walk_files(&s->tree, s->tree.root, &all) < 0)
		return; /* it goes by what held before */
	walk_by_use(&all);
	for (size_t i = 0; i < all.n; i++)
		mover_revise(s, all.node[i]);
	walk_done(&s->tree, &all);
}

/* ---- the face ---- */

void store_tuning(struct store *s, struct tuning *ret)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->mover.lock);

	*ret = (struct tuning){
		.free = s->free_floor,
		.high = s->high,
		.low = s->low,
		.alpha = s->mover.world.alpha,
		.recompute = s->recompute,
		.size = s->size,
		.policy = s->mover.policy,
	};
}

/* What the store itself goes by. */
static void tune_set(struct store *s, const struct tuning *to)
{
	s->size = to->size;
	s->free_floor = to->free;
	s->high = to->high;
	s->low = to->low;
	s->recompute = to->recompute;
}

/* What needs no memory. */
static void tune_apply(struct store *s, const struct tuning *to)
{
	struct mover *m = &s->mover;

	tune_set(s, to);
	budget_limit_disk(&s->budget, to->size);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	m->world.alpha = to->alpha;
	m->world.limit_bytes[TIER_SSD] = to->size;
	ask_world(m);
}

int store_tune(struct store *s, const struct tuning *to, const char **ret_why)
{
	struct tuning now, want = *to;
	struct walk known = { 0 };

	want.low = want.low ? want.low : want.high;
	{
		auto_unlock pthread_mutex_t *one =
		    mutex_lock(&s->settings_lock);
		const char *why = tune_fault(s, &want);

		if (why) {
			*ret_why = why;
			return -EINVAL;
		}
		store_tuning(s, &now);
		if (to->policy != now.policy) {
			*ret_why = "out of memory";
			int r = tune_replace(s, to->policy, &known);
			if (r < 0)
				return r;
		}
		tune_apply(s, &want);
	}
	tune_tell(s, &known);
	if (to->recompute != now.recompute)
		tune_revise(s);
	press_make_room(s, TIER_SSD, 0); /* size= may have come down */
	press_level(s);
	return 0;
}

int store_record(struct store *s, const char *path, const char **ret_why)
{
	struct mover *m = &s->mover;
	FILE *file = *path ? ask_open(path) : NULL;
	struct walk known = { 0 };

	if (*path && !file) {
		*ret_why = strerror(errno);
		return -errno;
	}
	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
		struct world world = m->world;
		int r = file ? tune_known(s, &known) : 0;

		if (r < 0) {
			*ret_why = "out of memory";
			fclose(file);
			return r;
		}
		walk_by_use(&known);
		world.limit_bytes[TIER_RAM] = s->options.memory;
		world.limit_bytes[TIER_SSD] = s->size;
		ask_join(m, file, &world, mover_now(m), &known);
	}
	walk_done(&s->tree, &known);
	return 0;
}

int tune_start(struct store *s, const char **ret_why)
{
	const struct store_options *o = &s->options;
	struct tuning to = {
		.free = o->free,
		.high = o->high ? o->high : 100,
		.low = o->low    ? o->low
		       : o->high ? o->high
				 : 100,
		.alpha = o->alpha,
		.recompute = o->recompute,
		.size = o->size,
		.policy = o->policy,
	};
	const char *why;

	to.low = to.low ? to.low : to.high;
	why = tune_fault(s, &to);
	if (why) {
		*ret_why = why;
		return -EINVAL;
	}
	tune_set(s, &to);
	return 0;
}
