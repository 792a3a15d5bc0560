/* entry.c - an entry: the bytes of one regular file, wherever they are */
#include "fs/store/entry.h"

#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/local.h"
#include "fs/store/mover.h"
#include "fs/store/pack.h"
#include "fs/store/quarantine.h"
#include "fs/store/quota.h"
#include "fs/store/rate.h"
#include "fs/store/room.h"

struct timespec entry_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

static struct entry *entry_alloc(struct store *s, struct node *n, int fd)
{
	pthread_rwlockattr_t attr;
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->store = s;
	e->node = n;
	e->fd = fd;
	e->refs = 1;
	e->pack.run = pack_run;
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&e->data, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->packed, NULL);
	node_get(&s->tree, n);
	return e;
}

void entry_gone(struct store *s, struct node *n)
{
	struct entry *e = entry_peek(s, n);

	if (!e || !e->cont) {
		quota_store(s, n, 0);
	} else {
		container_linger(e->cont, &s->budget, n->stored);
		quota_weigh(s, n, 0, 0);
	}
	if (e)
		entry_put(e);
}

void entry_unpromise(struct entry *e)
{
	budget_unpromise(&e->store->budget, e->room);
	quota_unpromise(e->store, e->node, e->promised);
	e->room = e->promised = 0;
}

/* Nobody else knows the entry. */
static void entry_free(struct entry *e)
{
	struct store *s = e->store;

	if (e->plain && e->dirty)
		budget_set_dirty(&s->budget, e->plain->charged, 0);
	else
		entry_drop_plain(e);
	if (e->dirty)
		plain_free(e->plain);
	entry_keep_image(e, 0);
	entry_unpromise(e);
	if (e->cont)
		container_close(e->cont); /* with its fd */
	else
		close(e->fd);
	pthread_rwlock_destroy(&e->data);
	pthread_mutex_destroy(&e->lock);
	pthread_cond_destroy(&e->packed);
	node_put(&s->tree, e->node);
	free(e);
}

struct entry *entry_peek(struct store *s, struct node *n)
{
	if (n->type != S_IFREG)
		return NULL;
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->entries_lock);

	if (n->entry)
		n->entry->refs++;
	return n->entry;
}

/* Makes fresh the node's entry, unless another thread was faster. */
static struct entry *entry_install(struct store *s, struct entry *fresh)
{
	struct node *n = fresh->node;
	struct entry *e;

	pthread_mutex_lock(&s->entries_lock);
	if (!n->entry) {
		n->entry = fresh;
		s->n_entries++;
	}
	e = n->entry;
	if (e != fresh)
		e->refs++;
	pthread_mutex_unlock(&s->entries_lock);
	if (e != fresh)
		entry_free(fresh);
	return e;
}

/* Whether what is left of it is worse than its owner accepts. */
static bool entry_below_floor(struct store *s, struct node *n,
			      const struct container *c)
{
	double nats = rate_nats(store_damage(s, n), &c->head, c->n_layers);

	return nats > 0 && nats > store_floor(s, n);
}

/* Opens the container under the node's name.  Caller holds names. */
static int entry_open(struct store *s, struct node *n, struct entry **ret)
{
	struct container *c;
	struct spot at;
	int r = tree_spot(&s->tree, n, 0, &at);

	if (r < 0)
		return r;
	int fd = s->io->open(at.dir->fd, at.name, 0);
	r = fd < 0 ? fd : container_open(s->io, fd, &c);
	spot_done(&s->tree, &at);
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return r == -ENOENT ? -ESTALE : r;
	}
	if (entry_below_floor(s, n, c)) {
		container_close(c);
		return -ERANGE;
	}

	struct entry *e = entry_alloc(s, n, fd);
	if (!e) {
		container_close(c);
		return -ENOMEM;
	}
	e->cont = c;
	e->size = c->head.logical_size;
	n->layered = c->head.layer_mask & 1u << LAYER_HEAD;
	n->layers = (uint8_t)c->n_layers;
	*ret = entry_install(s, e);
	return 0;
}

int entry_get(struct store *s, struct node *n, struct entry **ret)
{
	int r;

	{
		auto_rwunlock pthread_rwlock_t *held =
		    lock_shared(&s->tree.names);
		struct entry *e = entry_peek(s, n);

		if (e) {
			*ret = e;
			return 0;
		}
		r = entry_open(s, n, ret);
	}
	if (r == -ENODATA || r == -EBADMSG || r == -EOPNOTSUPP ||
	    r == -ERANGE) {
		quarantine_node(s, n, r);
		return -ESTALE;
	}
	return r;
}

int entry_new(struct store *s, struct node *n, int fd, struct entry **ret)
{
	struct entry *e = entry_alloc(s, n, fd);

	if (!e)
		return -ENOMEM;
	int r = plain_new(&s->home, true, &e->plain);
	if (r < 0) {
		e->fd = -1; /* still the caller's */
		entry_free(e);
		return r;
	}
	e->dirty = true;
	e->mtime = e->ctime = entry_now();
	*ret = entry_install(s, e);
	return 0;
}

void entry_get_again(struct entry *e)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->store->entries_lock);

	e->refs++;
}

void entry_put(struct entry *e)
{
	struct store *s = e->store;

	pthread_mutex_lock(&s->entries_lock);
	bool last = --e->refs == 0;
	if (last && e->node->entry == e) {
		e->node->entry = NULL;
		s->n_entries--;
	}
	pthread_mutex_unlock(&s->entries_lock);
	if (last)
		entry_free(e);
}

void entry_settle(struct entry *e)
{
	bool drop = false;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
		bool lost = e->node->gone && !e->n_open;
		bool want = !lost && (e->dirty || e->plain || e->image_charged);

		if (want && !e->held)
			entry_get_again(e);
		drop = !want && e->held;
		e->held = want;
	}
	if (drop)
		entry_put(e);
}

void entry_drop_plain(struct entry *e)
{
	if (!e->plain || e->dirty)
		return;
	budget_set_clean(&e->store->budget, e->plain->charged, 0);
	e->plain = plain_free(e->plain);
}

void entry_keep_image(struct entry *e, unsigned n_layers)
{
	uint64_t keep = e->cont ? container_keep_image(e->cont, n_layers) : 0;

	budget_set_clean(&e->store->budget, e->image_charged, keep);
	e->image_charged = keep;
}

/* Fills a new plain copy from the container. */
static int entry_copy_up(struct entry *e, struct plain *to)
{
	const struct head *h = &e->cont->head;

	if (ftruncate(to->fd, (off_t)h->logical_size) < 0)
		return -errno;
	for (uint32_t t = 0, n; t < h->n_tiles; t += n) {
		n = container_span(e->cont, t);
		if (container_is_hole(e->cont, t, n))
			continue;

		uint64_t off = head_tile_off(h, t);
		uint64_t end = head_tile_off(h, t + n);
		uint8_t *buf = local_buf(LOCAL_PLAIN, end - off);
		int r = buf ? container_load(e->cont, t, n, buf) : -ENOMEM;

		if (r == 0)
			r = e->store->io->write(to->fd, buf, end - off, off);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Turns a complete clean plain copy into the staged one. */
static void entry_take_plain(struct entry *e)
{
	plain_unmap(e->plain);
	free(e->plain->tile);
	e->plain->tile = NULL;
	budget_soil(&e->store->budget, e->plain->charged);
}

/* So much of the backing is promised, or can be at once. */
static bool entry_has_room(struct entry *e, uint64_t want)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	if (e->room >= want)
		return true;
	if (!budget_promise(&e->store->budget, want - e->room))
		return false;
	e->room = want;
	return true;
}

static int entry_fresh_plain(struct entry *e, uint64_t keep)
{
	struct store *s = e->store;
	struct plain *p = NULL;
	uint64_t need = align_up(keep < e->size ? keep : e->size, 4096);
	bool in_dram = budget_take_dirty(&s->budget, need);

	if (!in_dram && need && !entry_has_room(e, room_stored(need) + need))
		return -ENOSPC;
	int r = plain_new(&s->home, in_dram || !need, &p);
	if (r == 0 && keep)
		r = entry_copy_up(e, p);
	if (r == 0 && keep < e->size && ftruncate(p->fd, (off_t)keep) < 0)
		r = -errno;
	if (r < 0) {
		budget_set_dirty(&s->budget, in_dram ? need : 0, 0);
		plain_free(p);
		return r == -EBADMSG ? -EIO : r;
	}
	entry_drop_plain(e);
	p->charged = plain_cost(p);
	budget_set_dirty(&s->budget, in_dram ? need : 0, p->charged);
	e->plain = p;
	return 0;
}

int entry_stage(struct entry *e, uint64_t keep)
{
	struct stat st;

	if (e->dirty)
		return 0;
	if (fstat(e->fd, &st) < 0)
		return -errno;
	/* What the kernel serves from must stay what it is. */
	if ((keep || e->n_passed) && e->plain && plain_complete(e->plain)) {
		entry_take_plain(e);
	} else {
		int r = entry_fresh_plain(e, keep);
		if (r < 0)
			return r;
	}
	entry_keep_image(e, 0);
	if (e->cont && keep)
		rate_lost(store_damage(e->store, e->node), &e->cont->head,
			  e->cont->n_layers, e->lost);
	else
		memset(e->lost, 0, sizeof(e->lost));
	e->dirty = true;
	mover_forget(e->store, e->node);

	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	if (keep < e->size)
		e->size = keep;
	e->mtime = st.st_mtim;
	e->ctime = st.st_ctim;
	return 0;
}

int entry_truncate(struct entry *e, uint64_t size)
{
	int r;

	if (size > ENTRY_MAX_BYTES)
		return -EFBIG;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_alone(&e->data);

		if (e->failed)
			return -EIO;
		if (!e->dirty && size == e->size)
			return 0;
		r = entry_stage(e, size);
		if (r == 0 && ftruncate(e->plain->fd, (off_t)size) < 0)
			r = -errno;
		if (r == 0) {
			auto_unlock pthread_mutex_t *held =
			    mutex_lock(&e->lock);
			uint64_t cost = plain_cost(e->plain);

			e->size = size;
			e->doomed = e->doomed && size;
			e->change++;
			e->mtime = e->ctime = entry_now();
			budget_set_dirty(&e->store->budget, e->plain->charged,
					 cost);
			e->plain->charged = cost;
		}
	}
	entry_settle(e);
	return r;
}
