/* packing.c - one entry on its way from staged bytes to a container */
#include "fs/store/packing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/tile.h"
#include "fs/store/clock.h"
#include "fs/store/cut.h"
#include "fs/store/entry.h"
#include "fs/store/known.h"
#include "fs/store/local.h"
#include "fs/store/publish.h"
#include "fs/store/quota.h"
#include "fs/store/rate.h"

static int packing_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct packing *p = ctx;
	ssize_t n = p->e->store->io->read(p->plain, dst, len, off);

	if (n < 0)
		return (int)n;
	return n == (ssize_t)len ? 0 : -EAGAIN; /* truncated meanwhile */
}

int packing_begin(struct packing *p, struct entry *e)
{
	struct store *s = e->store;

	*p = (struct packing){ .e = e, .plain = -1, .tmp = -1 };
	p->since_ns = clock_ns();
	snprintf(p->tmp_name, sizeof(p->tmp_name), "c.%llu",
		 (unsigned long long)atomic_fetch_add(&s->next_id, 1));

	auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);
	if (e->doomed || e->failed)
		return -EIO;
	if (!e->dirty)
		return -EALREADY;
	if (e->node->gone)
		return -ESTALE;
	p->plain = fcntl(e->plain->fd, F_DUPFD_CLOEXEC, 0);
	if (p->plain < 0)
		return -errno;
	p->change = e->change;
	p->head.logical_size = e->size;
	p->head.entry_id = e->node->id;
	p->damage = store_damage(s, e->node);
	p->floor_nats = store_floor(s, e->node);
	p->step = rate_step(p->damage, p->floor_nats);
	memcpy(p->lost, e->lost, sizeof(p->lost));
	return 0;
}

/* Stores the tile as it is. */
static int packing_raw(const void *plain, size_t len, uint8_t *dst,
		       struct coded *ret)
{
	memcpy(dst, plain, len);
	*ret = (struct coded){ .len[LAYER_EXACT] = (uint32_t)len };
	return 0;
}

/* Whether what was coded decodes to what it came from. */
static bool packing_verifies(uint8_t codec, const struct shape *shape,
			     const uint8_t *dst, const struct coded *coded,
			     const uint8_t *plain)
{
	size_t len = shape_bytes(shape);
	uint8_t *back = local_buf(LOCAL_STORED, len);
	struct coded_view in = { .n_layers = N_LAYERS };

	for (unsigned l = 0; l < N_LAYERS; l++) {
		in.layer[l] = dst;
		in.len[l] = coded->len[l];
		dst += coded->len[l];
	}
	return back &&
	       tile_decode(codec, shape, &in, local_scratch(), back) == 0 &&
	       !memcmp(back, plain, len);
}

/* Whether the tile lies in a hole of the plain copy. */
static bool packing_is_hole(struct packing *p, uint64_t off, size_t len)
{
	if (p->data < off) {
		off_t at = lseek(p->plain, (off_t)off, SEEK_DATA);

		if (at < 0) /* none, or the file system cannot tell */
			p->data = errno == ENXIO ? UINT64_MAX : off;
		else
			p->data = (uint64_t)at;
	}
	return p->data >= off + len;
}

static struct shape packing_shape(const struct packing *p, uint32_t tile)
{
	struct shape shape = head_shape(&p->head, tile);
	const struct head_extent *e =
	    &p->head.extents[p->head.tiles[tile].extent];

	/* A row of no role may be no token: such stays exact. */
	if (e->role == ROLE_NONE || !(p->step > 0))
		return shape;
	shape.step = p->step;
	if (p->profile)
		profile_shape(p->profile, e->model_layer, p->step, &shape);
	return shape;
}

static bool packing_is_recent(const struct packing *p, uint32_t tile)
{
	const struct head_extent *e =
	    &p->head.extents[p->head.tiles[tile].extent];

	return tile - e->first_tile >= head_recent(e);
}

/* Codes the tile into this thread's memory: its layers back to back. */
static int packing_code(struct packing *p, uint32_t tile, uint8_t *dst,
			uint8_t *ret_codec, struct coded *ret)
{
	struct shape shape = packing_shape(p, tile);
	size_t len = shape_bytes(&shape), cap = tile_bound(&shape);
	uint8_t *plain = local_buf(LOCAL_PLAIN, len);

	if (!plain || !local_scratch())
		return -ENOMEM;
	int r = packing_read(p, head_tile_off(&p->head, tile), plain, len);
	if (r == 0)
		r = tile_encode(&shape, plain, local_scratch(), dst, cap,
				ret_codec, ret);
	if (r == 0 && !packing_verifies(*ret_codec, &shape, dst, ret, plain)) {
		*ret_codec = CODEC_RAW;
		r = packing_raw(plain, len, dst, ret);
	}
	if (r == 0 && p->step > 0)
		tile_keep(*ret_codec, ret);
	if (r == 0 && p->window && packing_is_recent(p, tile))
		tile_recent(*ret_codec, ret);
	return r;
}

/* The extent's errors are the mean of its tiles'. */
static void packing_note_errors(struct packing *p, uint32_t tile,
				const struct coded *coded)
{
	struct head_extent *e = &p->head.extents[p->head.tiles[tile].extent];
	struct shape shape = head_shape(&p->head, tile);
	float share = (float)shape_bytes(&shape) / (float)e->len;

	for (unsigned l = 0; l < N_LAYERS; l++)
		e->error[l] += share * coded->error[l];
}

/*
 * One tile into the sinks.  The second time, only to be written, it must come
 * out as it did the first.
 */
static int packing_tile(struct packing *p, uint32_t tile, bool again)
{
	struct head_tile *t = &p->head.tiles[tile];
	struct shape shape = head_shape(&p->head, tile);
	size_t len = shape_bytes(&shape);
	uint8_t *dst = local_buf(LOCAL_CODED, tile_bound(&shape));
	struct coded coded;

	if (packing_is_hole(p, head_tile_off(&p->head, tile), len)) {
		t->codec = CODEC_ZERO;
		return 0;
	}
	int r = dst ? packing_code(p, tile, dst, &t->codec, &coded) : -ENOMEM;
	for (unsigned l = 0; r == 0 && l < N_LAYERS; l++) {
		uint64_t sum = XXH3_64bits(dst, coded.len[l]);

		if (again && (t->len[l] != coded.len[l] || t->sum[l] != sum))
			return -EAGAIN; /* written to meanwhile */
		t->len[l] = coded.len[l];
		t->sum[l] = sum;
		r = sink_put(&p->sink[l], dst, coded.len[l]);
		dst += coded.len[l];
	}
	if (r == 0 && !again)
		packing_note_errors(p, tile, &coded);
	return r;
}

static int packing_tiles(struct packing *p, bool again)
{
	int r = 0;

	p->data = 0;
	for (uint32_t t = 0; r == 0 && t < p->head.n_tiles; t++)
		r = packing_tile(p, t, again);
	return r;
}

static int packing_flush(struct packing *p)
{
	int r = 0;

	for (unsigned l = 0; r == 0 && l < N_LAYERS; l++)
		if (p->sink[l].total)
			r = sink_flush(&p->sink[l]);
	return r;
}

static void packing_begin_sinks(struct packing *p, bool keep)
{
	for (unsigned l = 0; l < N_LAYERS; l++) {
		sink_done(&p->sink[l]);
		sink_init(&p->sink[l], p->e->store, p->tmp, keep);
	}
}

/*
 * A section starts where the one before ends, which is known when all tiles
 * are coded.  Where DRAM cannot keep them until then, they are coded twice.
 */
static int packing_layers(struct packing *p)
{
	bool kept = true;
	int r = packing_tiles(p, false);

	if (r < 0)
		return r;
	head_place(&p->head);
	for (unsigned l = 0; l < N_LAYERS; l++)
		kept = kept && (p->sink[l].keep || !p->sink[l].total);
	if (!kept)
		packing_begin_sinks(p, false);
	for (unsigned l = 0; l < N_LAYERS; l++)
		sink_place(&p->sink[l], p->head.section[l].off);
	if (!kept)
		r = packing_tiles(p, true);
	return r == 0 ? packing_flush(p) : r;
}

/* One section: it starts where the counts say. */
static int packing_exact(struct packing *p)
{
	p->head.layer_mask = p->head.n_tiles ? 1u << LAYER_EXACT : 0;
	sink_place(&p->sink[LAYER_EXACT],
		   align_up(head_bytes(&p->head), HEAD_ALIGN));

	int r = packing_tiles(p, false);
	head_place(&p->head);
	return r == 0 ? packing_flush(p) : r;
}

/* What was lost before it was copied up is lost at every rate. */
static void packing_add_lost(struct packing *p)
{
	for (uint32_t i = 0; i < p->head.n_extents; i++) {
		struct head_extent *e = &p->head.extents[i];

		for (unsigned l = 0; e->role != ROLE_NONE && l < N_LAYERS; l++)
			e->error[l] += p->lost[e->role == ROLE_V];
	}
}

static int packing_sections(struct packing *p)
{
	struct store *s = p->e->store;

	packing_begin_sinks(p,
			    p->head.logical_size <= s->budget.memory_limit / 8);
	int r = p->step > 0 ? packing_layers(p) : packing_exact(p);
	if (r == 0)
		packing_add_lost(p);
	return r;
}

static int packing_head(struct packing *p)
{
	size_t len = head_bytes(&p->head);
	auto_free void *head = malloc(len);

	if (!head)
		return -ENOMEM;
	head_pack(&p->head, head);
	return p->e->store->io->write(p->tmp, head, len, 0);
}

/* The small files beside it that some layouts need. */
static int packing_sidecar(void *ctx, const char *name, void *buf, size_t cap,
			   size_t *ret_len)
{
	const struct packing *p = ctx;

	return known_file(p->e->store, name, buf, cap, ret_len);
}

/*
 * Where the task lets tokens go and the floor pays for half of them, that comes
 * before a base that is as coarse as the floor.
 */
static void packing_window(struct packing *p)
{
	if (!(rate_window_step(p->damage, p->floor_nats, 0.5) > 0))
		return;
	float step =
	    rate_window_step(p->damage, p->floor_nats, head_halve(&p->head));

	if (step > 0) {
		p->window = true;
		p->step = step;
	}
}

/* Finds the tensors. */
static int packing_cut(struct packing *p)
{
	struct source src = {
		.size = p->head.logical_size,
		.read = packing_read,
		.sidecar = packing_sidecar,
		.ctx = p,
	};
	struct known known;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&p->e->data);

		known_init(&known, p->e);
	}
	known_tell(&known, &src);
	int r = cut_extents(&src, &p->head);
	known_done(&known);
	if (r == 0 && p->step > 0) {
		p->profile = profiles_find(&p->e->store->profiles,
					   p->head.extents, p->head.n_extents);
		packing_window(p);
	}
	return r;
}

int packing_encode(struct packing *p)
{
	struct store *s = p->e->store;
	int r = packing_cut(p);

	if (r == 0)
		r = head_cut(&p->head);
	if (r == 0)
		r = s->io->create(s->tmp, p->tmp_name);
	if (r < 0)
		return r;
	p->tmp = r;
	r = packing_sections(p);
	return r == 0 ? packing_head(p) : r;
}

int packing_sync(struct packing *p)
{
	return p->e->store->io->sync(p->tmp);
}

static void packing_count(const struct packing *p)
{
	struct counters *c = &p->e->store->counters;

	c->packed++;
	c->packed_in += p->head.logical_size;
	c->packed_out += p->head.file_len;
	c->pack_ns += clock_ns() - p->since_ns;
}

/* Among what shares the quota that the container would pass. */
static bool packing_make_room(const struct packing *p,
			      const struct container *c)
{
	struct stat st;

	return fstat(c->fd, &st) == 0 &&
	       quota_make_room(p->e->store, p->e->node,
			       (uint64_t)st.st_blocks * 512);
}

int packing_publish(struct packing *p)
{
	struct container *c;

	/* It is on disk and in DRAM: not in the page cache, too. */
	posix_fadvise(p->tmp, 0, 0, POSIX_FADV_DONTNEED);
	int r = container_open(p->e->store->io, p->tmp, &c);

	if (r < 0)
		return r;
	p->tmp = -1; /* the container's */
	uint64_t image_len = container_image_bytes(c, N_LAYERS);
	uint8_t *image = sinks_take(p->sink, N_LAYERS, c->image_off, image_len);
	if (image && container_set_image(c, image, image_len) < 0) {
		free(image);
		budget_set_clean(&p->e->store->budget, image_len, 0);
		image = NULL;
	}

	do
		r = publish(p->e, p->tmp_name, c, p->change);
	while (r == -EDQUOT && packing_make_room(p, c));
	if (r < 0) {
		budget_set_clean(&p->e->store->budget, image ? image_len : 0,
				 0);
		container_close(c);
		return r;
	}
	p->tmp_name[0] = 0;
	packing_count(p);
	return 0;
}

void packing_done(struct packing *p)
{
	struct store *s = p->e->store;

	if (p->plain >= 0)
		close(p->plain);
	if (p->tmp >= 0)
		close(p->tmp);
	if (p->tmp_name[0])
		s->io->unlink(s->tmp, p->tmp_name); /* if it was made */
	head_done(&p->head);
	for (unsigned l = 0; l < N_LAYERS; l++)
		sink_done(&p->sink[l]);
}
