/* walk.c - over all that is below a directory */
#include "fs/store/walk.h"

#include <errno.h>

#include "codec/mem.h"
#include "fs/store/tree.h"

struct link *walk_next(const struct node *top, const struct link *l)
{
	if (!l)
		return top->kids;
	const struct node *n = link_node(l);
	if (n->type == S_IFDIR && n->kids)
		return n->kids;
	/* A directory has one name, so the way up is the way it came. */
	while (!l->kid_next) {
		if (l->dir == top || !l->dir->links)
			return NULL;
		l = l->dir->links;
	}
	return l->kid_next;
}

/* Caller holds the lock. */
static int walk_add(struct walk *w, struct node *n)
{
	if (n->type != S_IFREG)
		return 0;
	if (w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 64;
		void *grown = realloc(w->node, cap * sizeof(*w->node));

		if (!grown)
			return -ENOMEM;
		w->node = grown;
		w->cap = cap;
	}
	n->refs++;
	w->node[w->n++] = n;
	return 0;
}

static int walk_all(struct tree *t, struct node *top, struct walk *w)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);
	int r = walk_add(w, top);
	struct link *l = NULL;

	if (top->type != S_IFDIR)
		return r;
	while (r == 0 && (l = walk_next(top, l)))
		if (l == link_node(l)->links)
			r = walk_add(w, link_node(l));
	return r;
}

int walk_files(struct tree *t, struct node *top, struct walk *ret)
{
	struct walk w = { 0 };
	int r = walk_all(t, top, &w);

	if (r < 0)
		walk_done(t, &w);
	else
		*ret = w;
	return r;
}

static int walk_order(const void *a, const void *b)
{
	uint64_t x = (*(struct node *const *)a)->used_ms;
	uint64_t y = (*(struct node *const *)b)->used_ms;

	return (x > y) - (x < y);
}

void walk_by_use(struct walk *w)
{
	if (w->n)
		qsort(w->node, w->n, sizeof(*w->node), walk_order);
}

void walk_done(struct tree *t, struct walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		node_put(t, w->node[i]);
	free(w->node);
}
