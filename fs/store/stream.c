/*
 * stream.c - a container read once from front to back, without a plain copy
 *
 * 1. The held slots are consecutive spans: slot[lo] first, n_held of them;
 *    `next_tile` is the first tile behind them.
 * 2. A slot that is busy belongs to the pool, until it says ready.  A slot
 *    that is pinned is being replied from.  Neither is let go.  Who needs
 *    others to go waits in line, those who are behind first.
 * 3. Fresh memory costs more than decoding into it.  So there are few slots,
 *    and a stream that is done with is kept for the next reader.
 */
#include "fs/store/stream.h"

#include <errno.h>

#include "codec/mem.h"
#include "fs/store/container.h"
#include "fs/store/room.h"
#include "fs/store/state.h"

#define N_SLOTS    8
#define SLOT_BYTES TILE_MAX_BYTES /* plain; as many whole tiles as fit */
#define BUFS_BYTES (N_SLOTS * SLOT_BYTES)

/* As much as the kernel asks for at a time for one large read. */
#define NEAR_BYTES (32u << 20)

/* Of memory=, what one stream may take. */
#define MOST_SHARE 4

/* What may be kept for the next readers, and of memory=. */
#define MAX_SPARES  8
#define SPARE_SHARE 16

struct slot {
	struct work work;
	struct stream *stream;
	uint32_t first, n; /* tiles */
	uint64_t off, end; /* their bytes in the file */
	bool busy;
	unsigned pins;
	int error;
	pthread_cond_t ready; /* not busy */
	uint8_t *buf;         /* SLOT_BYTES */
};

/* What a read asks for: bytes of the file. */
struct range {
	uint64_t off, end;
};

/* Somebody who waits for slots to be let go.  Only the first looks. */
struct waiter {
	struct waiter *next; /* by off */
	uint64_t off;
	pthread_cond_t turn;
};

struct stream {
	struct stream *next; /* spare ones; the store's entries_lock */
	struct store *store;
	struct container *c;
	pthread_mutex_t lock; /* guards all below */
	struct waiter *waiters;
	struct slot slot[N_SLOTS];
	unsigned lo, n_held, n_pins;
	uint32_t next_tile;
	uint64_t expected; /* where the last read ended */
	uint8_t *bufs;
};

/* Caller holds the lock. */
static void stream_wake(struct stream *st)
{
	if (st->waiters)
		pthread_cond_signal(&st->waiters->turn);
}

/* Caller holds the lock. */
static void stream_queue(struct stream *st, struct waiter *w)
{
	struct waiter **at = &st->waiters;

	while (*at && (*at)->off <= w->off)
		at = &(*at)->next;
	w->next = *at;
	*at = w;
}

/* Caller holds the lock. */
static void stream_unqueue(struct stream *st, const struct waiter *w)
{
	struct waiter **at = &st->waiters;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	stream_wake(st);
}

static void stream_run(struct work *w)
{
	struct slot *slot =
	    (struct slot *)((char *)w - offsetof(struct slot, work));
	struct stream *st = slot->stream;
	int r = container_load(st->c, slot->first, slot->n, slot->buf);

	auto_unlock pthread_mutex_t *held = mutex_lock(&st->lock);
	slot->error = r;
	slot->busy = false;
	pthread_cond_broadcast(&slot->ready);
	stream_wake(st);
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

	if (s->n_spare_streams == MAX_SPARES ||
	    (s->n_spare_streams + 1ull) * BUFS_BYTES >
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
	for (unsigned i = 0; i < N_SLOTS; i++)
		pthread_cond_destroy(&st->slot[i].ready);
	free(st->bufs);
	free(st);
}

static struct stream *stream_make(struct store *s)
{
	if (BUFS_BYTES > s->options.memory / MOST_SHARE ||
	    !room_clean(s, BUFS_BYTES))
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
	for (unsigned i = 0; i < N_SLOTS; i++) {
		st->slot[i].stream = st;
		pthread_cond_init(&st->slot[i].ready, NULL);
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
	bool busy = false;

	for (unsigned i = 0; i < N_SLOTS; i++)
		busy = busy || st->slot[i].busy;
	return busy || st->n_pins;
}

struct stream *stream_free(struct stream *st)
{
	struct waiter w = { .turn = PTHREAD_COND_INITIALIZER };

	if (!st)
		return NULL;
	pthread_mutex_lock(&st->lock);
	stream_queue(st, &w);
	while (stream_in_use(st))
		pthread_cond_wait(&w.turn, &st->lock);
	stream_unqueue(st, &w);
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
	/* Alone the first tile: somebody waits for it. */
	do
		slot->end = head_tile_off(h, ++t);
	while (st->n_held && t < h->n_tiles &&
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

/* Whether the held slots have a range.  Caller holds the lock. */
static bool stream_has(const struct stream *st, struct range r)
{
	return st->n_held && r.off >= st->slot[st->lo].off &&
	       r.end <= head_tile_off(&st->c->head, st->next_tile);
}

/*
 * Whether it begins in them, or ahead of where others read at this moment: a
 * large read comes as many, and those are not quite in order.
 */
static bool stream_is_near(const struct stream *st, struct range r)
{
	uint64_t end = head_tile_off(&st->c->head, st->next_tile);

	if (!st->n_held || r.off < st->slot[st->lo].off)
		return false;
	return r.off < end || (r.off - end < NEAR_BYTES && st->n_pins);
}

/* Brings the stream nearer to it; false: not before a slot is let go. */
static bool stream_move(struct stream *st, struct range r)
{
	const struct slot *slot = &st->slot[st->lo];

	if (stream_is_near(st, r)) {
		if (slot->busy || slot->pins)
			return false;
		stream_advance(st, slot->end);
		return true;
	}
	if (stream_in_use(st))
		return false;
	st->n_held = 0;
	st->next_tile = head_tile_at(&st->c->head, r.off);
	st->expected = r.off;
	stream_advance(st, r.off);
	return true;
}

/*
 * Waits until the stream has the range.  False: it does not go on where the
 * stream is, nor start it anew.  Caller holds the lock.
 */
static bool stream_takes(struct stream *st, struct range r)
{
	struct waiter w = { .off = r.off, .turn = PTHREAD_COND_INITIALIZER };
	bool has;

	stream_queue(st, &w);
	while (!(has = stream_has(st, r))) {
		if (r.off && r.off != st->expected && !stream_is_near(st, r))
			break;
		if (st->waiters != &w || !stream_move(st, r))
			pthread_cond_wait(&w.turn, &st->lock);
	}
	stream_unqueue(st, &w);
	return has;
}

/*
 * Pins the slots that have the range.  They are three at most: two in a row
 * have more than SLOT_BYTES, or the second would be part of the first.
 */
static void stream_pin(struct stream *st, struct range r, struct view *v)
{
	unsigned at = st->lo;

	while (st->slot[at].end <= r.off)
		at = (at + 1) % N_SLOTS;
	v->first = at;
	for (v->n_pieces = 0; r.off < r.end; v->n_pieces++) {
		struct slot *slot = &st->slot[at];
		uint64_t end = slot->end < r.end ? slot->end : r.end;

		v->piece[v->n_pieces] =
		    (struct iovec){ slot->buf + (r.off - slot->off),
				    (size_t)(end - r.off) };
		slot->pins++;
		st->n_pins++;
		r.off = end;
		at = (at + 1) % N_SLOTS;
	}
}

/* Caller holds the lock. */
static void stream_unpin(struct stream *st, const struct view *v)
{
	for (unsigned i = 0; i < v->n_pieces; i++)
		st->slot[(v->first + i) % N_SLOTS].pins--;
	st->n_pins -= v->n_pieces;
	stream_wake(st);
}

int stream_read(struct stream *st, uint64_t off, struct view *v)
{
	struct range range = { off, off + v->len };
	auto_unlock pthread_mutex_t *held = mutex_lock(&st->lock);
	int r = 0;

	if (v->len > SLOT_BYTES || !stream_takes(st, range))
		return -EAGAIN;
	stream_pin(st, range, v);
	for (unsigned i = 0; r == 0 && i < v->n_pieces; i++) {
		struct slot *slot = &st->slot[(v->first + i) % N_SLOTS];

		while (slot->busy)
			pthread_cond_wait(&slot->ready, &st->lock);
		r = slot->error;
	}
	if (r < 0) {
		stream_unpin(st, v);
		return r;
	}
	if (range.end > st->expected)
		st->expected = range.end;
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
