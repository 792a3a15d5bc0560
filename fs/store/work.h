/*
 * work.h - a pool of threads that runs queued work, the urgent first
 *
 * Two queues: what a reader waits for goes before what nobody waits for.  Idle
 * threads sleep; nothing polls.  All functions are thread-safe.
 */
#pragma once

#include <stdbool.h>

struct work;
struct pool;

/* Runs on a thread of the pool and may free w. */
typedef void work_fn(struct work *w);

/* Embedded in what is to be done; the caller's until pushed. */
struct work {
	struct work *next;
	work_fn *run;
};

enum urgency {
	WORK_URGENT, /* a reader waits */
	WORK_LATER,  /* packing and moves */
	N_URGENCIES,
};

/*
 * Starts n_threads threads, of which at most n_later run WORK_LATER at a time,
 * so that a load always finds a thread.  Each calls begin first, if that is not
 * NULL.  Returns NULL on failure.
 */
struct pool *pool_new(unsigned n_threads, unsigned n_later,
		      void (*begin)(void));

/* Queues w, which must not be queued already. */
void pool_push(struct pool *p, enum urgency u, struct work *w);

/* True while anything of WORK_LATER is queued or running. */
bool pool_later_busy(struct pool *p);

/* Waits until both queues are empty and all threads idle. */
void pool_drain(struct pool *p);

/* Drains, stops the threads.  Takes NULL; returns NULL. */
struct pool *pool_free(struct pool *p);
