/* cut.c - a file's bytes to the extents of a container's head */
#include "fs/store/cut.h"

#include <errno.h>
#include <stdlib.h>

#include "codec/tile.h"

static struct head_extent *cut_add(struct head *h)
{
	return &h->extents[h->n_extents++];
}

static void cut_opaque(struct head *h, uint64_t len)
{
	if (!len)
		return;
	*cut_add(h) = (struct head_extent){
		.len = len,
		.elem = ELEM_U8,
		.cols = 1,
		.tile_rows = tile_rows(ELEM_U8, 1),
	};
}

static void cut_tensor(struct head *h, const struct extent *e)
{
	uint32_t rows = tile_rows(e->elem, e->cols);

	if (!rows) {
		cut_opaque(h, e->len);
		return;
	}
	*cut_add(h) = (struct head_extent){
		.len = e->len,
		.elem = e->elem,
		.role = e->role,
		.model_layer = e->model_layer,
		.cols = e->cols,
		.tile_rows = rows,
	};
}

int cut_extents(const struct source *src, struct head *h)
{
	const struct layout *layout = NULL;
	struct extents found = { 0 };
	int r = layout_recognise(src, &layout, &found);

	if (r < 0) {
		extents_done(&found);
		return r;
	}
	h->layout = layout ? layout->id : LAYOUT_NONE;
	h->n_extents = 0;
	h->extents = calloc(2 * found.n + 1, sizeof(*h->extents));
	if (!h->extents)
		r = -ENOMEM;

	uint64_t at = 0;
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		cut_opaque(h, found.at[i].off - at);
		cut_tensor(h, &found.at[i]);
		at = found.at[i].off + found.at[i].len;
	}
	if (r == 0)
		cut_opaque(h, src->size - at);
	extents_done(&found);
	return r;
}
