/*
 * mover.h - asks the policy, and carries out what it says
 *
 * The policy knows the published entries; one that is staged, or that cannot
 * be moved just now because somebody has it open, is forgotten and entered
 * again when it can.  All functions are thread-safe; none may be called with
 * entry.data or tree.names of any entry held, but for mover_forget.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct entry;
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

/*
 * The policy's own figures.  Returns what its places are worth as a share of
 * the most that any could be, by the LP bound; < 0: it cannot say.
 */
double mover_gauge(struct store *s, struct policy_gauge *ret);

/* A soft pin holds it no longer, whatever its settings say. */
void mover_unpin(struct store *s, struct node *n);

/* Evicts it.  False: somebody uses it, and it stays. */
bool mover_remove(struct store *s, struct node *n);

/*
 * Moves until the tier could take `need` bytes more, or nothing more can move;
 * once anything must go, down to the low watermark.  Returns whether anything
 * moved.
 */
bool mover_make_room(struct store *s, enum tier tier, uint64_t need);

/* Empties to the low watermark what is above the high one. */
void mover_level(struct store *s);
