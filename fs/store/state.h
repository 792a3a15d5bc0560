/*
 * state.h - the parts of a store, for the files of this folder
 *
 * Locks, outermost first:
 *
 *   tree.names       the backing's namespace: alone to change a name, shared
 *                    to look at one.  Held across metadata calls only.
 *   settings_lock    one change of a setting or of the tuning at a time.
 *   entry.data       which copies of an entry's bytes there are.  Shared to
 *                    read and write bytes, alone to change the copies.
 *   entry.lock       an entry's counts, times and flags; short.
 *   mover.lock       the policy.  entries_lock: node -> entry.
 *   tree.lock, budget.lock, plain.lock, pool: innermost, never two at once.
 *
 * No lock is held while a container is written or an entry encoded; entry.data
 * is held shared while bytes are copied, decoded or replied.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "fs/store/budget.h"
#include "fs/store/io.h"
#include "fs/store/plain.h"
#include "fs/store/profiles.h"
#include "fs/store/store.h"
#include "fs/store/tree.h"
#include "fs/store/work.h"
#include "policy/policy.h"

/* The most damage in nats that the owner accepts; 0: bit-exact for ever. */
double store_floor(struct store *s, struct node *n);

/* How its task turns errors into that; as long as the store lives. */
const struct damage *store_damage(struct store *s, struct node *n);

/* Counters that .kv/metrics shows; all since the start. */
struct counters {
	_Atomic uint64_t read_bytes, write_bytes; /* logical, by clients */
	_Atomic uint64_t hits_plain, hits_packed, hits_backing; /* opens */
	_Atomic uint64_t packed, packed_in, packed_out, pack_ns;
	_Atomic uint64_t loaded_in, loaded_out, load_ns;
	_Atomic uint64_t evicted, evicted_bytes;
	_Atomic uint64_t cut, cut_bytes; /* containers; what that freed */
	_Atomic uint64_t expired;        /* of these: their ttl was over */
	_Atomic uint64_t dropped_writes; /* acknowledged, then no room */
	_Atomic uint64_t quarantined;
	_Atomic uint64_t spilled; /* staged entries moved to the backing */
	_Atomic uint64_t waited;  /* writes that met back-pressure */
	_Atomic uint64_t io_errors;
};

/* Entries that are encoded and wait for a sync that they share. */
struct commit {
	pthread_mutex_t lock; /* guards all below */
	struct packing *first;
	unsigned n;
	bool queued;
	struct work work;
};

struct mover {
	pthread_mutex_t lock; /* guards the run and the nodes' policy */
	const struct policy *policy;
	struct policy_run *run;
	struct world world; /* as it is now */
	struct world told;  /* as the run knows it */
	FILE *record;       /* of all calls; NULL: none */
	uint64_t start_ns;
};

/* How far the scan is. */
enum scan_stage {
	SCAN_LOOKING,
	SCAN_COUNTED, /* what the backing holds in all is known */
	SCAN_TOLD,    /* and the policy knows of each */
	SCAN_LOOKED,  /* its size and kind, too */
};

struct store {
	struct store_options options;
	const struct io *io;
	int backing, tmp, quarantine; /* directories: O_PATH */
	int lock_fd;                  /* flock: one daemon per backing */
	struct tree tree;
	struct plain_home home;
	struct budget budget;
	struct pool *pool;
	struct mover mover;
	struct commit commit;
	struct profiles profiles;
	struct counters counters;
	pthread_mutex_t entries_lock; /* node->entry, entry->refs, lists */
	struct handle *handles;       /* all that are open */
	struct stream *spare_streams; /* for the next readers */
	unsigned n_spare_streams;
	_Atomic uint64_t n_entries;
	uint64_t entries_limit;   /* in memory; each has descriptors */
	_Atomic uint64_t next_id; /* of entries, and of temporaries */
	_Atomic bool stopping;
	pthread_mutex_t settings_lock;
	_Atomic uint64_t sweep_ms; /* when expire.c may look again */

	/* Of the tuning, what is not the mover's; changes under settings_lock.
	 */
	_Atomic uint64_t size, free_floor, recompute;
	_Atomic unsigned high, low;

	/* The scan that learns what is on the backing; publishing waits. */
	pthread_t scanner;
	bool scanning; /* started, to be joined */
	pthread_mutex_t scan_lock;
	pthread_cond_t scan_ended;
	enum scan_stage scan_stage; /* scan_lock */
};
