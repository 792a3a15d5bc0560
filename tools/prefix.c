/* prefix.c - a container's tiles, decoded from the first of their layers */
#include "tools/prefix.h"

#include <errno.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/tile.h"
#include "fs/store/local.h"

const char *const prefix_names[N_LAYERS] = { "head", "base", "refine1",
					     "refine2", "exact" };

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

	return e->role != ROLE_NONE &&
	       h->tiles[tile].codec == codec_by_name("grid")->id;
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
