/*
 * names.h - from a name on the backing to a node, for the files of this folder
 */
#pragma once

#include <stdbool.h>

#include <sys/stat.h>

struct node;
struct spot;
struct store;

/*
 * The node of dir's name and what the backing says of it; nothing yet of an
 * entry's bytes.  Caller holds names; owns a reference to *ret.  Returns 0 or
 * -errno.
 */
int names_child(struct store *s, struct node *dir, const char *name,
		struct node **ret, struct stat *ret_st);

/*
 * Learns size and id of a published entry.  Caller holds names.  Returns 0 or
 * what container_peek says.
 */
int names_peek(struct store *s, struct node *n, struct node *dir,
	       const char *name);

/*
 * Counts a published entry against size=, once; whether this was the time: then
 * the caller tells the policy.  Caller does not hold names.
 */
bool names_count(struct store *s, struct node *n, const struct stat *st);

/*
 * The backing's stat of an entry turned into what the client is shown.
 * Takes e's locks when the entry is in memory.
 */
void names_show(struct store *s, struct node *n, struct stat *st);
