/*
 * notify.h - tells the kernel what it should forget, from a thread of its own
 *
 * Dropping a name waits for its directory's lock, which a process may hold
 * that waits for us; so nobody who serves a request may do it.
 */
#pragma once

struct fuse_session;
struct node;
struct notify;

/* NULL on failure. */
struct notify *notify_new(void);

/* From now on there is a kernel to tell; NULL: not any more. */
void notify_session(struct notify *n, struct fuse_session *se,
		    struct node *root);

/* Takes NULL; returns NULL. */
struct notify *notify_free(struct notify *n);

/* struct store_options.stale with a struct notify as ctx. */
void notify_stale(void *ctx, struct node *node, const char *name);
