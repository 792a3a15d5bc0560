/* expire.c - what time does to an entry: its ttl ends, a soft pin lapses */
#include "fs/store/expire.h"

#include <time.h>

#include "codec/mem.h"
#include "fs/store/mover.h"
#include "fs/store/settings.h"
#include "fs/store/state.h"
#include "fs/store/walk.h"

/* Of the time between two sweeps, what a sweep may take: a tenth. */
#define SWEEP_PAUSE_MS 1000
#define SWEEP_PAUSE    10

static uint64_t expire_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Unused for so long; a clock that was set back makes it young. */
static bool expire_passed(const struct node *n, double seconds)
{
	uint64_t now = expire_clock_ms(), used = n->used_ms;

	return used && now > used && (double)(now - used) > seconds * 1000;
}

/* Whether anybody ever asked for this: else nothing needs looking at. */
static bool expire_wanted(struct store *s, enum setting_id id)
{
	return s->tree.set_ever & 1u << id;
}

void expire_touch(struct node *n)
{
	n->used_ms = expire_clock_ms();
}

void expire_hit(struct store *s, struct node *n)
{
	struct settings now;

	expire_touch(n);
	if (!expire_wanted(s, SETTING_PIN))
		return;
	settings_look(s, n, &now);
	double pin = now.number[SETTING_PIN];
	if (pin > 0 && pin != SETTING_PIN_HARD)
		mover_revise(s, n); /* it may have lapsed, or yielded */
}

bool expire_pinned(const struct node *n, double pin)
{
	return pin == SETTING_PIN_HARD || (pin > 0 && !expire_passed(n, pin));
}

bool expire_now(struct store *s, struct node *n)
{
	struct settings now;

	if (!expire_wanted(s, SETTING_TTL) || n->type != S_IFREG || !n->stored)
		return false;
	settings_look(s, n, &now);
	double ttl = now.number[SETTING_TTL];
	if (!(ttl > 0) || !expire_passed(n, ttl) || !mover_remove(s, n))
		return false;
	s->counters.expired++;
	return true;
}

double expire_left(struct store *s, struct node *n, double most)
{
	struct settings now;
	uint64_t at = expire_clock_ms(), used = n->used_ms;

	if (!expire_wanted(s, SETTING_TTL) || n->type != S_IFREG)
		return most;
	settings_look(s, n, &now);
	double left = now.number[SETTING_TTL];
	if (!(left > 0))
		return most;
	if (used && at > used)
		left -= (double)(at - used) / 1000;
	return left < 0 ? 0 : left < most ? left : most;
}

/* ---- all of them ---- */

static void expire_lapse(struct store *s, struct node *n)
{
	struct settings now;

	settings_look(s, n, &now);
	double pin = now.number[SETTING_PIN];
	if (pin > 0 && !expire_pinned(n, pin))
		mover_revise(s, n);
}

/* One thread at a time, and not again at once. */
static bool expire_may_sweep(struct store *s)
{
	uint64_t next = s->sweep_ms;

	return expire_clock_ms() >= next &&
	       atomic_compare_exchange_strong(&s->sweep_ms, &next, UINT64_MAX);
}

static void expire_swept(struct store *s, uint64_t since_ms)
{
	uint64_t now = expire_clock_ms();
	uint64_t took = now > since_ms ? now - since_ms : 0;

	s->sweep_ms = now + SWEEP_PAUSE_MS + SWEEP_PAUSE * took;
}

void expire_sweep(struct store *s)
{
	uint64_t since = expire_clock_ms();
	bool pins = expire_wanted(s, SETTING_PIN);
	struct walk all;

	if ((!pins && !expire_wanted(s, SETTING_TTL)) || !expire_may_sweep(s))
		return;
	if (walk_files(&s->tree, s->tree.root, &all) == 0) {
		for (size_t i = 0; i < all.n; i++)
			if (!expire_now(s, all.node[i]) && pins)
				expire_lapse(s, all.node[i]);
		walk_done(&s->tree, &all);
	}
	expire_swept(s, since);
}

bool expire_yield(struct store *s)
{
	bool any = false;
	struct walk all;

	if (!expire_wanted(s, SETTING_PIN) ||
	    walk_files(&s->tree, s->tree.root, &all) < 0)
		return false;
	/* The policy takes a revision for a use: the oldest first. */
	walk_by_use(&all);
	for (size_t i = 0; i < all.n; i++) {
		struct settings now;

		settings_look(s, all.node[i], &now);
		double pin = now.number[SETTING_PIN];
		if (pin > 0 && pin != SETTING_PIN_HARD) {
			mover_unpin(s, all.node[i]);
			any = true;
		}
	}
	walk_done(&s->tree, &all);
	return any;
}
