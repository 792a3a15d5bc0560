/* container.c - one entry's file on the backing, opened for reading */
#include "fs/store/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/tile.h"
#include "fs/store/budget.h"
#include "fs/store/local.h"
#include "fs/store/meter.h"

/* Of one load: stored bytes, and plain ones where they shrink a lot. */
#define SPAN_BYTES       (1u << 20)
#define SPAN_PLAIN_BYTES (4u << 20)

#define DIRECT_UNTRIED (-2)

/* The first bytes of the file at fd, and its length. */
static int container_brief(const struct io *io, int fd, struct head_brief *ret,
			   uint64_t *ret_len)
{
	uint8_t fixed[HEAD_FIXED_BYTES];
	ssize_t n = io->read(fd, fixed, sizeof(fixed), 0);
	struct stat st;

	if (n < 0)
		return (int)n;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -ENODATA;
	*ret_len = (uint64_t)st.st_size;
	return head_parse_brief(fixed, (size_t)n, ret);
}

int container_peek(const struct io *io, int fd, struct head_brief *ret)
{
	uint64_t len;
	int r = container_brief(io, fd, ret, &len);

	if (r < 0)
		return r;
	return ret->least_len > len ? -EBADMSG : 0;
}

static int container_read_head(struct container *c)
{
	struct head_brief brief;
	uint64_t len;
	int r = container_brief(c->io, c->fd, &brief, &len);

	if (r < 0)
		return r;
	if (brief.head_len > len)
		return -EBADMSG;

	auto_free uint8_t *head = malloc(brief.head_len);
	if (!head)
		return -ENOMEM;
	ssize_t n = c->io->read(c->fd, head, brief.head_len, 0);
	if (n < 0)
		return (int)n;
	if (n != (ssize_t)brief.head_len)
		return -EBADMSG;
	r = head_parse(head, brief.head_len, &c->head);
	if (r < 0)
		return r;

	c->n_layers = head_layers_present(&c->head, len);
	return c->n_layers >= head_least_layers(&c->head) ? 0 : -EBADMSG;
}

int container_open(const struct io *io, int fd, struct container **ret)
{
	struct container *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct container){
		.refs = 1, .io = io, .fd = fd, .direct_fd = DIRECT_UNTRIED
	};

	int r = container_read_head(c);
	if (r < 0) {
		head_done(&c->head);
		free(c);
		return r;
	}
	pthread_mutex_init(&c->lock, NULL);

	for (unsigned l = N_LAYERS; l-- > 0;)
		if (c->head.section[l].len)
			c->image_off = c->head.section[l].off;
	*ret = c;
	return 0;
}

struct container *container_get(struct container *c)
{
	c->refs++;
	return c;
}

void container_linger(struct container *c, struct budget *b, uint64_t bytes)
{
	c->lingers += bytes;
	c->budget = b;
}

struct container *container_close(struct container *c)
{
	if (!c || --c->refs)
		return NULL;
	close(c->fd);
	if (c->direct_fd >= 0)
		close(c->direct_fd);
	if (c->budget)
		budget_set_disk(c->budget, c->lingers, 0);
	container_keep_image(c, 0);
	pthread_mutex_destroy(&c->lock);
	head_done(&c->head);
	free(c);
	return NULL;
}

uint64_t container_image_bytes(const struct container *c, unsigned n_layers)
{
	uint64_t end = head_layers_bytes(&c->head, n_layers);

	return c->image_off && end > c->image_off ? end - c->image_off : 0;
}

unsigned container_image_layers(struct container *c)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&c->lock);

	if (!c->image)
		return 0;
	return head_layers_present(&c->head, c->image_off + c->image->len);
}

static void image_put(struct container *c, struct image *m)
{
	if (!m)
		return;
	pthread_mutex_lock(&c->lock);
	bool last = --m->refs == 0;
	pthread_mutex_unlock(&c->lock);
	if (!last)
		return;
	free(m->at);
	free(m);
}

static struct image *image_get(struct container *c)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&c->lock);

	if (c->image)
		c->image->refs++;
	return c->image;
}

int container_set_image(struct container *c, uint8_t *at, uint64_t len)
{
	struct image *m = malloc(sizeof(*m)), *old;

	if (!m)
		return -ENOMEM;
	*m = (struct image){ .refs = 1, .len = len, .at = at };
	pthread_mutex_lock(&c->lock);
	old = c->image;
	c->image = m;
	pthread_mutex_unlock(&c->lock);
	image_put(c, old);
	return 0;
}

/* Shortens an image that nobody reads.  Caller holds the lock. */
static void image_shorten(struct image *m, uint64_t keep)
{
	uint8_t *shorter = realloc(m->at, keep);

	if (shorter)
		m->at = shorter;
	m->len = keep;
}

uint64_t container_keep_image(struct container *c, unsigned n_layers)
{
	uint64_t keep = container_image_bytes(c, n_layers);
	struct image *old = NULL;

	pthread_mutex_lock(&c->lock);
	struct image *m = c->image;
	if (m && (!keep || (keep < m->len && m->refs > 1))) {
		old = m;
		c->image = NULL;
	} else if (m && keep < m->len) {
		image_shorten(m, keep);
	}
	uint64_t len = c->image ? c->image->len : 0;
	pthread_mutex_unlock(&c->lock);
	image_put(c, old);
	return len;
}

int container_cut(struct container *c, unsigned n_layers)
{
	if (n_layers >= c->n_layers)
		return 0;
	if (n_layers < head_least_layers(&c->head))
		return -EINVAL;

	int r = c->io->cut(c->fd, head_layers_bytes(&c->head, n_layers));
	if (r < 0)
		return r;
	c->n_layers = n_layers;
	container_keep_image(c, n_layers);
	return 0;
}

/*
 * A descriptor that reads past the page cache, made when it is first wanted:
 * an entry that is read from DRAM needs none.  -1: the backing has no such.
 */
static int container_direct(struct container *c)
{
	int none = DIRECT_UNTRIED;
	char path[64];

	if (c->direct_fd != DIRECT_UNTRIED)
		return c->direct_fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", c->fd);
	int fd = open(path, O_RDONLY | O_DIRECT | O_NOATIME | O_CLOEXEC);
	if (!atomic_compare_exchange_strong(&c->direct_fd, &none, fd) &&
	    fd >= 0)
		close(fd); /* another thread was faster */
	return c->direct_fd;
}

/*
 * Reads the bytes [off, off + len) of the file into buf, which holds len and
 * two blocks more.  Sets *ret to the first byte.
 */
static int container_fetch(struct container *c, uint64_t off, size_t len,
			   uint8_t *buf, const uint8_t **ret)
{
	int direct_fd = container_direct(c);
	bool direct = direct_fd >= 0;
	uint64_t from = direct ? off & ~(uint64_t)4095 : off;
	size_t want = (size_t)(off - from) + len;
	size_t ask = direct ? align_up(want, 4096) : want;

	meter_begin(METER_FETCH);
	ssize_t n = c->io->read(direct ? direct_fd : c->fd, buf, ask, from);
	meter_end(METER_FETCH, n > 0 ? (uint64_t)n : 0);
	if (n < 0)
		return (int)n;
	if ((size_t)n < want)
		return -EBADMSG;
	*ret = buf + (off - from);
	return 0;
}

int container_read_image(struct container *c, unsigned n_layers, uint8_t **ret)
{
	uint64_t len = container_image_bytes(c, n_layers);
	uint8_t *image = malloc(len ? len : 1);
	uint8_t *buf = local_buf(LOCAL_STORED, SPAN_BYTES + 8192);
	int r = image && buf ? 0 : -ENOMEM;

	for (uint64_t at = 0; r == 0 && at < len; at += SPAN_BYTES) {
		size_t n =
		    len - at < SPAN_BYTES ? (size_t)(len - at) : SPAN_BYTES;
		const uint8_t *src;

		r = container_fetch(c, c->image_off + at, n, buf, &src);
		if (r == 0)
			memcpy(image + at, src, n);
	}
	if (r < 0)
		free(image);
	else
		*ret = image;
	return r;
}

/* Where the layers of a run of tiles lie. */
struct span {
	struct image *image;         /* a reference, or NULL */
	const uint8_t *at[N_LAYERS]; /* first byte of the run, per layer */
};

/* The stored bytes if the image has them, or NULL. */
static const uint8_t *span_in_image(const struct container *c,
				    const struct span *span, uint64_t off,
				    size_t len)
{
	uint64_t at = off - c->image_off;

	if (!span->image || at + len > span->image->len)
		return NULL;
	return span->image->at + at;
}

static int container_fetch_span(struct container *c, uint32_t first, uint32_t n,
				struct span *ret)
{
	const struct head_tile *a = &c->head.tiles[first];
	const struct head_tile *z = &c->head.tiles[first + n - 1];
	size_t len[N_LAYERS], total = 0;
	uint64_t off[N_LAYERS];

	ret->image = image_get(c);
	for (unsigned l = 0; l < c->n_layers; l++) {
		len[l] = (size_t)(z->off[l] + z->len[l] - a->off[l]);
		off[l] = c->head.section[l].off + a->off[l];
		ret->at[l] = span_in_image(c, ret, off[l], len[l]);
		if (!ret->at[l] && len[l])
			total += align_up(len[l], 4096) + 8192;
	}

	uint8_t *buf = total ? local_buf(LOCAL_STORED, total) : NULL;
	if (total && !buf)
		return -ENOMEM;
	for (unsigned l = 0; l < c->n_layers; l++) {
		if (ret->at[l] || !len[l])
			continue;

		int r = container_fetch(c, off[l], len[l], buf, &ret->at[l]);
		if (r < 0)
			return r;
		buf += align_up(len[l], 4096) + 8192;
	}
	return 0;
}

static int container_decode(const struct container *c, uint32_t tile,
			    const struct span *span, uint32_t first,
			    uint8_t *dst)
{
	const struct head_tile *t = &c->head.tiles[tile];
	const struct head_tile *a = &c->head.tiles[first];
	struct coded_view in = { .n_layers = c->n_layers };
	struct shape shape = head_shape(&c->head, tile);

	if (!shape_valid(&shape))
		return -EBADMSG;
	for (unsigned l = 0; l < c->n_layers; l++) {
		if (!t->len[l])
			continue;
		in.len[l] = t->len[l];
		in.layer[l] = span->at[l] + (t->off[l] - a->off[l]);
		if (XXH3_64bits(in.layer[l], in.len[l]) != t->sum[l])
			return -EBADMSG;
	}

	int r = tile_decode(t->codec, &shape, &in, local_scratch(), dst);
	return r == -EOPNOTSUPP ? -EBADMSG : r;
}

int container_load(struct container *c, uint32_t first, uint32_t n,
		   uint8_t *dst)
{
	struct span span;
	uint64_t base = head_tile_off(&c->head, first);

	if (!local_scratch())
		return -ENOMEM;
	int r = container_fetch_span(c, first, n, &span);
	unsigned meter = METER_DECODE + c->n_layers - 1;

	meter_begin(meter);
	for (uint32_t t = first; r == 0 && t < first + n; t++)
		r = container_decode(c, t, &span, first,
				     dst + (head_tile_off(&c->head, t) - base));
	meter_end(meter,
		  r == 0 ? head_tile_off(&c->head, first + n) - base : 0);
	image_put(c, span.image);
	return r;
}

uint32_t container_span(const struct container *c, uint32_t first)
{
	uint64_t bytes = 0, plain = 0;
	uint32_t t = first;

	for (; t < c->head.n_tiles && bytes < SPAN_BYTES &&
	       plain < SPAN_PLAIN_BYTES;
	     t++) {
		struct shape shape = head_shape(&c->head, t);

		plain += shape_bytes(&shape);
		for (unsigned l = 0; l < c->n_layers; l++)
			bytes += c->head.tiles[t].len[l];
	}
	return t - first;
}

bool container_is_hole(const struct container *c, uint32_t first, uint32_t n)
{
	for (uint32_t t = first; t < first + n; t++)
		if (c->head.tiles[t].codec != CODEC_ZERO)
			return false;
	return true;
}
