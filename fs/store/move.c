/* move.c - carrying out what the policy says: copies, layers, entries */
#include "fs/store/move.h"

#include <errno.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/known.h"
#include "fs/store/mover.h"
#include "fs/store/quota.h"
#include "fs/store/rate.h"
#include "fs/store/room.h"

bool move_demote(struct store *s, struct node *n, const struct place *to)
{
	struct entry *e = entry_peek(s, n);
	bool done = true;

	if (!e)
		return true;
	if (pthread_rwlock_trywrlock(&e->data)) {
		entry_put(e);
		return false;
	}
	if (!(to->plain & 1u << TIER_RAM)) {
		pthread_mutex_lock(&e->lock);
		done = !e->n_passed;
		pthread_mutex_unlock(&e->lock);
		if (done)
			entry_drop_plain(e);
	}
	entry_keep_image(e, to->ram);
	pthread_rwlock_unlock(&e->data);
	entry_settle(e);
	entry_put(e);
	return done;
}

static bool move_busy(struct entry *e)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	return e->n_open || e->dirty || e->packing;
}

bool move_evict(struct store *s, struct node *n)
{
	struct entry *e;
	struct spot at;

	{
		auto_rwunlock pthread_rwlock_t *names =
		    lock_alone(&s->tree.names);
		if (n->gone)
			return true; /* somebody else was faster */
		e = entry_peek(s, n);
		if (e && move_busy(e)) {
			entry_put(e);
			return false;
		}
		while (tree_spot(&s->tree, n, 0, &at) == 0) {
			s->io->unlink(at.dir->fd, at.name);
			tree_unlink(&s->tree, n, at.dir, at.name);
			s->options.stale(s->options.stale_ctx, at.dir, at.name);
			spot_done(&s->tree, &at);
		}
		tree_unhash(&s->tree, n);
		s->counters.evicted++;
		s->counters.evicted_bytes += n->stored;
		entry_gone(s, n);
	}
	if (e) {
		struct place nowhere = { 0 };

		move_demote(s, n, &nowhere);
		entry_settle(e); /* also when somebody was looking at it */
		entry_put(e);
	}
	return true;
}

/* Cuts the container.  Caller holds data alone. */
static int move_cut_container(struct entry *e, unsigned n_layers)
{
	struct store *s = e->store;
	struct node *n = e->node;
	struct stat st;

	if (move_busy(e) || !e->cont || n_layers < 1)
		return -EBUSY;
	if (known_checksummed(e)) /* since it was packed */
		return -EPERM;
	if (rate_least(store_damage(s, n), &e->cont->head, store_floor(s, n)) >
	    n_layers)
		return -EPERM;
	int r = container_cut(e->cont, n_layers);
	if (r < 0)
		return r;
	entry_drop_plain(e);
	entry_keep_image(e, n_layers);
	n->layers = (uint8_t)n_layers;
	if (fstat(e->fd, &st) == 0) {
		uint64_t stored = (uint64_t)st.st_blocks * 512;

		s->counters.cut++;
		s->counters.cut_bytes += n->stored - stored;
		quota_store(s, n, stored);
	}
	return 0;
}

bool move_cut(struct store *s, struct node *n, unsigned n_layers)
{
	struct entry *e;

	if (entry_get(s, n, &e) < 0)
		return false;
	int r = -EBUSY;
	if (pthread_rwlock_trywrlock(&e->data) == 0) {
		r = move_cut_container(e, n_layers);
		pthread_rwlock_unlock(&e->data);
	}
	entry_settle(e);
	if (r == 0) /* the kernel may have pages at the rate of before */
		s->options.stale(s->options.stale_ctx, n, NULL);
	entry_put(e);
	return r == 0;
}

bool move_shrink(struct store *s, struct node *n, const struct place *to)
{
	if (!to->top)
		return move_evict(s, n);
	bool cut = to->top >= n->layers || move_cut(s, n, to->top);

	return move_demote(s, n, to) && cut;
}

/* ---- promotion ---- */

struct promotion {
	struct work work;
	struct entry *e; /* holds a reference */
	struct container *c;
	unsigned n_layers;
};

/* Puts what was read beside the container, if it is still the entry's. */
static bool move_install(struct promotion *p, uint8_t *image, uint64_t len)
{
	struct entry *e = p->e;
	auto_rwunlock pthread_rwlock_t *data = lock_alone(&e->data);

	if (e->cont != p->c || e->dirty || p->c->n_layers < p->n_layers ||
	    container_image_layers(p->c) >= p->n_layers ||
	    container_set_image(p->c, image, len) < 0)
		return false;
	budget_set_clean(&e->store->budget, e->image_charged, 0);
	e->image_charged = len;
	return true;
}

static void move_run_promotion(struct work *w)
{
	struct promotion *p =
	    (struct promotion *)((char *)w - offsetof(struct promotion, work));
	struct store *s = p->e->store;
	uint64_t len = container_image_bytes(p->c, p->n_layers);
	uint8_t *image = NULL;

	if (!s->stopping && len && room_entry(s) && room_clean(s, len)) {
		bool done =
		    container_read_image(p->c, p->n_layers, &image) == 0 &&
		    move_install(p, image, len);

		if (!done) {
			free(image);
			budget_set_clean(&s->budget, len, 0);
		}
	}
	entry_settle(p->e);
	mover_tell(s, p->e->node);
	container_close(p->c);
	entry_put(p->e);
	free(p);
}

void move_promote(struct entry *e, unsigned n_layers)
{
	struct promotion *p = calloc(1, sizeof(*p));

	if (!p)
		return;
	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (e->cont && !e->dirty) {
			p->c = container_get(e->cont);
			p->n_layers = n_layers < p->c->n_layers
					  ? n_layers
					  : p->c->n_layers;
		}
	}
	if (!p->c || container_image_layers(p->c) >= p->n_layers) {
		container_close(p->c);
		free(p);
		return;
	}
	entry_get_again(e);
	p->e = e;
	p->work.run = move_run_promotion;
	pool_push(e->store->pool, WORK_LATER, &p->work);
}
