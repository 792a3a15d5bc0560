/*
 * entry.h - an entry: the bytes of one regular file, wherever they are
 *
 * An entry is in memory while it is open, staged, or has a copy in DRAM.
 * States and what moves between them:
 *
 *   staged   `dirty`: the plain copy is the truth; on the backing is an empty
 *            file, or the container of before
 *   packing  staged, and a thread encodes what it was; a write meanwhile makes
 *            the result worthless, and it is thrown away
 *   packed   clean: `cont` is the truth; `plain` and cont->image are copies
 *
 *   staged -> packed    publish.c, under tree.names and data, both alone;
 *                       a crash before the rename leaves what was before
 *   packed -> staged    entry_stage, data alone; nothing on the backing changes
 *   plain, image dropped  data alone
 *   any -> quarantined  quarantine.c, under tree.names alone
 *
 * Functions take the locks they need (state.h) unless they say otherwise.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "fs/store/container.h"
#include "fs/store/state.h"

/* Of one file: its head must fit in DRAM.  Longer ones get EFBIG. */
#define ENTRY_MAX_BYTES (1ull << 40)

struct entry {
	struct store *store;
	struct node *node; /* holds a reference */
	unsigned refs;     /* store->entries_lock */

	pthread_rwlock_t data; /* guards the next six */
	int fd; /* the inode on the backing, for its attributes */
	struct container *cont; /* NULL: never published.  Owns fd then. */
	struct plain *plain;
	_Atomic bool dirty;
	_Atomic uint64_t image_charged; /* bytes of DRAM for cont->image */
	float lost[2]; /* K, V: relative error of what it was copied from */

	pthread_mutex_t lock;         /* guards the rest */
	pthread_cond_t packed;        /* a packing ended */
	uint64_t size;                /* logical; changes under data, too */
	uint64_t change;              /* counts writes and truncations */
	struct timespec mtime, ctime; /* while dirty */
	unsigned n_open, n_writers;
	_Atomic unsigned n_passed;  /* handles the kernel serves itself */
	bool packing, queued, held; /* held: by a copy or by being dirty */
	bool evicted;               /* room was made for it once already */
	bool doomed;         /* a write failed: dropped at the last close */
	_Atomic bool skip;   /* a drain could not publish it */
	_Atomic bool failed; /* damaged: no byte of it is served any more */
	uint64_t promised;   /* of its quotas while dirty: plain bytes */
	uint64_t room;       /* of the backing, promised for them */
	struct work pack;
};

/*
 * The node's entry with a reference, opening its container when it is not in
 * memory.  -ESTALE: gone, or damaged and quarantined.  Caller does not hold
 * tree.names.
 */
int entry_get(struct store *s, struct node *n, struct entry **ret);

/* The entry if it is in memory, or NULL. */
struct entry *entry_peek(struct store *s, struct node *n);

/* A new empty staged entry over the empty file fd, which it takes. */
int entry_new(struct store *s, struct node *n, int fd, struct entry **ret);

void entry_get_again(struct entry *e);
void entry_put(struct entry *e);

/*
 * Keeps the entry in memory while it is dirty or has copies in DRAM, and lets
 * it go when not.  Call after any change of these, with no lock held.
 */
void entry_settle(struct entry *e);

/* Nanoseconds of CLOCK_REALTIME as a timespec. */
struct timespec entry_now(void);

/*
 * Makes the entry staged with its first `keep` bytes (UINT64_MAX: all).
 * Caller holds data alone.  Returns 0 or -errno.
 */
int entry_stage(struct entry *e, uint64_t keep);

/* The plain copy goes; caller holds data alone, and it is clean. */
void entry_drop_plain(struct entry *e);
/* The packed copy in DRAM keeps only these layers; 0: none. */
void entry_keep_image(struct entry *e, unsigned n_layers);

/*
 * Its last name went: what it stores is counted until nobody reads it.  Caller
 * holds names alone.
 */
void entry_gone(struct store *s, struct node *n);

/* What was promised while it was dirty is given back. */
void entry_unpromise(struct entry *e);

/* Sets the size of a staged or published entry. */
int entry_truncate(struct entry *e, uint64_t size);
