/*
 * explain.h - what the policy knows of entries and of itself, for a human
 *
 * A table of the options that the entry has, at today's prices, the chosen one
 * marked; below it, what would save more and why it was not taken.  Only of
 * policies that weigh options (struct policy's explain).  The face is
 * store_decision and store_decisions_text in store.h.  Thread-safe; no lock
 * held.
 */
#pragma once

#include "policy/curve.h"
#include "policy/plan.h"

struct node;
struct store;

/* What the policy knows of one entry, at one moment. */
struct decision {
	struct plan_reason reason[N_OPTIONS];
	struct policy_entry entry;
	struct policy_gauge gauge;
	double alpha, hits_per_s;
};

/* False: the policy does not know the entry, or does not weigh options. */
bool explain_entry(struct store *s, struct node *n, struct decision *ret);

/* What a stored byte of the entry saves, in seconds a second; 0: not known. */
double explain_worth(struct store *s, struct node *n);

/*
 * The policy's own figures.  Returns what its places are worth as a share of
 * the most that any could be, by the LP bound; < 0: it cannot say.
 */
double explain_gauge(struct store *s, struct policy_gauge *ret);
