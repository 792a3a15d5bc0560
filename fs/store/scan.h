/*
 * scan.h - learns what is on the backing, while everybody is served
 *
 * A restarted store serves at once: names are looked up as they are asked for.
 * What the backing holds in all, and in which order it was last used, is only
 * needed to hold size=; a thread finds out, and publishing waits for it.
 */
#pragma once

#include <stdbool.h>

struct node;
struct store;

/* Starts the thread.  Returns 0 or -errno. */
int scan_start(struct store *s);

/* Ends it early, if need be, and joins it. */
void scan_stop(struct store *s);

/* Until what the backing holds in all is known. */
void scan_wait(struct store *s);

/*
 * Until the policy knows of all that was there, so that it can make room of it;
 * heads are still read then.  False: it did before.  No lock held.
 */
bool scan_wait_told(struct store *s);

/* Finds every name of the node.  Caller holds names alone. */
void scan_links(struct store *s, struct node *n);
