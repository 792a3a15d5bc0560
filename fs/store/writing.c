/* writing.c - a client's bytes into an entry's plain copy */
#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/handle.h"
#include "fs/store/mover.h"
#include "fs/store/quota.h"
#include "fs/store/room.h"

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

/*
 * Room on the backing for what was promised: a container, and the plain copy
 * where that lies there, too.  One published before is written anew as a whole.
 */
static int writing_room(struct entry *e, bool spilled)
{
	uint64_t plain, want, has;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		plain = e->promised;
		if (e->node->stored && e->size > plain)
			plain = e->size;
		want = room_stored(plain) + (spilled ? plain : 0);
		has = e->room;
	}
	int r = want > has ? room_promise(e->store, want - has) : 0;
	if (r < 0 || want <= has)
		return r;
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	e->room += want - has;
	return 0;
}

/* Moves a staged entry's bytes to the backing.  Caller holds data alone. */
static int writing_spill(struct entry *e)
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
static void writing_room_to_stage(struct entry *e)
{
	struct store *s = e->store;

	if (e->dirty)
		return;
	pthread_mutex_lock(&e->lock);
	uint64_t size = e->size;
	pthread_mutex_unlock(&e->lock);
	if (room_dirty(s, size))
		budget_set_dirty(&s->budget, size, 0); /* staging takes it */
	else
		writing_room(e, true); /* or it fails for want of that */
}

/*
 * Leaves the entry staged, where the coming write may go, with data held
 * shared; or returns -errno with nothing held.
 */
static int writing_writable(struct entry *e, bool in_dram)
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

		writing_room_to_stage(e);
		pthread_rwlock_wrlock(&e->data);
		int r = e->failed ? -EIO : entry_stage(e, UINT64_MAX);
		if (r == 0 && !in_dram)
			r = writing_spill(e);
		pthread_rwlock_unlock(&e->data);
		entry_settle(e);
		if (r < 0)
			return r;
	}
}

/* After a write: what it filled.  Caller holds data shared. */
static void writing_written(struct entry *e, uint64_t end, uint64_t taken)
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
static int writing_promise(struct entry *e, uint64_t end, size_t n)
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
	/* First by its quota: who is over it makes room among its own. */
	int r = quota_promise(e->store, e->node, n);
	if (r < 0)
		return r;
	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		e->promised += n;
	}
	return writing_room(e, false);
}

static bool writing_is_spilled(struct entry *e)
{
	auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

	return e->dirty && !e->plain->in_dram;
}

/* Writes where the entry now stands; room for len bytes was promised. */
static int writing_put(struct entry *e, uint64_t off, const void *src,
		       size_t len)
{
	struct store *s = e->store;
	bool spilled = writing_is_spilled(e);
	uint64_t taken = !spilled && room_dirty(s, len) ? len : 0;
	int r = taken ? 0 : writing_room(e, true);

	if (r == 0)
		r = writing_writable(e, taken);
	if (r < 0) {
		budget_set_dirty(&s->budget, taken, 0);
		return r;
	}
	r = s->io->write(e->plain->fd, src, len, off);
	writing_written(e, r < 0 ? 0 : off + len, taken);
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
	int r = writing_promise(e, off + len, len);
	if (r == 0)
		r = writing_put(e, off, src, len);
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
