/* prefix.c - a container's tiles, decoded from the first of their layers */
#include "tools/prefix.h"

#include <errno.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/tile.h"
#include "fs/store/local.h"
#include "tools/coding.h"

const char *const prefix_names[N_LAYERS] = { "head",    "window",  "base",
					     "refine1", "refine2", "exact" };

unsigned prefix_of(const char *name)
{
	for (unsigned l = 0; l < N_LAYERS; l++)
		if (!strcmp(prefix_names[l], name))
			return l + 1;
	return 0;
}

/* Whether fewer layers than all say anything of the tile. */
static bool prefix_lossy(const struct head *h, uint32_t tile)
{
	const struct head_extent *e = &h->extents[h->tiles[tile].extent];

	return e->role != ROLE_NONE && coding_layered(h->tiles[tile].codec);
}

/* The layers' bytes one after the other in buf, and where each of them is. */
static int prefix_fetch(const struct container *c, const struct head_tile *t,
			uint8_t *buf, struct coded_view *in)
{
	for (unsigned l = 0; l < in->n_layers; l++) {
		uint64_t off = c->head.section[l].off + t->off[l];
		size_t len = t->len[l];

		if (!len)
			continue;
		ssize_t n = c->io->read(c->fd, buf, len, off);
		if (n < 0)
			return (int)n;
		if ((size_t)n < len || XXH3_64bits(buf, len) != t->sum[l])
			return -EBADMSG;
		in->layer[l] = buf;
		in->len[l] = t->len[l];
		buf += len;
	}
	return 0;
}

int prefix_load(struct container *c, uint32_t tile, unsigned n_layers,
		uint8_t *dst)
{
	const struct head_tile *t = &c->head.tiles[tile];
	struct shape shape = head_shape(&c->head, tile);
	struct coded_view in = { .n_layers = n_layers };
	size_t total = 1;

	if (n_layers == N_LAYERS || !prefix_lossy(&c->head, tile))
		return container_load(c, tile, 1, dst);
	for (unsigned l = 0; l < n_layers; l++)
		total += t->len[l];

	uint8_t *buf = local_buf(LOCAL_STORED, total);
	if (!buf || !local_scratch())
		return -ENOMEM;
	if (!shape_valid(&shape))
		return -EBADMSG;
	int r = prefix_fetch(c, t, buf, &in);

	return r < 0 ? r
		     : tile_decode(t->codec, &shape, &in, local_scratch(), dst);
}

size_t prefix_row_bytes(const struct head_extent *e)
{
	return (size_t)e->cols * elem_bytes(e->elem);
}

uint64_t prefix_n_rows(const struct head_extent *e)
{
	return e->len / prefix_row_bytes(e);
}

int prefix_rows(struct container *c, uint32_t extent, uint64_t from,
		uint64_t to, unsigned n_layers, uint8_t *dst)
{
	const struct head_extent *e = &c->head.extents[extent];
	size_t row = prefix_row_bytes(e);

	if (from >= to || to > prefix_n_rows(e))
		return -ERANGE;
	uint8_t *tile = local_buf(LOCAL_PLAIN, e->tile_rows * row);
	if (!tile)
		return -ENOMEM;
	for (uint64_t at = from, end; at < to; at = end) {
		uint32_t t = (uint32_t)(at / e->tile_rows);
		uint64_t first = (uint64_t)t * e->tile_rows;
		int r = prefix_load(c, e->first_tile + t, n_layers, tile);

		if (r < 0)
			return r;
		end = first + e->tile_rows < to ? first + e->tile_rows : to;
		memcpy(dst, tile + (at - first) * row, (end - at) * row);
		dst += (end - at) * row;
	}
	return 0;
}
