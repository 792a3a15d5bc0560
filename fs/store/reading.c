/* reading.c - an entry's bytes to a client, from wherever they are */
#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/expire.h"
#include "fs/store/handle.h"
#include "fs/store/load.h"
#include "fs/store/local.h"
#include "fs/store/meter.h"
#include "fs/store/move.h"
#include "fs/store/mover.h"
#include "fs/store/press.h"
#include "fs/store/quarantine.h"
#include "fs/store/room.h"
#include "fs/store/settings.h"
#include "fs/store/stream.h"

/* An access time this old is told to the backing: evictors look at it. */
#define ATIME_S 60

/* Less is decoded before a stream would be set up. */
#define STREAM_LEAST_BYTES (2u << 20)

static struct place reading_count_hit(struct entry *e)
{
	struct counters *c = &e->store->counters;
	struct timespec now = entry_now(), times[2] = { now };
	struct stat st;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (e->plain)
			c->hits_plain++;
		else if (e->image_charged)
			c->hits_packed++;
		else
			c->hits_backing++;
		times[1].tv_nsec = UTIME_OMIT;
		if (!e->dirty && fstat(e->fd, &st) == 0 &&
		    st.st_atim.tv_sec + ATIME_S < now.tv_sec)
			futimens(e->fd, times);
	}
	e->node->hits++;
	e->node->last_hit_s = (uint32_t)now.tv_sec;
	expire_hit(e->store, e->node);
	return mover_hit(e->store, e->node);
}

/* Gives a clean entry an empty plain copy to be filled, if there is room. */
static void reading_make_cache(struct entry *e)
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
	mover_tell(s, e->node);
	load_ahead(e);
	press_level(s);
}

static void reading_piece(struct view *v, void *data)
{
	v->piece[0] = (struct iovec){ data, v->len };
	v->n_pieces = 1;
}

/* Plain bytes of a file of ours, copied.  Caller holds data shared. */
static int reading_copy(struct entry *e, uint64_t off, struct view *v)
{
	uint8_t *buf = local_buf(LOCAL_PLAIN, v->len);

	if (!buf)
		return -ENOMEM;
	ssize_t n = e->store->io->read(e->plain->fd, buf, v->len, off);
	if (n < 0)
		return (int)n;
	/* Written past the end of what the file has: holes are zeros. */
	memset(buf + n, 0, v->len - (size_t)n);
	reading_piece(v, buf);
	return 0;
}

/* Decodes into this thread's memory.  Caller holds data shared. */
static int reading_decode(struct entry *e, uint64_t off, struct view *v)
{
	const struct head *h = &e->cont->head;
	uint32_t first = head_tile_at(h, off);
	uint32_t last = head_tile_at(h, off + v->len - 1);
	uint64_t from = head_tile_off(h, first);
	uint64_t end = head_tile_off(h, last + 1);
	uint8_t *buf = local_buf(LOCAL_PLAIN, (size_t)(end - from));

	if (!buf)
		return -ENOMEM;
	reading_piece(v, buf + (off - from));
	return container_load(e->cont, first, last - first + 1, buf);
}

/* From the container: as a stream while the reads are one. */
static int reading_packed(struct handle *h, uint64_t off, struct view *v)
{
	struct entry *e = h->entry;
	struct stream *st = h->stream;
	int r = -EAGAIN;

	if (st && stream_is_of(st, e->cont))
		r = stream_read(st, off, v);
	return r == -EAGAIN ? reading_decode(e, off, v) : r;
}

/* Caller holds data shared; the view's length is within the file. */
static int reading_range(struct handle *h, uint64_t off, struct view *v)
{
	struct entry *e = h->entry;

	if (e->failed)
		return -EIO;
	if (e->dirty || (e->plain && !e->plain->map))
		return reading_copy(e, off, v);
	if (!e->plain)
		return reading_packed(h, off, v);

	reading_piece(v, e->plain->map + off);
	return load_range(e, off, v->len);
}

/* The container is damaged: nothing of it is served any more. */
static void reading_fail(struct entry *e)
{
	bool first;

	pthread_mutex_lock(&e->lock);
	first = !e->failed;
	e->failed = true;
	pthread_mutex_unlock(&e->lock);
	if (first)
		quarantine_node(e->store, e->node, -EBADMSG);
}

/* Reads a clean entry from its container, if it is worth a stream. */
static bool reading_stream(struct store *s, struct handle *h)
{
	struct entry *e = h->entry;
	struct container *c;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (e->dirty || e->plain || !e->cont ||
		    e->size < STREAM_LEAST_BYTES)
			return false;
		c = container_get(e->cont);
	}
	h->stream = stream_new(s, c);
	container_close(c);
	return h->stream;
}

/*
 * Who is read for the first time is read past DRAM: most are never asked for
 * again, and a plain copy costs fresh memory.  The second time earns it one, or
 * its owner's word that it belongs in DRAM.
 */
static void reading_prepare(struct store *s, struct handle *h,
			    const struct place *to)
{
	struct entry *e = h->entry;
	struct settings now;
	bool again = e->node->hits > 1;

	settings_look(s, e->node, &now);
	bool keep = now.number[SETTING_TIER] == SETTING_TIER_MEM;
	bool never = now.number[SETTING_TIER] == SETTING_TIER_SSD;
	bool plain = keep || (to->plain & 1u << TIER_RAM && !never);

	if (!never && again)
		move_promote(e, to->ram);
	if (plain && (again || keep))
		reading_make_cache(e);
	if (!reading_stream(s, h) && plain)
		reading_make_cache(e);
}

/* Starts the meter of serving packed bytes.  Caller holds data shared. */
static void reading_meter(struct entry *e, struct view *v)
{
	if (e->dirty || e->plain || !e->cont || !v->len ||
	    container_image_layers(e->cont) < e->cont->n_layers)
		return;
	v->meter = METER_SERVE + e->cont->n_layers - 1;
	meter_begin(v->meter);
}

static void reading_meter_end(const struct view *v, uint64_t bytes)
{
	if (v->meter)
		meter_end(v->meter, bytes);
}

int store_read(struct store *s, struct handle *h, uint64_t off, size_t len,
	       struct view *ret)
{
	struct entry *e = h->entry;
	struct view v = { .held = e };
	uint64_t size;
	int r = 0;

	if (!atomic_exchange(&h->hit, true)) {
		struct place to = reading_count_hit(e);

		reading_prepare(s, h, &to);
	}
	pthread_rwlock_rdlock(&e->data);
	pthread_mutex_lock(&e->lock);
	size = e->size;
	pthread_mutex_unlock(&e->lock);

	if (off < size)
		v.len = size - off < len ? (size_t)(size - off) : len;
	reading_meter(e, &v);
	if (v.len)
		r = reading_range(h, off, &v);
	if (r < 0) {
		reading_meter_end(&v, 0);
		pthread_rwlock_unlock(&e->data);
		if (r == -EBADMSG)
			reading_fail(e);
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
	reading_meter_end(v, v->len);
	if (v->stream)
		stream_read_done(v->stream, v);
	pthread_rwlock_unlock(&v->held->data);
	entry_put(v->held);
}

/* The plain copy's descriptor if it can stand for the file, or -1. */
static int reading_pass(struct handle *h)
{
	struct entry *e = h->entry;
	auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	if (e->n_writers || e->failed || !e->plain || !e->plain->in_dram ||
	    !plain_complete(e->plain) || e->plain->charged < e->size)
		return -1; /* to map a hole would fill DRAM behind our back */
	if (!h->passed)
		e->n_passed++;
	h->passed = true;
	return e->plain->fd;
}

int store_pass(struct store *s, struct handle *h)
{
	int fd = reading_pass(h);

	(void)s;
	/* The kernel will not tell us of the reads. */
	if (fd >= 0 && !atomic_exchange(&h->hit, true))
		reading_count_hit(h->entry);
	return fd;
}
