/*
 * stream.c - a container read once from front to back, without a plain copy
 *
 * 1. The held slots are consecutive spans: slot[lo] first, n_held of them;
 *    `next_tile` is the first tile behind them.
 * 2. A slot that is busy belongs to the pool, until it says ready.  A slot
 *    that is pinned is being replied from.  Neither is let go.
 * 3. Fresh memory costs more than decoding into it.  So there are few slots,
 *    and a stream that is done with is kept for the next reader.
 */
#include "fs/store/stream.h"

#include <errno.h>

#include "codec/mem.h"
#include "fs/store/container.h"
#include "fs/store/state.h"

#define N_SLOTS    8
#define SLOT_BYTES TILE_MAX_BYTES /* plain; as many whole tiles as fit */
#define BUFS_BYTES (N_SLOTS * SLOT_BYTES)

/* Of memory=, what may be kept for the next readers. */
#define SPARE_SHARE 64

struct slot {
	struct work work;
	struct stream *stream;
	uint32_t first, n; /* tiles */
	uint64_t off, end; /* their bytes in the file */
	bool busy;
	unsigned pins;
	int error;
	uint8_t *buf; /* SLOT_BYTES */
};

struct stream {
	struct stream *next; /* spare ones; the store's entries_lock */
	struct store *store;
	struct container *c;
	pthread_mutex_t lock;    /* guards all below */
	pthread_cond_t released; /* a slot is not busy, or not pinned */
	struct slot slot[N_SLOTS];
	unsigned lo, n_held;
	uint32_t next_tile;
	uint64_t expected; /* where the last read ended */
	uint8_t *bufs;
};

static void stream_run(struct work *w)
{
	struct slot *slot =
	    (struct slot *)((char *)w - offsetof(struct slot, work));
	struct stream *st = slot->stream;
	int r = container_load(st->c, slot->first, slot->n, slot->buf);

	auto_unlock pthread_mutex_t *held = mutex_lock(&st->lock);
	slot->error = r;
	slot->busy = false;
	pthread_cond_broadcast(&st->released);
}

static struct stream *stream_take_spare(struct store *s)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->entries_lock);
	struct stream *st = s->spare_streams;

	if (st) {
		s->spare_streams = st->next;
		s->n_spare_streams--;
	}
	return st;
}

static bool stream_keep_spare(struct store *s, struct stream *st)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->entries_lock);

	if ((s->n_spare_streams + 1ull) * BUFS_BYTES >
	    s->options.memory / SPARE_SHARE)
		return false;
	st->next = s->spare_streams;
	s->spare_streams = st;
	s->n_spare_streams++;
	return true;
}

static void stream_delete(struct store *s, struct stream *st)
{
	budget_set_clean(&s->budget, BUFS_BYTES, 0);
	pthread_mutex_destroy(&st->lock);
	pthread_cond_destroy(&st->released);
	free(st->bufs);
	free(st);
}

static struct stream *stream_make(struct store *s)
{
	if (!budget_take_clean(&s->budget, BUFS_BYTES))
		return NULL;
	struct stream *st = calloc(1, sizeof(*st));
	if (st)
		st->bufs = huge_alloc(BUFS_BYTES);
	if (!st || !st->bufs) {
		budget_set_clean(&s->budget, BUFS_BYTES, 0);
		free(st);
		return NULL;
	}
	st->store = s;
	pthread_mutex_init(&st->lock, NULL);
	pthread_cond_init(&st->released, NULL);
	for (unsigned i = 0; i < N_SLOTS; i++) {
		st->slot[i].stream = st;
		st->slot[i].work.run = stream_run;
		st->slot[i].buf = st->bufs + (size_t)i * SLOT_BYTES;
	}
	return st;
}

struct stream *stream_new(struct store *s, struct container *c)
{
	struct stream *st = stream_take_spare(s);

	if (!st)
		st = stream_make(s);
	if (!st)
		return NULL;
	st->c = container_get(c);
	st->lo = st->n_held = 0;
	st->next_tile = 0;
	st->expected = 0;
	return st;
}

/* Caller holds the lock. */
static bool stream_in_use(const struct stream *st)
{
	for (unsigned i = 0; i < N_SLOTS; i++)
		if (st->slot[i].busy || st->slot[i].pins)
			return true;
	return false;
}

struct stream *stream_free(struct stream *st)
{
	if (!st)
		return NULL;
	pthread_mutex_lock(&st->lock);
	while (stream_in_use(st))
		pthread_cond_wait(&st->released, &st->lock);
	pthread_mutex_unlock(&st->lock);
	st->c = container_close(st->c);
	if (!stream_keep_spare(st->store, st))
		stream_delete(st->store, st);
	return NULL;
}

void stream_prepare(struct store *s)
{
	struct stream *st = stream_make(s);

	if (!st)
		return;
	memset(st->bufs, 0, BUFS_BYTES);
	if (!stream_keep_spare(s, st))
		stream_delete(s, st);
}

void stream_free_spares(struct store *s)
{
	struct stream *st;

	while ((st = stream_take_spare(s)))
		stream_delete(s, st);
}

bool stream_is_of(const struct stream *st, const struct container *c)
{
	return st->c == c;
}

/* The next span goes to the pool.  Caller holds the lock; a slot is free. */
static void stream_push(struct stream *st)
{
	struct slot *slot = &st->slot[(st->lo + st->n_held) % N_SLOTS];
	const struct head *h = &st->c->head;
	uint32_t t = st->next_tile;

	slot->first = t;
	slot->off = head_tile_off(h, t);
	do
		slot->end = head_tile_off(h, ++t);
	while (t < h->n_tiles &&
	       head_tile_off(h, t + 1) - slot->off <= SLOT_BYTES);
	slot->n = t - slot->first;
	slot->busy = true;
	st->next_tile = t;
	st->n_held++;
	pool_push(st->store->pool, WORK_URGENT, &slot->work);
}

/* Lets go of what lies before off, and sets the pool to what comes. */
static void stream_advance(struct stream *st, uint64_t off)
{
	while (st->n_held) {
		const struct slot *slot = &st->slot[st->lo];

		if (slot->end > off || slot->busy || slot->pins)
			break;
		st->lo = (st->lo + 1) % N_SLOTS;
		st->n_held--;
	}
	while (st->n_held < N_SLOTS && st->next_tile < st->c->head.n_tiles)
		stream_push(st);
}

/* Whether a read at off goes on where the stream is, or may start it anew. */
static bool stream_takes(struct stream *st, uint64_t off)
{
	for (;;) {
		uint64_t end = head_tile_off(&st->c->head, st->next_tile);
		uint64_t from = st->n_held ? st->slot[st->lo].off : end;

		if (off >= from && off < end)
			return true;
		if (off != st->expected && off != 0)
			return false;
		if (!stream_in_use(st))
			break;
		pthread_cond_wait(&st->released, &st->lock);
	}
	st->n_held = 0;
	st->next_tile = head_tile_at(&st->c->head, off);
	return true;
}

/* The slots that hold the view's bytes from off on, pinned; or -EAGAIN. */
static int stream_pin(struct stream *st, uint64_t off, struct view *v)
{
	unsigned i = 0, n = 0;
	size_t done = 0;

	while (i < st->n_held && st->slot[(st->lo + i) % N_SLOTS].end <= off)
		i++;
	v->first = (st->lo + i) % N_SLOTS;
	for (; done < v->len; n++) {
		const struct slot *slot = &st->slot[(v->first + n) % N_SLOTS];

		if (i + n == st->n_held || n == VIEW_PIECES)
			return -EAGAIN; /* longer than all slots */

		uint64_t at = off + done - slot->off;
		size_t has = (size_t)(slot->end - slot->off - at);
		size_t take = v->len - done < has ? v->len - done : has;
		v->piece[n] = (struct iovec){ slot->buf + at, take };
		done += take;
	}
	v->n_pieces = n;
	for (i = 0; i < n; i++)
		st->slot[(v->first + i) % N_SLOTS].pins++;
	return 0;
}

/* Caller holds the lock. */
static void stream_unpin(struct stream *st, const struct view *v)
{
	for (unsigned i = 0; i < v->n_pieces; i++)
		st->slot[(v->first + i) % N_SLOTS].pins--;
	pthread_cond_broadcast(&st->released);
}

int stream_read(struct stream *st, uint64_t off, struct view *v)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&st->lock);
	int r = 0;

	if (!stream_takes(st, off))
		return -EAGAIN;
	stream_advance(st, off);
	if (stream_pin(st, off, v) < 0)
		return -EAGAIN;
	for (unsigned i = 0; r == 0 && i < v->n_pieces; i++) {
		struct slot *slot = &st->slot[(v->first + i) % N_SLOTS];

		while (slot->busy)
			pthread_cond_wait(&st->released, &st->lock);
		r = slot->error;
	}
	if (r < 0) {
		stream_unpin(st, v);
		return r;
	}
	st->expected = off + v->len;
	stream_advance(st, st->expected);
	v->stream = st;
	return 0;
}

void stream_read_done(struct stream *st, const struct view *v)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&st->lock);

	stream_unpin(st, v);
	stream_advance(st, st->expected);
}
