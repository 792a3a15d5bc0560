/*
 * weight.h - bytes below each directory, and how many of all are pinned
 *
 * A regular file weighs what it stores and what it was promised while it is
 * staged, and hangs in the directory of its first name.  A directory weighs
 * what hangs below it: node.below.  tree.pinned_bytes is the weight of the
 * files that a hard pin holds, their own or of a directory above.
 *
 * Caller holds tree.lock.  No function fails.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fs/store/tree.h"

uint64_t weight_of(const struct node *n);

/* Where the node hangs, or NULL: the root, or nowhere any more. */
struct node *weight_dir(const struct node *n);

/* The node got its first name, or another one became its first. */
void weight_hang(struct tree *t, struct node *n);
/* Its first name is about to go.  Both do nothing for a node without one. */
void weight_unhang(struct tree *t, struct node *n);

/* What a file stores, and what it is promised. */
void weight_set(struct tree *t, struct node *n, uint64_t stored,
		uint64_t promised);

/* What the node's own setting says of a pin. */
void weight_pin(struct tree *t, struct node *n, enum node_pin pin);
bool weight_is_pinned(const struct node *n);

/*
 * The nearest directory above n whose quota `more` bytes would pass, or NULL.
 */
struct node *weight_over(const struct node *n, uint64_t more);

/* The same, were n moved into the directory `to`. */
struct node *weight_over_moved(const struct node *n, struct node *to);
