/* quota.c - what a directory may hold, and how much may be pinned */
#include "fs/store/quota.h"

#include <errno.h>

#include "codec/mem.h"
#include "fs/store/explain.h"
#include "fs/store/mover.h"
#include "fs/store/settings.h"
#include "fs/store/state.h"
#include "fs/store/walk.h"
#include "fs/store/weight.h"

/* With so many files below, room is made for several at a time. */
#define MANY_FILES   1024
#define MANY_PERCENT 2 /* of the quota */

uint64_t quota_pin_limit(const struct store *s)
{
	return s->size / 2;
}

uint64_t quota_pinned(struct store *s)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	return s->tree.pinned_bytes;
}

uint64_t quota_used(struct store *s, struct node *n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	return weight_of(n);
}

/* ---- counting ---- */

void quota_store(struct store *s, struct node *n, uint64_t stored)
{
	budget_set_disk(&s->budget, n->stored, stored);
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	weight_set(&s->tree, n, stored, n->promised);
}

void quota_weigh(struct store *s, struct node *n, uint64_t stored,
		 uint64_t fulfilled)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	weight_set(&s->tree, n, stored, n->promised - fulfilled);
}

bool quota_store_first(struct store *s, struct node *n, uint64_t stored)
{
	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

		if (n->gone || n->stored)
			return false;
		weight_set(&s->tree, n, stored, n->promised);
	}
	budget_set_disk(&s->budget, 0, stored);
	return true;
}

void quota_unpromise(struct store *s, struct node *n, uint64_t bytes)
{
	if (!bytes)
		return;
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);
	weight_set(&s->tree, n, n->stored, n->promised - bytes);
}

/* ---- limits ---- */

/* Whether hard pins leave room for `more` of n.  Caller holds tree.lock. */
static bool quota_pins_allow(struct store *s, const struct node *n,
			     uint64_t more)
{
	uint64_t limit = quota_pin_limit(s), has = s->tree.pinned_bytes;

	return !weight_is_pinned(n) || (has <= limit && more <= limit - has);
}

static int quota_try_promise(struct store *s, struct node *n, uint64_t bytes)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	if (!quota_pins_allow(s, n, bytes))
		return -ENOSPC;
	if (weight_over(n, bytes))
		return -EDQUOT;
	weight_set(&s->tree, n, n->stored, n->promised + bytes);
	return 0;
}

int quota_allows(struct store *s, struct node *n, uint64_t stored)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);
	uint64_t has = weight_of(n), more = stored > has ? stored - has : 0;

	if (!quota_pins_allow(s, n, more))
		return -ENOSPC;
	return weight_over(n, more) ? -EDQUOT : 0;
}

int quota_allows_move(struct store *s, struct node *n, struct node *to)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	if (!weight_is_pinned(n) && n->pin == NODE_PIN_UNSET &&
	    !quota_pins_allow(s, to, weight_of(n)))
		return -ENOSPC;
	return weight_over_moved(n, to) ? -EDQUOT : 0;
}

/* ---- making room ---- */

struct victim {
	struct node *node;
	bool held;              /* by a soft pin */
	double priority, worth; /* worth: of a byte, to the policy */
	uint64_t used_ms;
};

static int quota_by_worth(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;

	if (x->held != y->held)
		return x->held ? 1 : -1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (x->worth != y->worth)
		return x->worth < y->worth ? -1 : 1;
	return (x->used_ms > y->used_ms) - (x->used_ms < y->used_ms);
}

/* The files that may be evicted, the least first; *ret has room for all. */
static size_t quota_victims(struct store *s, const struct walk *all,
			    struct victim *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++) {
		struct node *f = all->node[i];
		struct settings now;

		settings_look(s, f, &now);
		double pin = now.number[SETTING_PIN];
		if (f->stored && pin != SETTING_PIN_HARD)
			ret[n++] =
			    (struct victim){ f, pin > 0,
					     now.number[SETTING_PRIORITY],
					     explain_worth(s, f), f->used_ms };
	}
	if (n)
		qsort(ret, n, sizeof(*ret), quota_by_worth);
	return n;
}

/* The directory is at most this full. */
static bool quota_is_below(struct store *s, const struct node *dir,
			   uint64_t most)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	return dir->below <= most;
}

/* A quota that `more` bytes of a node would pass. */
struct obstacle {
	struct node *dir; /* with a reference; NULL: there is none */
	uint64_t quota, more;
	bool hopeless; /* the node is larger by itself */
};

/* Evicts below the directory until there is room. */
static bool quota_evict(struct store *s, const struct obstacle *o)
{
	struct walk all;

	if (walk_files(&s->tree, o->dir, &all) < 0)
		return false;

	auto_free struct victim *v = calloc(all.n + 1, sizeof(*v));
	size_t n = v ? quota_victims(s, &all, v) : 0;
	uint64_t must = o->quota - o->more, want = must;
	uint64_t extra = o->quota / 100 * MANY_PERCENT;

	if (n > MANY_FILES && want > extra)
		want -= extra;
	for (size_t i = 0; i < n && !quota_is_below(s, o->dir, want); i++)
		mover_remove(s, v[i].node);
	walk_done(&s->tree, &all);
	return quota_is_below(s, o->dir, must);
}

/* Caller holds tree.lock. */
static struct obstacle quota_obstacle(struct node *dir, uint64_t size,
				      uint64_t more)
{
	struct obstacle o = { .dir = dir, .more = more };

	if (!dir)
		return o;
	dir->refs++;
	o.quota = dir->quota;
	o.hopeless = size > o.quota;
	return o;
}

/* Takes the obstacle's reference. */
static bool quota_clear(struct store *s, const struct obstacle *o)
{
	bool done = !o->dir || (!o->hopeless && quota_evict(s, o));

	node_put(&s->tree, o->dir);
	return done;
}

static bool quota_make_room_for(struct store *s, struct node *n, uint64_t more)
{
	struct obstacle o;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

		o = quota_obstacle(weight_over(n, more), weight_of(n) + more,
				   more);
	}
	return quota_clear(s, &o);
}

bool quota_make_room(struct store *s, struct node *n, uint64_t stored)
{
	uint64_t has = quota_used(s, n);

	return quota_make_room_for(s, n, stored > has ? stored - has : 0);
}

bool quota_make_room_moved(struct store *s, struct node *n, struct node *to)
{
	struct obstacle o;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);
		uint64_t size = weight_of(n);

		o = quota_obstacle(weight_over_moved(n, to), size, size);
	}
	return quota_clear(s, &o);
}

int quota_promise(struct store *s, struct node *n, uint64_t bytes)
{
	int r;

	while ((r = quota_try_promise(s, n, bytes)) == -EDQUOT)
		if (!quota_make_room_for(s, n, bytes))
			return -ENOSPC;
	return r;
}
