/* handle.c - opening, syncing and releasing an entry */
#include "fs/store/handle.h"

#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/expire.h"
#include "fs/store/mover.h"
#include "fs/store/pack.h"
#include "fs/store/publish.h"
#include "fs/store/stream.h"

static void handle_enlist(struct store *s, struct handle *h)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->entries_lock);

	h->next = s->handles;
	h->at = &s->handles;
	if (h->next)
		h->next->at = &h->next;
	s->handles = h;
}

static void handle_delist(struct store *s, struct handle *h)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->entries_lock);

	*h->at = h->next;
	if (h->next)
		h->next->at = h->at;
}

struct handle *handle_open(struct entry *e, int flags)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->entry = e;
	h->writer = (flags & O_ACCMODE) != O_RDONLY;

	handle_enlist(e->store, h);
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	e->n_open++;
	e->n_writers += h->writer;
	return h;
}

/* Nobody else has it open. */
static bool handle_is_alone(struct entry *e)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	return e->n_open == 1;
}

int store_open_file(struct store *s, struct node *n, int flags,
		    struct handle **ret)
{
	struct entry *e;

	if (expire_now(s, n))
		return -ESTALE;
	int r = entry_get(s, n, &e);
	if (r < 0)
		return r;
	struct handle *h = handle_open(e, flags);
	if (!h) {
		entry_put(e);
		return -ENOMEM;
	}
	/* Given up, evicted or removed just now: a lookup will say so. */
	if (e->failed || (e->node->gone && handle_is_alone(e)))
		r = -ESTALE;
	else if (flags & O_TRUNC)
		r = entry_truncate(e, 0);
	if (r < 0) {
		store_release(s, h);
		return r;
	}
	*ret = h;
	return 0;
}

void store_pass_writer(struct store *s, struct handle *h)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&h->entry->lock);
	(void)s;

	h->passed = h->mapped = true;
	h->entry->n_passed++;
}

/* What may have been written through a mapping makes the entry staged. */
static void handle_mapped(struct entry *e)
{
	auto_rwunlock pthread_rwlock_t *data = lock_alone(&e->data);

	if (e->failed || entry_stage(e, UINT64_MAX) < 0)
		return;
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	e->change++;
	e->mtime = e->ctime = entry_now();
}

void store_release(struct store *s, struct handle *h)
{
	struct entry *e = h->entry;
	bool last, doomed;

	if (h->mapped)
		handle_mapped(e);

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		e->n_open--;
		e->n_writers -= h->writer;
		e->n_passed -= h->passed;
		last = !e->n_open;
		doomed = e->doomed;
	}
	if (last && doomed)
		publish_give_up(e, -ENOSPC);
	else
		pack_queue(e);
	entry_settle(e);
	if (last && !e->node->known && e->node->stored && !e->dirty)
		mover_enter(s, e->node);
	stream_free(h->stream);
	handle_delist(s, h);
	entry_put(e);
	free(h);
}

int store_sync(struct store *s, struct handle *h)
{
	struct spot at;
	int r = pack_now(h->entry);

	if (r < 0)
		return r;
	for (unsigned i = 0;
	     r == 0 && tree_spot(&s->tree, h->entry->node, i, &at) == 0; i++) {
		r = s->io->sync_dir(at.dir->fd);
		spot_done(&s->tree, &at);
	}
	return r;
}

int store_allocate(struct store *s, struct handle *h, int mode, uint64_t off,
		   uint64_t len)
{
	struct entry *e = h->entry;
	uint64_t size;

	(void)s;
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (!len)
		return -EINVAL;
	if (len > ENTRY_MAX_BYTES || off > ENTRY_MAX_BYTES - len)
		return -EFBIG;
	pthread_mutex_lock(&e->lock);
	size = e->size;
	pthread_mutex_unlock(&e->lock);
	if (mode & FALLOC_FL_KEEP_SIZE || off + len <= size)
		return 0;
	return entry_truncate(e, off + len);
}
