/* pack.c - when staged entries are packed, and that many share a sync */
#include "fs/store/pack.h"

#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/mover.h"
#include "fs/store/packing.h"
#include "fs/store/press.h"
#include "fs/store/publish.h"

/* So many temporaries wait for a sync at most: each has descriptors. */
#define COMMIT_MOST 64

/* Tells whoever waits that the packing the entry was in has ended. */
static void pack_end(struct entry *e, int r)
{
	struct store *s = e->store;

	pthread_mutex_lock(&e->lock);
	e->packing = false;
	pthread_cond_broadcast(&e->packed);
	pthread_mutex_unlock(&e->lock);
	if (r == 0) {
		mover_enter(s, e->node);
		s->options.stale(s->options.stale_ctx, e->node, NULL);
		press_level(s);
	}
	budget_kick(&s->budget);
}

/* ---- now ---- */

/* One moment, whole.  Caller has set e->packing.  Returns as packing.h. */
static int pack_once(struct entry *e)
{
	struct packing p;
	int r = packing_begin(&p, e);

	if (r == 0)
		r = packing_encode(&p);
	if (r == 0)
		r = packing_sync(&p);
	if (r == 0)
		r = packing_publish(&p);
	packing_done(&p);
	return r;
}

int pack_now(struct entry *e)
{
	bool evicted = false;
	int r;

	do {
		pthread_mutex_lock(&e->lock);
		while (e->packing)
			pthread_cond_wait(&e->packed, &e->lock);
		e->packing = true;
		uint64_t size = e->size;
		pthread_mutex_unlock(&e->lock);

		r = pack_once(e);
		pack_end(e, r);
		if (r == -ENOSPC && !evicted) {
			evicted = true;
			if (press_make_room(e->store, TIER_SSD, size))
				r = -EAGAIN;
		}
	} while (r == -EAGAIN);
	entry_settle(e);
	if (r == -EDQUOT)
		return -ENOSPC; /* what clients know how to handle */
	return r == -ESTALE || r == -EALREADY ? 0 : r;
}

/* ---- in the background ---- */

void pack_queue(struct entry *e)
{
	bool push;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		push = e->dirty && !e->queued && !e->n_writers && !e->doomed &&
		       !e->node->gone;
		if (push)
			e->queued = true;
	}
	if (!push)
		return;
	entry_get_again(e);
	pool_push(e->store->pool, WORK_LATER, &e->pack);
}

/* The end of a queued packing, which held a reference to its entry. */
static void pack_finish(struct entry *e, int r)
{
	struct store *s = e->store;

	pack_end(e, r);
	pthread_mutex_lock(&e->lock);
	bool evict = r == -ENOSPC && !e->evicted;
	uint64_t size = e->size;
	e->evicted = evict || (e->evicted && r < 0);
	pthread_mutex_unlock(&e->lock);
	if (evict && press_make_room(s, TIER_SSD, size))
		r = -EAGAIN;
	if (r == -EAGAIN)
		pack_queue(e); /* unless a writer is there: then it will */
	else if (r < 0 && r != -ESTALE && r != -EALREADY)
		publish_give_up(e, r);
	entry_settle(e);
	entry_put(e);
}

/* All of them on disk: one sync for many is cheaper than one each. */
static int commit_sync(struct store *s, struct packing *first)
{
	if (!first->next)
		return packing_sync(first);
	return s->io->sync_all(s->tmp);
}

static struct packing *commit_take(struct store *s)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->commit.lock);
	struct packing *all = s->commit.first;

	s->commit.first = NULL;
	s->commit.n = 0;
	if (!all)
		s->commit.queued = false;
	return all;
}

/* Syncs and publishes what has been encoded, until there is no more. */
static void commit_all(struct store *s)
{
	struct packing *p;

	while ((p = commit_take(s))) {
		int synced = commit_sync(s, p);

		while (p) {
			struct packing *next = p->next;
			struct entry *e = p->e;
			int r = synced < 0 ? synced : packing_publish(p);

			packing_done(p);
			free(p);
			pack_finish(e, r);
			p = next;
		}
	}
}

void commit_run(struct work *w)
{
	commit_all(
	    (struct store *)((char *)w - offsetof(struct store, commit.work)));
}

static void commit_push(struct store *s, struct packing *p)
{
	bool push, full;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&s->commit.lock);

		p->next = s->commit.first;
		s->commit.first = p;
		full = ++s->commit.n >= COMMIT_MOST;
		push = !s->commit.queued;
		s->commit.queued = true;
	}
	if (push)
		pool_push(s->pool, WORK_LATER, &s->commit.work);
	if (full)
		commit_all(s);
}

void pack_run(struct work *w)
{
	struct entry *e =
	    (struct entry *)((char *)w - offsetof(struct entry, pack));
	struct packing *p = malloc(sizeof(*p));
	bool go;

	pthread_mutex_lock(&e->lock);
	e->queued = false;
	go = p && !e->packing && !e->n_writers;
	if (go)
		e->packing = true;
	pthread_mutex_unlock(&e->lock);
	if (!go) {
		free(p);
		entry_put(e);
		return;
	}

	int r = packing_begin(p, e);
	if (r == 0)
		r = packing_encode(p);
	if (r == 0) {
		commit_push(e->store, p);
		return;
	}
	packing_done(p);
	free(p);
	pack_finish(e, r);
}
