/*
 * damage.h - from the error a rung leaves to the quality it costs
 *
 * The container records, per rung, the relative mean square error of K and of
 * V (0: exact).  Their damage is the KLD, in nats, that they cause in what the
 * model says next; a task's sensitivity turns that into lost quality.  The
 * built-in curve is a fit over 197 judged caches of one model: the order is
 * right, the level within a factor of 1.9, and 2 to 5 times low for tasks
 * that search their context.  Fit one's own (docs/policy.md says how).
 * Pure; thread-safe.
 */
#pragma once

struct damage {
	double k_gain, k_power; /* nats: gain * error^power, of K */
	double v_gain, v_power; /* and of V */
	double sensitivity;     /* quality lost per nat, > 0 */
};

/* KLD = 0.35 eK + 0.11 eV, and one unit of quality a nat. */
extern const struct damage DAMAGE_DEFAULT;

/* What is wrong with a curve, as half a sentence, or NULL. */
const char *damage_fault(const struct damage *d);

/* KLD in nats that these errors are expected to cause; errors >= 0. */
double damage_nats(const struct damage *d, double k_error, double v_error);

/* 1 - quality, 0 to 1; errors >= 0, and no number is the worst. */
float damage_loss(const struct damage *d, double k_error, double v_error);
