/*
 * attr.h - the way to a node's attributes, for the files of this folder
 */
#pragma once

struct node;
struct store;

/*
 * A descriptor for the f*xattr calls, which the caller closes; or -errno:
 * -EPERM where the kernel allows no user attributes.  Caller holds names until
 * it has done with the descriptor: publishing puts another inode in its place.
 */
int attr_open(struct store *s, struct node *n);
