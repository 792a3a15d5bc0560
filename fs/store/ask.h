/*
 * ask.h - the calls of the policy, and a record of them
 *
 * Every call that changes a run goes through here, so that with the store's
 * option `record` each is written down as policy/record.h says, and
 * `adaptcache simulate --replay` can take every decision again.  The caller
 * holds the mover's lock.  A record that cannot be written ends, with a line
 * in the log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "policy/policy.h"

struct mover;
struct node;
struct walk;

/*
 * Names of evicted entries that a run remembers: a hundred KiB, and few enough
 * that a policy's rounds over them do not hold up its learning.
 */
#define ASK_GHOSTS 4096

/* The file of a record, for its owner alone; NULL: errno says why. */
FILE *ask_open(const char *path);

/* Begins m->run of m->policy in m->world.  path: the record, or NULL. */
int ask_start(struct mover *m, const char *path);
void ask_stop(struct mover *m);

/*
 * Takes file, or NULL: the record from now on, of a policy that has run before
 * and knows these nodes.  world: with the limits as they were given.
 */
void ask_join(struct mover *m, FILE *file, const struct world *world,
	      double now_s, const struct walk *known);

/* Another policy: the record ends, for it has only one. */
void ask_switch(struct mover *m, const struct policy *policy,
		struct policy_run *run);

/* Tells m->world, if it has changed. */
void ask_world(struct mover *m);

void ask_tick(struct mover *m, double now_s, size_t budget);
int ask_enter(struct mover *m, double now_s, const struct facts *facts,
	      struct node *n, struct policy_answer *ret);
void ask_hit(struct mover *m, double now_s, struct node *n,
	     struct policy_answer *ret);
bool ask_press(struct mover *m, double now_s, struct policy_move *ret);
void ask_revise(struct mover *m, double now_s, struct node *n,
		const struct facts *facts);
void ask_moved(struct mover *m, double now_s, struct node *n,
	       const struct place *place);
void ask_forget(struct mover *m, struct node *n);
