/*
 * damage.h - from the error a rung leaves to the quality it costs
 *
 * The container records, per rung, the relative mean square error of K and of
 * V (0: exact).  Their damage is the KLD, in nats, that they cause in what the
 * model says next; a task's sensitivity turns that into lost quality.  Tokens
 * that are dropped are a damage of their own: next to none where what is near
 * decides what comes next, and fatal where the answer stands among them, so
 * that only a task that names a price has any dropped.
 * Pure; thread-safe.
 */
#pragma once

#include <stdbool.h>

struct damage {
	double k_gain, k_power; /* nats: gain * error^power, of K */
	double v_gain, v_power; /* and of V */

	/*
	 * And gain * share^power of the share of tokens that are dropped, the
	 * oldest, beside the damage of what is kept.  INFINITY: none may be.
	 */
	double dropped_gain, dropped_power;
	double sensitivity; /* quality lost per nat, > 0 */
};

/*
 * KLD = 0.35 eK + 0.11 eV, and one unit of quality a nat: a fit over 197 judged
 * caches of one model.  The order is right, the level within a factor of 1.9,
 * and 2 to 5 times low for tasks that search their context.  No token may go.
 */
extern const struct damage DAMAGE_DEFAULT;

/*
 * Where only what comes next matters and nothing is looked up: the errors as
 * above, and a price of what is dropped (tools/measure_task.py).
 */
extern const struct damage DAMAGE_CONTINUE;

/* What is wrong with a curve, as half a sentence, or NULL. */
const char *damage_fault(const struct damage *d);

/* KLD in nats that these errors are expected to cause; errors >= 0. */
double damage_nats(const struct damage *d, double k_error, double v_error);

/* And that dropping a share of the tokens is, 0 to 1; INFINITY: it must not be.
 */
double damage_dropped(const struct damage *d, double share);

/* Whether the task lets tokens go at all. */
bool damage_drops(const struct damage *d);

/* The error, of K and of V alike, that does so much damage; nats > 0. */
double damage_error(const struct damage *d, double nats);

/* 1 - quality, 0 to 1, at a damage of nats >= 0; no number is the worst. */
float damage_loss(const struct damage *d, double nats);
