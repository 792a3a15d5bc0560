/*
 * stream.c - a container read once from front to back, without a plain copy
 *
 * 1. The held slots are consecutive spans: slot[lo] first, n_held of them;
 *    `next` is the first tile behind them.
 * 2. A slot that is busy belongs to the pool, until it says ready.
 */
#include "fs/store/stream.h"

#include <errno.h>

#include "codec/mem.h"
#include "fs/store/container.h"
#include "fs/store/local.h"
#include "fs/store/state.h"

#define N_SLOTS    16
#define SPAN_BYTES (512u << 10) /* plain; one tile more at most */
#define SLOT_BYTES (SPAN_BYTES + TILE_MAX_BYTES)

struct slot {
	struct work work;
	struct stream *stream;
	uint32_t first, n; /* tiles */
	uint64_t off, end; /* their bytes in the file */
	bool busy;
	int error;
	uint8_t *buf; /* SLOT_BYTES */
};

struct stream {
	struct store *store;
	struct container *c;
	pthread_mutex_t turn; /* a reader's, before the lock */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t ready;
	struct slot slot[N_SLOTS];
	unsigned lo, n_held;
	uint32_t next;
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
	pthread_cond_broadcast(&st->ready);
}

struct stream *stream_new(struct store *s, struct container *c)
{
	if (!budget_take_clean(&s->budget, N_SLOTS * SLOT_BYTES))
		return NULL;
	struct stream *st = calloc(1, sizeof(*st));
	if (st)
		st->bufs = aligned_alloc(4096, N_SLOTS * SLOT_BYTES);
	if (!st || !st->bufs) {
		budget_set_clean(&s->budget, N_SLOTS * SLOT_BYTES, 0);
		free(st);
		return NULL;
	}
	st->store = s;
	st->c = container_get(c);
	pthread_mutex_init(&st->turn, NULL);
	pthread_mutex_init(&st->lock, NULL);
	pthread_cond_init(&st->ready, NULL);
	for (unsigned i = 0; i < N_SLOTS; i++) {
		st->slot[i].stream = st;
		st->slot[i].work.run = stream_run;
		st->slot[i].buf = st->bufs + (size_t)i * SLOT_BYTES;
	}
	return st;
}

/* Caller holds the lock. */
static void stream_settle(struct stream *st)
{
	for (unsigned i = 0; i < N_SLOTS; i++)
		while (st->slot[i].busy)
			pthread_cond_wait(&st->ready, &st->lock);
}

struct stream *stream_free(struct stream *st)
{
	if (!st)
		return NULL;
	pthread_mutex_lock(&st->lock);
	stream_settle(st);
	pthread_mutex_unlock(&st->lock);
	budget_set_clean(&st->store->budget, N_SLOTS * SLOT_BYTES, 0);
	container_close(st->c);
	pthread_mutex_destroy(&st->turn);
	pthread_mutex_destroy(&st->lock);
	pthread_cond_destroy(&st->ready);
	free(st->bufs);
	free(st);
	return NULL;
}

bool stream_is_of(const struct stream *st, const struct container *c)
{
	return st->c == c;
}

/* The next span goes to the pool.  Caller holds the lock; a slot is free. */
static void stream_push(struct stream *st)
{
	struct slot *slot = &st->slot[(st->lo + st->n_held) % N_SLOTS];

	slot->first = st->next;
	slot->off = head_tile_off(&st->c->head, st->next);
	do
		slot->end = head_tile_off(&st->c->head, ++st->next);
	while (st->next < st->c->head.n_tiles &&
	       slot->end - slot->off < SPAN_BYTES);
	slot->n = st->next - slot->first;
	slot->busy = true;
	st->n_held++;
	pool_push(st->store->pool, WORK_URGENT, &slot->work);
}

/* Lets go of what lies before off, and sets the pool to what comes. */
static void stream_advance(struct stream *st, uint64_t off)
{
	while (st->n_held && st->slot[st->lo].end <= off &&
	       !st->slot[st->lo].busy) {
		st->lo = (st->lo + 1) % N_SLOTS;
		st->n_held--;
	}
	while (st->n_held < N_SLOTS && st->next < st->c->head.n_tiles)
		stream_push(st);
}

/* Whether a read at off goes on where the stream is, or may start it anew. */
static bool stream_takes(struct stream *st, uint64_t off)
{
	uint64_t from = st->n_held ? st->slot[st->lo].off
				   : head_tile_off(&st->c->head, st->next);

	if (off >= from && off < head_tile_off(&st->c->head, st->next))
		return true;
	if (off != st->expected && off != 0)
		return false;
	stream_settle(st);
	st->n_held = 0;
	st->next = head_tile_at(&st->c->head, off);
	return true;
}

int stream_read(struct stream *st, uint64_t off, size_t len, const void **ret)
{
	uint8_t *dst = local_buf(LOCAL_PLAIN, len);
	size_t done = 0;

	if (!dst)
		return -ENOMEM;
	/* What it waits for shall not be let go by another reader. */
	auto_unlock pthread_mutex_t *turn = mutex_lock(&st->turn);
	auto_unlock pthread_mutex_t *held = mutex_lock(&st->lock);
	if (!stream_takes(st, off))
		return -EAGAIN;
	stream_advance(st, off);
	for (unsigned i = 0; done < len; i++) {
		struct slot *slot = &st->slot[(st->lo + i) % N_SLOTS];

		if (i >= st->n_held)
			return -EAGAIN; /* longer than all slots */
		while (slot->busy)
			pthread_cond_wait(&st->ready, &st->lock);
		if (slot->error < 0)
			return slot->error;
		if (slot->end <= off + done)
			continue;

		uint64_t at = off + done - slot->off;
		size_t has = (size_t)(slot->end - slot->off - at);
		size_t n = len - done < has ? len - done : has;
		memcpy(dst + done, slot->buf + at, n);
		done += n;
	}
	st->expected = off + len;
	stream_advance(st, st->expected);
	*ret = dst;
	return 0;
}
