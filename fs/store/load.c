/* load.c - a clean entry's plain copy, filled tile by tile from its container
 */
#include "fs/store/load.h"

#include <errno.h>

#include "codec/mem.h"
#include "fs/store/clock.h"
#include "fs/store/entry.h"

/* A read-ahead on one thread of the pool. */
struct ahead {
	struct work work;
	struct entry *e; /* holds a reference */
	uint32_t from;   /* tiles before are ready or somebody's */
};

/* Claims tiles from t on that nobody has begun.  Caller holds p->lock. */
static uint32_t load_claim(struct entry *e, uint32_t t)
{
	struct plain *p = e->plain;
	uint32_t most = container_span(e->cont, t), n = 0;

	while (n < most && p->tile[t + n] == TILE_ABSENT)
		p->tile[t + n++] = TILE_BUSY;
	return n;
}

/* The tiles' new state, r being how it went. */
static void load_done(struct plain *p, uint32_t t, uint32_t n, int r)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	for (uint32_t i = t; i < t + n; i++)
		p->tile[i] = r == 0 ? TILE_READY : TILE_ABSENT;
	if (r == 0)
		p->n_ready += n;
	pthread_cond_broadcast(&p->changed);
}

/* Decodes the tiles that were claimed. */
static int load_tiles(struct entry *e, uint32_t t, uint32_t n)
{
	struct plain *p = e->plain;
	struct counters *c = &e->store->counters;
	const struct head *h = &e->cont->head;
	uint64_t off = head_tile_off(h, t), since = clock_ns();
	uint64_t end = head_tile_off(h, t + n);
	int r = container_load(e->cont, t, n, p->map + off);

	c->loaded_out += end - off;
	c->load_ns += clock_ns() - since;
	for (uint32_t i = t; i < t + n; i++)
		c->loaded_in += h->tiles[i].len[LAYER_EXACT];

	load_done(p, t, n, r);
	return r;
}

/* One tile and, if it was absent, those that come with it. */
static int load_tile(struct entry *e, uint32_t t)
{
	struct plain *p = e->plain;
	uint32_t n;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

		while (p->tile[t] == TILE_BUSY)
			pthread_cond_wait(&p->changed, &p->lock);
		if (p->tile[t] == TILE_READY)
			return 0;
		n = load_claim(e, t);
	}
	return load_tiles(e, t, n);
}

int load_range(struct entry *e, uint64_t off, uint64_t len)
{
	const struct head *h = &e->cont->head;

	if (!e->plain->tile || !len)
		return 0;
	uint32_t t = head_tile_at(h, off),
		 last = head_tile_at(h, off + len - 1);
	int r = 0;

	for (; r == 0 && t <= last; t++)
		r = load_tile(e, t);
	return r;
}

/* The next absent tiles from a->from on.  False: none, or not wanted. */
static bool load_next(struct ahead *a)
{
	struct entry *e = a->e;
	auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
	struct plain *p = e->plain;
	uint32_t t = a->from, n = 0;

	if (e->store->stopping || e->dirty || !p || !p->tile)
		return false;
	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

		while (t < p->n_tiles && p->tile[t] != TILE_ABSENT)
			t++;
		if (t < p->n_tiles)
			n = load_claim(e, t);
	}
	a->from = t + n;
	return n && load_tiles(e, t, n) == 0;
}

static void load_run(struct work *w)
{
	struct ahead *a =
	    (struct ahead *)((char *)w - offsetof(struct ahead, work));

	while (load_next(a))
		;
	entry_put(a->e);
	free(a);
}

void load_ahead(struct entry *e)
{
	for (unsigned i = 0; i < 2 * e->store->options.threads; i++) {
		struct ahead *a = calloc(1, sizeof(*a));

		if (!a)
			return; /* the reader decodes what it needs */
		entry_get_again(e);
		a->e = e;
		a->work.run = load_run;
		pool_push(e->store->pool, WORK_URGENT, &a->work);
	}
}
