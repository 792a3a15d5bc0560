/*
 * look.h - what a policy is told of an entry
 *
 * Thread-safe; no lock held.
 */
#pragma once

#include "policy/policy.h"

struct node;
struct store;

/*
 * What there is to know of the entry, and where its copies really are.  Only
 * one of several layers that is not in memory has to be opened for that.
 */
void look_at(struct store *s, struct node *n, struct facts *facts,
	     struct place *at);

/* Where its copies are alone: cheap, where it is in memory. */
struct place look_place(struct store *s, struct node *n);
