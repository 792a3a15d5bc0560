/*
 * walk.h - over all that is below a directory
 */
#pragma once

#include <stddef.h>

struct link;
struct node;
struct tree;

/*
 * The next name below the directory top, parents first: l is the one before,
 * NULL to begin with and at the end.  Caller holds tree.lock.
 */
struct link *walk_next(const struct node *top, const struct link *l);

/* Regular files, each once and with a reference. */
struct walk {
	struct node **node;
	size_t n, cap;
};

/*
 * All below the directory top by their first names, or top itself when it is a
 * file.  Takes tree.lock.  Returns 0 or -ENOMEM; walk_done on success.
 */
int walk_files(struct tree *t, struct node *top, struct walk *ret);
void walk_done(struct tree *t, struct walk *w);

/* Sorts them: what was used longest ago first. */
void walk_by_use(struct walk *w);
