/*
 * mover.h - tells the policy what happens to entries, and takes its answers
 *
 * The policy knows the published entries; one that is staged, or that cannot
 * be moved just now because somebody has it open, is forgotten and entered
 * again when it can.  All functions are thread-safe; none above the line may be
 * called with entry.data or tree.names of any entry held, but for mover_forget.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct entry;
struct mover;
struct node;
struct store;

int mover_init(struct store *s);
void mover_done(struct store *s);

/* A published entry: bytes as in node->size and node->stored. */
void mover_enter(struct store *s, struct node *n);

/* It is read.  Returns where its copies should be from now on. */
struct place mover_hit(struct store *s, struct node *n);

/* It has another copy in DRAM, or one less; not because it was read. */
void mover_tell(struct store *s, struct node *n);

/* It is staged, or gone. */
void mover_forget(struct store *s, struct node *n);

/* Its settings are others than when it was entered. */
void mover_revise(struct store *s, struct node *n);

/* A soft pin holds it no longer, whatever its settings say. */
void mover_unpin(struct store *s, struct node *n);

/* Evicts it.  False: somebody uses it, and it stays. */
bool mover_remove(struct store *s, struct node *n);

/*
 * What could not be moved just now is forgotten, so that it is not asked for
 * again.  False: nobody has it open, so no release enters it again.
 */
bool mover_set_aside(struct store *s, struct node *n);

/* ---- caller holds mover.lock ---- */

/* The policy's time. */
double mover_now(const struct mover *m);

/* The policy has forgotten it. */
void mover_unknow(struct store *s, struct node *n);
