/* mover.c - asks the policy, and carries out what it says */
#include "fs/store/mover.h"

#include <sys/statvfs.h>

#include "codec/mem.h"
#include "fs/store/ask.h"
#include "fs/store/clock.h"
#include "fs/store/entry.h"
#include "fs/store/expire.h"
#include "fs/store/explain.h"
#include "fs/store/look.h"
#include "fs/store/meter.h"
#include "fs/store/move.h"
#include "fs/store/rate.h"
#include "fs/store/settings.h"

/* Until the meters know: a plain read by one client, decoding by two threads.
 */
#define MEMORY_BYTES_PER_S 8e9
#define DECODE_BYTES_PER_S 2e9

/* Of housekeeping with each event. */
#define TICK_ENTRIES 16
/* Entries that are in use for a moment, and how long that may be. */
#define ASIDE_MOST    64
#define MOVE_TRIES    20
#define MOVE_PAUSE_US 2000

/* Of the sample that the distance to the bound is taken of. */
#define GAUGE_ENTRIES 1024

static struct node *mover_node(struct policy_entry *e)
{
	return (struct node *)((char *)e - offsetof(struct node, policy));
}

static struct mover *mover_of(struct store *s)
{
	return &s->mover;
}

static double mover_now(const struct mover *m)
{
	return (double)(clock_ns() - m->start_ns) * 1e-9;
}

int mover_init(struct store *s)
{
	struct mover *m = mover_of(s);

	pthread_mutex_init(&m->lock, NULL);
	m->policy = s->options.policy;
	m->world = world_default(s->options.memory, s->size);
	m->world.inclusive = true;
	m->world.bytes_per_s[TIER_RAM] = MEMORY_BYTES_PER_S;
	for (unsigned k = 0; k < N_RUNGS; k++)
		m->world.decode_bytes_per_s[k] = DECODE_BYTES_PER_S;
	m->world.whole = true;
	m->world.alpha = s->options.alpha;
	m->start_ns = clock_ns();
	return ask_start(m, s->options.record);
}

void mover_done(struct store *s)
{
	struct mover *m = mover_of(s);

	ask_stop(m);
	pthread_mutex_destroy(&m->lock);
}

/* Caller holds the mover's lock. */
static void mover_unknow(struct store *s, struct node *n)
{
	if (!n->known)
		return;
	n->known = false;
	node_put(&s->tree, n);
}

/* Tells the run what the machine is like.  Caller holds the mover's lock. */
static void mover_keep_house(struct mover *m, double now)
{
	meter_world(&m->world);
	ask_world(m);
	ask_tick(m, now, TICK_ENTRIES);
}

/*
 * Returns whether the policy knows it now.  Its owner has just written it, so
 * that it is not worth storing is no answer: only for want of room it goes.
 */
static bool mover_ask_enter(struct store *s, struct node *n,
			    const struct facts *facts, struct place *ret)
{
	struct mover *m = mover_of(s);
	struct policy_answer answer;
	struct facts held_facts = *facts;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	double now = mover_now(m);

	if (n->gone)
		return false;
	if (facts->pin == PIN_NONE)
		held_facts.pin = PIN_HELD;
	if (n->known)
		ask_forget(m, n);
	else
		node_get(&s->tree, n);
	n->known = true;
	mover_keep_house(m, now);
	if (ask_enter(m, now, &held_facts, n, &answer) < 0 ||
	    !answer.place.top) {
		mover_unknow(s, n);
		return false;
	}
	if (facts->pin == PIN_NONE)
		ask_revise(m, now, n, facts);
	*ret = answer.place;
	return true;
}

static bool mover_is_open(struct store *s, struct node *n)
{
	struct entry *e = entry_peek(s, n);

	if (!e)
		return false;
	pthread_mutex_lock(&e->lock);
	bool open = e->n_open;
	pthread_mutex_unlock(&e->lock);
	entry_put(e);
	return open;
}

/*
 * What could not be moved just now is forgotten, so that it is not asked for
 * again.  False: nobody has it open, so no release enters it again.
 */
static bool mover_set_aside(struct store *s, struct node *n)
{
	mover_forget(s, n);
	return mover_is_open(s, n);
}

void mover_enter(struct store *s, struct node *n)
{
	struct facts facts;
	struct place at, to;

	look_at(s, n, &facts, &at);
	if (!mover_ask_enter(s, n, &facts, &to))
		return;
	bool same =
	    to.top >= at.top && to.ram >= at.ram && !(at.plain & ~to.plain);
	if (same || move_shrink(s, n, &to) ||
	    (!mover_set_aside(s, n) && mover_ask_enter(s, n, &facts, &to)))
		mover_tell(s, n);
}

struct place mover_hit(struct store *s, struct node *n)
{
	struct mover *m = mover_of(s);
	struct place at = look_place(s, n);
	struct policy_answer answer = {
		.place.plain = 1u << TIER_RAM, /* nobody minds */
	};
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	double now = mover_now(m);

	if (n->known) {
		mover_keep_house(m, now);
		ask_hit(m, now, n, &answer);
		ask_moved(m, now, n, &at);
	}
	return answer.place;
}

void mover_tell(struct store *s, struct node *n)
{
	struct mover *m = mover_of(s);
	struct place at = look_place(s, n);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		ask_moved(m, mover_now(m), n, &at);
}

void mover_forget(struct store *s, struct node *n)
{
	struct mover *m = mover_of(s);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		ask_forget(m, n);
	mover_unknow(s, n);
}

static void mover_learn(struct store *s, struct node *n,
			const struct facts *facts)
{
	struct mover *m = mover_of(s);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		ask_revise(m, mover_now(m), n, facts);
}

void mover_revise(struct store *s, struct node *n)
{
	struct facts facts;
	struct place at;

	look_at(s, n, &facts, &at);
	mover_learn(s, n, &facts);
}

void mover_unpin(struct store *s, struct node *n)
{
	struct facts facts;
	struct place at;

	look_at(s, n, &facts, &at);
	facts.pin = PIN_NONE;
	mover_learn(s, n, &facts);
}

/*
 * What a tier holds beyond (or below) that share of what it may, were `need`
 * bytes more in it.
 */
static int64_t mover_over(struct store *s, enum tier tier, uint64_t need,
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

/* The limits as the policy must see them: it does not know what is staged. */
static void mover_limits(struct store *s, enum tier tier, uint64_t need,
			 unsigned percent, struct world *w)
{
	struct policy_gauge gauge;

	s->mover.policy->gauge(s->mover.run, &gauge);
	for (unsigned t = 0; t < N_TIERS; t++) {
		bool asked = t == tier;
		int64_t over =
		    mover_over(s, t, asked ? need : 0, asked ? percent : 100);
		int64_t limit = (int64_t)gauge.used_bytes[t] - over;

		if (!asked && over > 0) /* its own caller presses it */
			limit = (int64_t)gauge.used_bytes[t];
		w->limit_bytes[t] = limit > 1 ? (uint64_t)limit : 1;
	}
}

/* The policy's next move that frees something of the tier. */
static bool mover_press(struct store *s, enum tier tier, uint64_t need,
			unsigned percent, struct policy_move *ret)
{
	struct mover *m = mover_of(s);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	mover_limits(s, tier, need, percent, &m->world);
	meter_world(&m->world);
	ask_world(m);
	if (!ask_press(m, mover_now(m), ret))
		return false;

	node_get(&s->tree, mover_node(ret->entry));
	if (!ret->to.top)
		mover_unknow(s, mover_node(ret->entry));
	return true;
}

bool mover_explain(struct store *s, struct node *n, struct decision *ret)
{
	struct mover *m = mover_of(s);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	double now = mover_now(m);

	if (!n->known || !m->policy->explain)
		return false;
	ret->entry = n->policy;
	ret->alpha = m->world.alpha;
	ret->hits_per_s = plan_rate(m->run, now, &n->policy);
	m->policy->gauge(m->run, &ret->gauge);
	m->policy->explain(m->run, now, &n->policy, ret->reason);
	return true;
}

double mover_gauge(struct store *s, struct policy_gauge *ret)
{
	struct mover *m = mover_of(s);
	auto_free struct bound_item *items =
	    calloc(GAUGE_ENTRIES, sizeof(*items));
	double limit[N_TIERS], price[N_TIERS] = { 0 }, value = 0, bound = 0;
	size_t n = 0;

	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

		m->policy->gauge(m->run, ret);
		if (m->policy->sample && items) {
			mover_limits(s, TIER_RAM, 0, 100, &m->world);
			ask_world(m);
			n = m->policy->sample(m->run, mover_now(m), items,
					      GAUGE_ENTRIES, limit, &value);
		}
	}
	if (n)
		bound = bound_solve(items, n, limit, BOUND_STEPS, price);
	return bound > 0 ? value / bound : -1;
}

bool mover_remove(struct store *s, struct node *n)
{
	if (n->gone || !move_evict(s, n))
		return false;
	mover_forget(s, n);
	return true;
}

/* The policy's next move, or the first one after soft pins have yielded. */
static bool mover_next(struct store *s, enum tier tier, uint64_t need,
		       unsigned percent, struct policy_move *ret)
{
	return mover_press(s, tier, need, percent, ret) ||
	       (tier == TIER_SSD && mover_over(s, tier, need, percent) > 0 &&
		expire_yield(s) && mover_press(s, tier, need, percent, ret));
}

/* Those that nobody has open, and that could not be moved all the same. */
struct aside {
	struct node *node[ASIDE_MOST]; /* with references */
	unsigned n;
};

/* Does as the policy says.  False: somebody uses it. */
static bool mover_carry_out(struct store *s, const struct policy_move *move,
			    struct aside *aside)
{
	struct node *n = mover_node(move->entry);
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
static bool mover_take_back(struct store *s, struct aside *aside)
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

bool mover_make_room(struct store *s, enum tier tier, uint64_t need)
{
	bool moved = false;
	unsigned percent = 100;
	struct policy_move move;
	struct aside aside = { .n = 0 };

	if (tier == TIER_SSD && mover_over(s, tier, need, percent) > 0)
		expire_sweep(s);
	for (unsigned tries = 0; tries < MOVE_TRIES; tries++) {
		while (mover_next(s, tier, need, percent, &move)) {
			if (mover_carry_out(s, &move, &aside))
				moved = true;
			percent = s->low;
		}
		/* Somebody looked at them for a moment. */
		if (!mover_take_back(s, &aside) ||
		    mover_over(s, tier, need, 100) <= 0)
			break;
		usleep(MOVE_PAUSE_US);
	}
	return moved;
}

void mover_level(struct store *s)
{
	for (unsigned t = 0; t < N_TIERS; t++) {
		struct policy_move move;
		struct aside aside = { .n = 0 };

		if (s->high == 100 || mover_over(s, t, 0, s->high) <= 0)
			continue;
		if (t == TIER_SSD)
			expire_sweep(s);
		while (mover_next(s, t, 0, s->low, &move))
			mover_carry_out(s, &move, &aside);
		mover_take_back(s, &aside);
	}
}
