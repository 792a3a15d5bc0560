/*
 * declared.c - a file that its owner has described
 *
 * Raw tensors whose shape stands nowhere in the file: SGLang's pages, LMCache's
 * objects without a head, AIBrix' and other engines' blocks.  A declaration
 * that the size contradicts (one of a directory, most likely meant for other
 * files) leaves the file to the other layouts.
 */
#include <errno.h>

#include "codec/codec.h"
#include "codec/layout/declare.h"
#include "codec/layout/layouts.h"

static int declared_recognise(const struct source *src, struct extents *ret)
{
	const struct declaration *d = src->declared;
	struct axes axes;

	if (!d)
		return -ENOENT;
	if (d->given == DECLARE_DTYPE && d->elem == ELEM_U8)
		return 0;

	int r = declare_solve(d, src->size, &axes);

	if (r == 0)
		r = axes_list(&axes, d->elem, d->header, ret);
	return r == -EINVAL ? -ENOENT : r;
}

const struct layout layout_declared = {
	.id = 4,
	.name = "declared",
	.recognise = declared_recognise,
};
