/* packing.c - one entry on its way from staged bytes to a container */
#include "fs/store/packing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/tile.h"
#include "fs/store/cut.h"
#include "fs/store/entry.h"
#include "fs/store/local.h"
#include "fs/store/publish.h"
#include "fs/store/quota.h"

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
	clock_gettime(CLOCK_MONOTONIC, &p->since);
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
	return 0;
}

/* Stores the tile as it is. */
static int packing_raw(const void *plain, size_t len, uint8_t *dst, size_t cap,
		       struct coded *ret)
{
	if (len > cap)
		return -E2BIG;
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
	struct coded_view in = {
		.layer[LAYER_EXACT] = dst,
		.len[LAYER_EXACT] = coded->len[LAYER_EXACT],
		.n_layers = N_LAYERS,
	};

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

static int packing_tile(struct packing *p, uint32_t tile)
{
	struct head_tile *t = &p->head.tiles[tile];
	struct shape shape = head_shape(&p->head, tile);
	size_t len = shape_bytes(&shape), cap = tile_bound(&shape);

	if (packing_is_hole(p, head_tile_off(&p->head, tile), len)) {
		t->codec = CODEC_ZERO;
		return 0;
	}
	uint8_t *plain = local_buf(LOCAL_PLAIN, len);
	uint8_t *dst = sink_reserve(&p->sink, cap);
	struct coded coded;

	if (!plain || !dst || !local_scratch())
		return -ENOMEM;
	int r = packing_read(p, head_tile_off(&p->head, tile), plain, len);
	if (r == 0)
		r = tile_encode(&shape, plain, local_scratch(), dst, cap,
				&t->codec, &coded);
	if (r == 0 && !packing_verifies(t->codec, &shape, dst, &coded, plain)) {
		t->codec = CODEC_RAW;
		r = packing_raw(plain, len, dst, cap, &coded);
	}
	if (r < 0)
		return r;

	t->len[LAYER_EXACT] = coded.len[LAYER_EXACT];
	t->sum[LAYER_EXACT] = XXH3_64bits(dst, t->len[LAYER_EXACT]);
	return sink_commit(&p->sink, t->len[LAYER_EXACT]);
}

/* All tiles into the one section, which starts where the counts say. */
static int packing_section(struct packing *p)
{
	struct store *s = p->e->store;
	bool keep = p->head.logical_size <= s->budget.memory_limit / 8;
	int r = 0;

	p->head.layer_mask = p->head.n_tiles ? 1u << LAYER_EXACT : 0;
	sink_init(&p->sink, s, p->tmp,
		  align_up(head_bytes(&p->head), HEAD_ALIGN), keep);
	for (uint32_t t = 0; r == 0 && t < p->head.n_tiles; t++)
		r = packing_tile(p, t);
	return r == 0 ? sink_flush(&p->sink) : r;
}

static int packing_head(struct packing *p)
{
	head_place(&p->head);

	size_t len = head_bytes(&p->head);
	auto_free void *head = malloc(len);

	if (!head)
		return -ENOMEM;
	head_pack(&p->head, head);
	return p->e->store->io->write(p->tmp, head, len, 0);
}

int packing_encode(struct packing *p)
{
	struct store *s = p->e->store;
	struct source src = { p->head.logical_size, packing_read, p };
	int r = cut_extents(&src, &p->head);

	if (r == 0)
		r = head_cut(&p->head);
	if (r == 0)
		r = s->io->create(s->tmp, p->tmp_name);
	if (r < 0)
		return r;
	p->tmp = r;
	r = packing_section(p);
	return r == 0 ? packing_head(p) : r;
}

int packing_sync(struct packing *p)
{
	return p->e->store->io->sync(p->tmp);
}

static void packing_count(const struct packing *p)
{
	struct counters *c = &p->e->store->counters;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	c->packed++;
	c->packed_in += p->head.logical_size;
	c->packed_out += p->head.file_len;
	c->pack_ns += (uint64_t)((now.tv_sec - p->since.tv_sec) * 1000000000 +
				 now.tv_nsec - p->since.tv_nsec);
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
	c->image = sink_take(&p->sink);
	uint64_t charged = c->image ? container_image_bytes(c) : 0;

	do
		r = publish(p->e, p->tmp_name, c, p->change);
	while (r == -EDQUOT && packing_make_room(p, c));
	if (r < 0) {
		budget_set_clean(&p->e->store->budget, charged, 0);
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
	sink_done(&p->sink);
}
