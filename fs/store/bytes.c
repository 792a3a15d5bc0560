/* bytes.c - opening, reading, writing and syncing an entry */
#include "fs/store/bytes.h"

#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/load.h"
#include "fs/store/local.h"
#include "fs/store/log.h"
#include "fs/store/mover.h"
#include "fs/store/pack.h"
#include "fs/store/publish.h"
#include "fs/store/quarantine.h"
#include "fs/store/room.h"

/* An access time this old is told to the backing: evictors look at it. */
#define ATIME_S 60

struct handle *bytes_open(struct entry *e, int flags)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->entry = e;
	h->writer = (flags & O_ACCMODE) != O_RDONLY;

	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	e->n_open++;
	e->n_writers += h->writer;
	return h;
}

int store_open_file(struct store *s, struct node *n, int flags,
		    struct handle **ret)
{
	struct entry *e;
	int r = entry_get(s, n, &e);

	if (r < 0)
		return r;
	struct handle *h = bytes_open(e, flags);
	if (!h) {
		entry_put(e);
		return -ENOMEM;
	}
	if (e->failed)
		r = -ESTALE; /* given up just now: it has no bytes at all */
	else if (flags & O_TRUNC)
		r = entry_truncate(e, 0);
	if (r < 0) {
		store_release(s, h);
		return r;
	}
	*ret = h;
	return 0;
}

void store_release(struct store *s, struct handle *h)
{
	struct entry *e = h->entry;
	bool last, doomed;

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
	entry_put(e);
	free(h);
}

/* ---- reading ---- */

static void bytes_count_hit(struct entry *e)
{
	struct counters *c = &e->store->counters;
	struct timespec now = entry_now(), times[2] = { now };
	struct stat st;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (e->plain)
			c->hits_plain++;
		else if (e->cont->image)
			c->hits_packed++;
		else
			c->hits_backing++;
		times[1].tv_nsec = UTIME_OMIT;
		if (!e->dirty && fstat(e->fd, &st) == 0 &&
		    st.st_atim.tv_sec + ATIME_S < now.tv_sec)
			futimens(e->fd, times);
	}
	e->node->hits++;
	e->node->last_hit_ms =
	    (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	mover_hit(e->store, e->node);
}

/* Gives a clean entry an empty plain copy to be filled, if there is room. */
static void bytes_make_cache(struct entry *e)
{
	struct store *s = e->store;
	struct plain *p;
	uint64_t cost;
	uint32_t n_tiles;
	bool made = false;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (e->dirty || e->plain || !e->size)
			return;
		cost = align_up(e->size, 4096);
		n_tiles = e->cont->head.n_tiles;
	}
	if (!room_entry(s) || !room_clean(s, cost))
		return;
	{
		auto_rwunlock pthread_rwlock_t *data = lock_alone(&e->data);

		if (!e->dirty && !e->plain && align_up(e->size, 4096) == cost &&
		    e->cont->head.n_tiles == n_tiles &&
		    plain_new_cache(&s->home, e->size, n_tiles, &p) == 0) {
			p->charged = cost;
			e->plain = p;
			made = true;
		}
	}
	if (!made) {
		budget_set_clean(&s->budget, cost, 0);
		return;
	}
	entry_settle(e);
	load_ahead(e);
}

/* Plain bytes of a file of ours, copied.  Caller holds data shared. */
static int bytes_copy(struct entry *e, uint64_t off, size_t len,
		      const void **ret)
{
	uint8_t *buf = local_buf(LOCAL_PLAIN, len);

	if (!buf)
		return -ENOMEM;
	ssize_t n = e->store->io->read(e->plain->fd, buf, len, off);
	if (n < 0)
		return (int)n;
	/* Written past the end of what the file has: holes are zeros. */
	memset(buf + n, 0, len - (size_t)n);
	*ret = buf;
	return 0;
}

/* Decodes into this thread's memory.  Caller holds data shared. */
static int bytes_decode(struct entry *e, uint64_t off, size_t len,
			const void **ret)
{
	const struct head *h = &e->cont->head;
	uint32_t first = head_tile_at(h, off);
	uint32_t last = head_tile_at(h, off + len - 1);
	uint64_t from = head_tile_off(h, first);
	uint64_t end = last + 1 < h->n_tiles ? head_tile_off(h, last + 1)
					     : h->logical_size;
	uint8_t *buf = local_buf(LOCAL_PLAIN, (size_t)(end - from));

	if (!buf)
		return -ENOMEM;
	*ret = buf + (off - from);
	return container_load(e->cont, first, last - first + 1, buf);
}

/* Caller holds data shared; len is within the file. */
static int bytes_read(struct entry *e, uint64_t off, size_t len,
		      const void **ret)
{
	if (e->failed)
		return -EIO;
	if (e->dirty || (e->plain && !e->plain->map))
		return bytes_copy(e, off, len, ret);
	if (!e->plain)
		return bytes_decode(e, off, len, ret);

	int r = load_range(e, off, len);
	*ret = e->plain->map + off;
	return r;
}

/* The container is damaged: nothing of it is served any more. */
static void bytes_fail(struct entry *e)
{
	bool first;

	pthread_mutex_lock(&e->lock);
	first = !e->failed;
	e->failed = true;
	pthread_mutex_unlock(&e->lock);
	if (first)
		quarantine_node(e->store, e->node, -EBADMSG);
}

int store_read(struct store *s, struct handle *h, uint64_t off, size_t len,
	       struct view *ret)
{
	struct entry *e = h->entry;
	struct view v = { .held = e };
	uint64_t size;
	int r = 0;

	if (!atomic_exchange(&h->hit, true)) {
		bytes_count_hit(e);
		bytes_make_cache(e);
	}
	pthread_rwlock_rdlock(&e->data);
	pthread_mutex_lock(&e->lock);
	size = e->size;
	pthread_mutex_unlock(&e->lock);

	if (off < size)
		v.len = size - off < len ? (size_t)(size - off) : len;
	if (v.len)
		r = bytes_read(e, off, v.len, &v.data);
	if (r < 0) {
		pthread_rwlock_unlock(&e->data);
		if (r == -EBADMSG)
			bytes_fail(e);
		s->counters.io_errors += r != -EBADMSG;
		return r == -EBADMSG ? -EIO : r;
	}
	s->counters.read_bytes += v.len;
	entry_get_again(e);
	*ret = v;
	return 0;
}

void store_read_done(struct store *s, struct view *v)
{
	(void)s;
	pthread_rwlock_unlock(&v->held->data);
	entry_put(v->held);
}

/* The plain copy's descriptor if it can stand for the file, or -1. */
static int bytes_pass(struct handle *h)
{
	struct entry *e = h->entry;
	auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	if (e->n_writers || e->failed || !e->plain || !e->plain->in_dram ||
	    !plain_complete(e->plain))
		return -1;
	if (!h->passed)
		e->n_passed++;
	h->passed = true;
	return e->plain->fd;
}

int store_pass(struct store *s, struct handle *h)
{
	int fd = bytes_pass(h);

	(void)s;
	/* The kernel will not tell us of the reads. */
	if (fd >= 0 && !atomic_exchange(&h->hit, true))
		bytes_count_hit(h->entry);
	return fd;
}

/* ---- writing ---- */

void store_strip_setid(struct store *s, struct handle *h)
{
	struct entry *e = h->entry;
	struct stat st;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (fstat(e->fd, &st) < 0 ||
		    !(st.st_mode & (S_ISUID | S_ISGID)))
			return;
		fchmod(e->fd, st.st_mode & 01777);
	}
	s->options.stale(s->options.stale_ctx, e->node, NULL);
}

/* Moves a staged entry's bytes to the backing.  Caller holds data alone. */
static int bytes_spill(struct entry *e)
{
	struct store *s = e->store;
	struct plain *to;

	if (!e->plain->in_dram || e->n_passed)
		return 0;
	int r = plain_new(&s->home, false, &to);
	if (r == 0)
		r = plain_move(e->plain, to, e->size);
	if (r < 0) {
		if (r != -ENOMEM)
			s->counters.io_errors++;
		return r;
	}
	budget_set_dirty(&s->budget, e->plain->charged, 0);
	plain_free(e->plain);
	e->plain = to;
	s->counters.spilled++;
	return 0;
}

/* Staging copies all of a clean entry: makes room for that if it can. */
static void bytes_room_to_stage(struct entry *e)
{
	struct store *s = e->store;

	if (e->dirty)
		return;
	pthread_mutex_lock(&e->lock);
	uint64_t size = e->size;
	pthread_mutex_unlock(&e->lock);
	if (room_dirty(s, size))
		budget_set_dirty(&s->budget, size, 0); /* staging takes it */
}

/*
 * Leaves the entry staged, where the coming write may go, with data held
 * shared; or returns -errno with nothing held.
 */
static int bytes_writable(struct entry *e, bool in_dram)
{
	for (;;) {
		pthread_rwlock_rdlock(&e->data);
		if (e->failed) {
			pthread_rwlock_unlock(&e->data);
			return -EIO;
		}
		if (e->dirty && (in_dram || !e->plain->in_dram || e->n_passed))
			return 0;
		pthread_rwlock_unlock(&e->data);

		bytes_room_to_stage(e);
		pthread_rwlock_wrlock(&e->data);
		int r = e->failed ? -EIO : entry_stage(e, UINT64_MAX);
		if (r == 0 && !in_dram)
			r = bytes_spill(e);
		pthread_rwlock_unlock(&e->data);
		entry_settle(e);
		if (r < 0)
			return r;
	}
}

/* After a write: what it filled.  Caller holds data shared. */
static void bytes_written(struct entry *e, uint64_t end, uint64_t taken)
{
	struct budget *b = &e->store->budget;
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	uint64_t cost = plain_cost(e->plain);

	if (end > e->size)
		e->size = end;
	e->change++;
	e->mtime = e->ctime = entry_now();
	budget_set_dirty(b, taken + e->plain->charged, cost);
	e->plain->charged = cost;
}

/* Room on the backing for n bytes more; never more than the file is long. */
static int bytes_promise(struct entry *e, uint64_t end, size_t n)
{
	uint64_t size, has;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		size = end > e->size ? end : e->size;
		has = e->promised;
	}
	if (has >= size)
		return 0;
	if (n > size - has)
		n = (size_t)(size - has);
	int r = room_promise(e->store, n);
	if (r < 0)
		return r;
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	e->promised += n;
	return 0;
}

/* Writes where the entry now stands; room for len bytes was promised. */
static int bytes_write(struct entry *e, uint64_t off, const void *src,
		       size_t len)
{
	struct store *s = e->store;
	uint64_t taken = room_dirty(s, len) ? len : 0;
	int r = bytes_writable(e, taken);

	if (r < 0) {
		budget_set_dirty(&s->budget, taken, 0);
		return r;
	}
	r = s->io->write(e->plain->fd, src, len, off);
	bytes_written(e, r < 0 ? 0 : off + len, taken);
	pthread_rwlock_unlock(&e->data);
	return r;
}

int store_write(struct store *s, struct handle *h, uint64_t off,
		const void *src, size_t len)
{
	struct entry *e = h->entry;

	if (!len)
		return 0;
	if (off > ENTRY_MAX_BYTES - len)
		return -EFBIG;
	int r = bytes_promise(e, off + len, len);
	if (r == 0)
		r = bytes_write(e, off, src, len);
	if (r == 0)
		s->counters.write_bytes += len;
	if (r < 0) {
		/* What is short of a piece is worth nothing to anyone. */
		pthread_mutex_lock(&e->lock);
		e->doomed = true;
		pthread_mutex_unlock(&e->lock);
	}
	return r;
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
