/*
 * move.h - carrying out what the policy says: copies, layers, entries
 *
 * Nothing is ever encoded anew: a move drops a copy in DRAM, shortens one,
 * reads one from the backing, cuts a container off, or removes it.  An entry
 * that somebody has open is never cut or removed, so that a handle reads the
 * bytes it opened.  Thread-safe; the caller holds no lock.
 */
#pragma once

#include <stdbool.h>

#include "policy/policy.h"

struct entry;
struct node;
struct store;

/* Takes out of DRAM what `to` does not have.  False: somebody uses it. */
bool move_demote(struct store *s, struct node *n, const struct place *to);

/*
 * The entry keeps only its first n_layers layers, everywhere; never fewer
 * than its owner's floor allows.  False: it is in use, or that forbids it.
 */
bool move_cut(struct store *s, struct node *n, unsigned n_layers);

/* Removes the entry everywhere.  False: somebody uses it. */
bool move_evict(struct store *s, struct node *n);

/* As `to` says, as far as that frees something.  False: not all of it. */
bool move_shrink(struct store *s, struct node *n, const struct place *to);

/* Soon, on a thread of the pool: the first n_layers layers are in DRAM. */
void move_promote(struct entry *e, unsigned n_layers);
