/* extents.c - a growing list of extents */
#include <errno.h>

#include "codec/layout/layout.h"
#include "codec/mem.h"

int extents_add(struct extents *list, const struct extent *e)
{
	if (list->n >= EXTENTS_MAX)
		return -ENOENT;

	if (list->n == list->cap) {
		size_t cap = list->cap ? 2 * list->cap : 64;
		void *at = reallocarray(list->at, cap, sizeof(*list->at));

		if (!at)
			return -ENOMEM;
		list->at = at;
		list->cap = cap;
	}
	list->at[list->n++] = *e;
	return 0;
}

void extents_done(struct extents *list)
{
	free(list->at);
	*list = (struct extents){ 0 };
}
