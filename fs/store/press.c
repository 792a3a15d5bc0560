/* press.c - makes room: asks the policy who gives way, and carries it out */
#include "fs/store/press.h"

#include <sys/statvfs.h>

#include "codec/mem.h"
#include "fs/store/ask.h"
#include "fs/store/expire.h"
#include "fs/store/meter.h"
#include "fs/store/move.h"
#include "fs/store/mover.h"
#include "fs/store/state.h"

/* Entries that are in use for a moment, and how long that may be. */
#define ASIDE_MOST    64
#define MOVE_TRIES    20
#define MOVE_PAUSE_US 2000

/*
 * What a tier holds beyond (or below) that share of what it may, were `need`
 * bytes more in it.
 */
static int64_t press_over(struct store *s, enum tier tier, uint64_t need,
			  unsigned percent)
{
	struct budget_view b = budget_look(&s->budget);
	uint64_t used = tier == TIER_RAM ? b.dirty + b.clean
					 : b.disk_used + b.disk_promised;
	uint64_t limit = tier == TIER_RAM ? b.memory_limit : b.disk_limit;

	limit = percent < 100 ? limit / 100 * percent : limit;
	int64_t over = (int64_t)(used + need - limit);
	struct statvfs v;

	if (tier == TIER_SSD && fstatvfs(s->tmp, &v) == 0) {
		uint64_t has = (uint64_t)v.f_bavail * v.f_frsize;
		uint64_t wants =
		    b.disk_promised + need + s->free_floor + (2u << 20);
		int64_t lacks = (int64_t)(wants - has);

		if (lacks > over)
			over = lacks;
	}
	return over;
}

void press_limits(struct store *s, enum tier tier, uint64_t need,
		  unsigned percent, struct world *w)
{
	struct policy_gauge gauge;

	s->mover.policy->gauge(s->mover.run, &gauge);
	for (unsigned t = 0; t < N_TIERS; t++) {
		bool asked = t == tier;
		int64_t over =
		    press_over(s, t, asked ? need : 0, asked ? percent : 100);
		int64_t limit = (int64_t)gauge.used_bytes[t] - over;

		if (!asked && over > 0) /* its own caller presses it */
			limit = (int64_t)gauge.used_bytes[t];
		w->limit_bytes[t] = limit > 1 ? (uint64_t)limit : 1;
	}
}

/* The policy's next move that frees something of the tier. */
static bool press_ask(struct store *s, enum tier tier, uint64_t need,
		      unsigned percent, struct policy_move *ret)
{
	struct mover *m = &s->mover;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	press_limits(s, tier, need, percent, &m->world);
	meter_world(&m->world);
	ask_world(m);
	if (!ask_press(m, mover_now(m), ret))
		return false;

	node_get(&s->tree, node_by_policy(ret->entry));
	if (!ret->to.top)
		mover_unknow(s, node_by_policy(ret->entry));
	return true;
}

/* The policy's next move, or the first one after soft pins have yielded. */
static bool press_next(struct store *s, enum tier tier, uint64_t need,
		       unsigned percent, struct policy_move *ret)
{
	return press_ask(s, tier, need, percent, ret) ||
	       (tier == TIER_SSD && press_over(s, tier, need, percent) > 0 &&
		expire_yield(s) && press_ask(s, tier, need, percent, ret));
}

/* Those that nobody has open, and that could not be moved all the same. */
struct aside {
	struct node *node[ASIDE_MOST]; /* with references */
	unsigned n;
};

/* Does as the policy says.  False: somebody uses it. */
static bool press_carry_out(struct store *s, const struct policy_move *move,
			    struct aside *aside)
{
	struct node *n = node_by_policy(move->entry);
	bool done = move_shrink(s, n, &move->to);

	if (done && move->to.top)
		mover_tell(s, n);
	if (!done && !mover_set_aside(s, n)) {
		if (aside->n == ASIDE_MOST) {
			mover_enter(s, aside->node[--aside->n]);
			node_put(&s->tree, aside->node[aside->n]);
		}
		aside->node[aside->n++] = n;
		return false;
	}
	node_put(&s->tree, n);
	return done;
}

/* They are offered again.  Returns whether there were any. */
static bool press_take_back(struct store *s, struct aside *aside)
{
	bool any = aside->n;

	while (aside->n) {
		struct node *n = aside->node[--aside->n];

		if (n->stored && !n->gone)
			mover_enter(s, n);
		node_put(&s->tree, n);
	}
	return any;
}

bool press_make_room(struct store *s, enum tier tier, uint64_t need)
{
	bool moved = false;
	unsigned percent = 100;
	struct policy_move move;
	struct aside aside = { .n = 0 };

	if (tier == TIER_SSD && press_over(s, tier, need, percent) > 0)
		expire_sweep(s);
	for (unsigned tries = 0; tries < MOVE_TRIES; tries++) {
		while (press_next(s, tier, need, percent, &move)) {
			if (press_carry_out(s, &move, &aside))
				moved = true;
			percent = s->low;
		}
		/* Somebody looked at them for a moment. */
		if (!press_take_back(s, &aside) ||
		    press_over(s, tier, need, 100) <= 0)
			break;
		usleep(MOVE_PAUSE_US);
	}
	return moved;
}

void press_level(struct store *s)
{
	for (unsigned t = 0; t < N_TIERS; t++) {
		struct policy_move move;
		struct aside aside = { .n = 0 };

		if (s->high == 100 || press_over(s, t, 0, s->high) <= 0)
			continue;
		if (t == TIER_SSD)
			expire_sweep(s);
		while (press_next(s, t, 0, s->low, &move))
			press_carry_out(s, &move, &aside);
		press_take_back(s, &aside);
	}
}
