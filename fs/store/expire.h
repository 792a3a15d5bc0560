/*
 * expire.h - what time does to an entry: its ttl ends, a soft pin lapses
 *
 * Both count from when it was last published or read; over a remount from when
 * its inode last changed, which a hit sees to once a minute.  Nothing wakes up
 * for it: who looks the entry up or opens it meets that it is gone, and who
 * needs room on the backing takes what has expired before anything else.
 *
 * All functions are thread-safe; no lock held but where it is said.
 */
#pragma once

#include <stdbool.h>

struct node;
struct store;

/* It was published just now.  Any lock may be held. */
void expire_touch(struct node *n);

/* It was read just now. */
void expire_hit(struct store *s, struct node *n);

/*
 * Whether a pin, as settings.h gives it, holds the entry at this moment.  Any
 * lock may be held.
 */
bool expire_pinned(const struct node *n, double pin);

/* Removes the entry if its ttl is over and nobody has it open; whether so. */
bool expire_now(struct store *s, struct node *n);

/* Seconds until its ttl may end; most: later than that, or never. */
double expire_left(struct store *s, struct node *n, double most);

/*
 * Removes all entries whose ttl is over, and tells the policy of soft pins that
 * lapsed; now and then, however often it is called.
 */
void expire_sweep(struct store *s);

/*
 * Nothing else can go: the policy may take what soft pins hold.  False: there
 * is no such.
 */
bool expire_yield(struct store *s);
