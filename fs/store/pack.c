/* pack.c - staged bytes to a published container */
#include "fs/store/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/tile.h"
#include "fs/store/cut.h"
#include "fs/store/entry.h"
#include "fs/store/local.h"
#include "fs/store/mover.h"
#include "fs/store/publish.h"
#include "fs/store/room.h"
#include "fs/store/sink.h"

/* Tries before a client that writes all the time is made to wait. */
#define PACK_TRIES 3

/* What is packed: the staged bytes as they were at one moment. */
struct packing {
	struct entry *e;
	int fd; /* the plain copy's, our own */
	uint64_t change;
	struct head head;
	struct sink sink;
	char tmp_name[32];
};

static int packing_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct packing *p = ctx;
	ssize_t n = p->e->store->io->read(p->fd, dst, len, off);

	if (n < 0)
		return (int)n;
	return n == (ssize_t)len ? 0 : -EAGAIN; /* truncated meanwhile */
}

/* Takes the moment.  Returns 0, or -EALREADY when there is nothing staged. */
static int packing_begin(struct packing *p, struct entry *e)
{
	auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	struct store *s = e->store;

	*p = (struct packing){ .e = e, .fd = -1 };
	if (!e->dirty)
		return -EALREADY;
	p->fd = fcntl(e->plain->fd, F_DUPFD_CLOEXEC, 0);
	if (p->fd < 0)
		return -errno;
	p->change = e->change;
	p->head.logical_size = e->size;
	p->head.entry_id = e->node->id;
	snprintf(p->tmp_name, sizeof(p->tmp_name), "c.%llu",
		 (unsigned long long)atomic_fetch_add(&s->next_id, 1));
	return 0;
}

static void packing_done(struct packing *p)
{
	if (p->fd >= 0)
		close(p->fd);
	head_done(&p->head);
	sink_done(&p->sink);
}

/* Stores the tile as it is. */
static int pack_raw(const void *plain, size_t len, uint8_t *dst, size_t cap,
		    struct coded *ret)
{
	if (len > cap)
		return -E2BIG;
	memcpy(dst, plain, len);
	*ret = (struct coded){ .len[LAYER_EXACT] = (uint32_t)len };
	return 0;
}

/* Whether what was coded decodes to what it came from. */
static bool pack_verifies(uint8_t codec, const struct shape *shape,
			  const uint8_t *dst, const struct coded *coded,
			  const uint8_t *plain)
{
	size_t len = shape_bytes(shape);
	uint8_t *back = local_buf(LOCAL_STORED, len);
	struct coded_view in = {
		.layer[LAYER_EXACT] = dst,
		.len[LAYER_EXACT] = coded->len[LAYER_EXACT],
		.n_layers = N_LAYERS,
	};

	return back &&
	       tile_decode(codec, shape, &in, local_scratch(), back) == 0 &&
	       !memcmp(back, plain, len);
}

static int pack_tile(struct packing *p, uint32_t tile)
{
	struct head_tile *t = &p->head.tiles[tile];
	struct shape shape = head_shape(&p->head, tile);
	size_t len = shape_bytes(&shape), cap = tile_bound(&shape);
	uint8_t *plain = local_buf(LOCAL_PLAIN, len);
	uint8_t *dst = sink_reserve(&p->sink, cap);
	struct coded coded;

	if (!plain || !dst || !local_scratch())
		return -ENOMEM;
	int r = packing_read(p, head_tile_off(&p->head, tile), plain, len);
	if (r == 0)
		r = tile_encode(&shape, plain, local_scratch(), dst, cap,
				&t->codec, &coded);
	if (r == 0 && !pack_verifies(t->codec, &shape, dst, &coded, plain)) {
		t->codec = CODEC_RAW;
		r = pack_raw(plain, len, dst, cap, &coded);
	}
	if (r < 0)
		return r;

	t->len[LAYER_EXACT] = coded.len[LAYER_EXACT];
	t->sum[LAYER_EXACT] = XXH3_64bits(dst, t->len[LAYER_EXACT]);
	return sink_commit(&p->sink, t->len[LAYER_EXACT]);
}

/* Encodes all tiles into the temporary, then its head; all synced. */
static int pack_encode(struct packing *p, int tmp)
{
	struct store *s = p->e->store;
	struct source src = { p->head.logical_size, packing_read, p };
	int r = cut_extents(&src, &p->head);

	if (r == 0)
		r = head_cut(&p->head);
	if (r < 0)
		return r;

	/* One section, so its place follows from the counts. */
	p->head.layer_mask = p->head.n_tiles ? 1u << LAYER_EXACT : 0;
	uint64_t off = align_up(head_bytes(&p->head), HEAD_ALIGN);
	bool keep = p->head.logical_size <= s->budget.memory_limit / 8;
	sink_init(&p->sink, s, tmp, off, keep);
	for (uint32_t t = 0; r == 0 && t < p->head.n_tiles; t++)
		r = pack_tile(p, t);
	if (r == 0)
		r = sink_flush(&p->sink);
	if (r < 0)
		return r;

	head_place(&p->head);
	size_t len = head_bytes(&p->head);
	auto_free void *head = malloc(len);
	if (!head)
		return -ENOMEM;
	head_pack(&p->head, head);
	r = s->io->write(tmp, head, len, 0);
	if (r == 0)
		r = s->io->sync(tmp);
	posix_fadvise(tmp, 0, 0, POSIX_FADV_DONTNEED);
	return r;
}

/* Encodes and publishes one moment; the temporary is gone on failure. */
static int pack_into(struct packing *p)
{
	struct store *s = p->e->store;
	struct container *c = NULL;
	int tmp = s->io->create(s->tmp, p->tmp_name);

	if (tmp < 0)
		return tmp;
	int r = pack_encode(p, tmp);
	if (r == 0)
		r = container_open(s->io, tmp, &c);
	if (r < 0) {
		close(tmp);
	} else {
		c->image = sink_take(&p->sink);
		r = publish(p->e, p->tmp_name, c, p->change);
		if (r < 0)
			container_close(c);
	}
	if (r < 0)
		s->io->unlink(s->tmp, p->tmp_name);
	return r;
}

static void pack_count(struct packing *p, struct timespec since)
{
	struct counters *c = &p->e->store->counters;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	c->packed++;
	c->packed_in += p->head.logical_size;
	c->packed_out += p->head.file_len;
	c->pack_ns += (uint64_t)((now.tv_sec - since.tv_sec) * 1000000000 +
				 now.tv_nsec - since.tv_nsec);
}

/*
 * One moment, with one more try after an eviction where the backing was full.
 * Returns as pack_now, or -EAGAIN when it was written to meanwhile.
 */
static int pack_once(struct entry *e)
{
	struct packing p;
	struct timespec since;

	clock_gettime(CLOCK_MONOTONIC, &since);
	for (bool again = false;; again = true) {
		int r = packing_begin(&p, e);
		uint64_t size = p.head.logical_size;

		if (r == -EALREADY)
			return 0;
		if (r == 0)
			r = pack_into(&p);
		if (r == 0)
			pack_count(&p, since);
		packing_done(&p);
		if (r != -ENOSPC || again ||
		    !mover_make_room(e->store, TIER_SSD, size))
			return r;
	}
}

/* Caller has set e->packing. */
static int pack_try(struct entry *e)
{
	int r = -EAGAIN;

	for (int i = 0; r == -EAGAIN && i < PACK_TRIES; i++)
		r = pack_once(e);
	if (r == 0) {
		struct store *s = e->store;

		mover_enter(s, e->node);
		s->options.stale(s->options.stale_ctx, e->node, NULL);
	}
	budget_kick(&e->store->budget);

	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	e->packing = false;
	pthread_cond_broadcast(&e->packed);
	return r;
}

int pack_now(struct entry *e)
{
	int r;

	do {
		pthread_mutex_lock(&e->lock);
		while (e->packing)
			pthread_cond_wait(&e->packed, &e->lock);
		e->packing = true;
		pthread_mutex_unlock(&e->lock);
		r = pack_try(e);
	} while (r == -EAGAIN);
	entry_settle(e);
	return r == -ESTALE ? 0 : r;
}

void pack_queue(struct entry *e)
{
	bool push;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		push =
		    e->dirty && !e->queued && !e->n_writers && !e->node->gone;
		if (push)
			e->queued = true;
	}
	if (!push)
		return;
	entry_get_again(e);
	pool_push(e->store->pool, WORK_LATER, &e->pack);
}

void pack_run(struct work *w)
{
	struct entry *e =
	    (struct entry *)((char *)w - offsetof(struct entry, pack));
	bool go;

	pthread_mutex_lock(&e->lock);
	e->queued = false;
	go = !e->packing && !e->n_writers;
	if (go)
		e->packing = true;
	pthread_mutex_unlock(&e->lock);

	int r = go ? pack_try(e) : 0;
	if (r == -EAGAIN)
		pack_queue(e); /* unless a writer is there: then it will */
	else if (r < 0 && r != -ESTALE)
		publish_give_up(e, r);
	entry_settle(e);
	entry_put(e);
}
