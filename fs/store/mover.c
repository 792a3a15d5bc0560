/* mover.c - asks the policy, and carries out what it says */
#include "fs/store/mover.h"

#include <sys/statvfs.h>
#include <time.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/expire.h"
#include "fs/store/quota.h"
#include "fs/store/settings.h"

static struct mover *mover_of(struct store *s)
{
	return &s->mover;
}

static uint64_t mover_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static double mover_now(const struct mover *m)
{
	return (double)(mover_clock() - m->start_ns) * 1e-9;
}

int mover_init(struct store *s)
{
	struct mover *m = mover_of(s);

	pthread_mutex_init(&m->lock, NULL);
	m->policy = s->options.policy;
	m->world = world_default(s->options.memory, s->size);
	m->world.alpha = s->options.alpha;
	m->start_ns = mover_clock();
	m->run = m->policy->start(m->policy, &m->world, 0);
	return m->run ? 0 : -1;
}

void mover_done(struct store *s)
{
	struct mover *m = mover_of(s);

	if (m->run)
		m->policy->stop(m->run);
	pthread_mutex_destroy(&m->lock);
}

/* Bit-exact is all there is: one layer, the last one. */
static struct facts mover_facts(struct store *s, struct node *n)
{
	struct settings now;

	settings_look(s, n, &now);
	struct facts f = {
		.name = n->id,
		.raw_bytes = n->size ? n->size : 1,
		.layer_bytes[N_RUNGS - 1] = n->stored,
		.recompute_s = 1,
		.floor_rung = N_RUNGS - 1,
		.pin = expire_pinned(n, now.number[SETTING_PIN]) ? PIN_HELD
								 : PIN_NONE,
		.priority = (uint8_t)now.number[SETTING_PRIORITY],
	};

	for (unsigned k = 0; k + 1 < N_RUNGS; k++)
		f.loss[k] = 1;
	return f;
}

/* Where the entry's copies really are. */
static struct place mover_truth(struct store *s, struct node *n)
{
	struct place at = { .top = N_RUNGS, .ssd = (1u << N_RUNGS) - 1 };
	struct entry *e = entry_peek(s, n);

	if (!e)
		return at;
	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (e->cont && e->cont->image)
			at.ram = N_RUNGS;
		if (e->plain && !e->dirty)
			at.plain = 1u << TIER_RAM;
	}
	entry_put(e);
	return at;
}

/* Caller holds the mover's lock. */
static void mover_unknow(struct store *s, struct node *n)
{
	if (!n->known)
		return;
	n->known = false;
	node_put(&s->tree, n);
}

void mover_enter(struct store *s, struct node *n)
{
	struct mover *m = mover_of(s);
	struct facts facts = mover_facts(s, n);
	struct place at = mover_truth(s, n);
	struct policy_answer answer;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	double now = mover_now(m);

	if (n->gone)
		return;
	if (n->known)
		m->policy->forget(m->run, &n->policy);
	else
		node_get(&s->tree, n);
	n->known = true;
	if (m->policy->enter(m->run, now, &facts, &n->policy, &answer) < 0 ||
	    !answer.place.top)
		mover_unknow(s, n);
	else
		m->policy->moved(m->run, now, &n->policy, &at);
}

void mover_hit(struct store *s, struct node *n)
{
	struct mover *m = mover_of(s);
	struct place at = mover_truth(s, n);
	struct policy_answer answer;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	double now = mover_now(m);

	if (!n->known)
		return;
	m->policy->hit(m->run, now, &n->policy, &answer);
	m->policy->moved(m->run, now, &n->policy, &at);
}

void mover_tell(struct store *s, struct node *n)
{
	struct mover *m = mover_of(s);
	struct place at = mover_truth(s, n);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		m->policy->moved(m->run, mover_now(m), &n->policy, &at);
}

void mover_forget(struct store *s, struct node *n)
{
	struct mover *m = mover_of(s);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		m->policy->forget(m->run, &n->policy);
	mover_unknow(s, n);
}

static void mover_learn(struct store *s, struct node *n,
			const struct facts *facts)
{
	struct mover *m = mover_of(s);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		m->policy->revise(m->run, mover_now(m), &n->policy, facts);
}

void mover_revise(struct store *s, struct node *n)
{
	struct facts facts = mover_facts(s, n);

	mover_learn(s, n, &facts);
}

void mover_unpin(struct store *s, struct node *n)
{
	struct facts facts = mover_facts(s, n);

	facts.pin = PIN_NONE;
	mover_learn(s, n, &facts);
}

/* Bytes the tier is over that share of it, were `need` bytes more in it. */
static uint64_t mover_over(struct store *s, enum tier tier, uint64_t need,
			   unsigned percent)
{
	struct budget_view b = budget_look(&s->budget);
	uint64_t used = tier == TIER_RAM ? b.dirty + b.clean
					 : b.disk_used + b.disk_promised;
	uint64_t limit = tier == TIER_RAM ? b.memory_limit : b.disk_limit;

	limit = percent < 100 ? limit / 100 * percent : limit;
	uint64_t over = used + need > limit ? used + need - limit : 0;
	struct statvfs v;

	if (tier == TIER_SSD && fstatvfs(s->tmp, &v) == 0) {
		uint64_t has = (uint64_t)v.f_bavail * v.f_frsize;
		uint64_t wants =
		    b.disk_promised + need + s->free_floor + (2u << 20);

		if (wants > has && wants - has > over)
			over = wants - has;
	}
	return over;
}

/* The policy's next move that frees something of the tier. */
static bool mover_press(struct store *s, enum tier tier, uint64_t over,
			struct policy_move *ret)
{
	struct mover *m = mover_of(s);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);
	struct policy_gauge gauge;
	struct world world = m->world;

	m->policy->gauge(m->run, &gauge);
	for (int t = 0; t < N_TIERS; t++)
		world.limit_bytes[t] = UINT64_MAX / 2;
	world.limit_bytes[tier] =
	    gauge.used_bytes[tier] > over ? gauge.used_bytes[tier] - over : 1;
	m->policy->set_world(m->run, &world);
	if (!m->policy->press(m->run, mover_now(m), ret))
		return false;

	struct node *n =
	    (struct node *)((char *)ret->entry - offsetof(struct node, policy));
	node_get(&s->tree, n);
	if (!ret->to.top)
		mover_unknow(s, n);
	return true;
}

/* Takes copies out of DRAM.  False when somebody uses them. */
static bool mover_demote(struct store *s, struct node *n,
			 const struct place *to)
{
	struct entry *e = entry_peek(s, n);
	bool done = true;

	if (!e)
		return true;
	if (pthread_rwlock_trywrlock(&e->data)) {
		entry_put(e);
		return false;
	}
	if (!(to->plain & 1u << TIER_RAM)) {
		pthread_mutex_lock(&e->lock);
		done = !e->n_passed;
		pthread_mutex_unlock(&e->lock);
		if (done)
			entry_drop_plain(e);
	}
	if (!to->ram)
		entry_drop_image(e);
	pthread_rwlock_unlock(&e->data);
	entry_settle(e);
	entry_put(e);
	return done;
}

static bool mover_busy(struct entry *e)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	return e->n_open || e->dirty || e->packing;
}

/* Removes the entry everywhere.  False when somebody uses it. */
static bool mover_evict(struct store *s, struct node *n)
{
	struct entry *e;
	struct spot at;

	{
		auto_rwunlock pthread_rwlock_t *names =
		    lock_alone(&s->tree.names);
		if (n->gone)
			return true; /* somebody else was faster */
		e = entry_peek(s, n);
		if (e && mover_busy(e)) {
			entry_put(e);
			return false;
		}
		while (tree_spot(&s->tree, n, 0, &at) == 0) {
			s->io->unlink(at.dir->fd, at.name);
			tree_unlink(&s->tree, n, at.dir, at.name);
			s->options.stale(s->options.stale_ctx, at.dir, at.name);
			spot_done(&s->tree, &at);
		}
		tree_unhash(&s->tree, n);
		s->counters.evicted++;
		s->counters.evicted_bytes += n->stored;
		quota_store(s, n, 0);
	}
	if (e) {
		struct place nowhere = { 0 };

		mover_demote(s, n, &nowhere);
		entry_put(e);
	}
	return true;
}

bool mover_remove(struct store *s, struct node *n)
{
	if (n->gone || !mover_evict(s, n))
		return false;
	mover_forget(s, n);
	return true;
}

/* The policy's next move, or the first one after soft pins have yielded. */
static bool mover_next(struct store *s, enum tier tier, uint64_t over,
		       struct policy_move *ret)
{
	return mover_press(s, tier, over, ret) ||
	       (tier == TIER_SSD && expire_yield(s) &&
		mover_press(s, tier, over, ret));
}

/* Does as the policy says.  False: somebody uses it. */
static bool mover_carry_out(struct store *s, const struct policy_move *move)
{
	struct node *n = (struct node *)((char *)move->entry -
					 offsetof(struct node, policy));
	bool done =
	    move->to.top ? mover_demote(s, n, &move->to) : mover_evict(s, n);

	if (!done)
		mover_forget(s, n); /* until its release */
	node_put(&s->tree, n);
	return done;
}

bool mover_make_room(struct store *s, enum tier tier, uint64_t need)
{
	bool moved = false;
	unsigned percent = 100;
	struct policy_move move;
	uint64_t over = mover_over(s, tier, need, percent);

	if (over && tier == TIER_SSD)
		expire_sweep(s);
	while ((over = mover_over(s, tier, need, percent)) > 0 &&
	       mover_next(s, tier, over, &move)) {
		if (mover_carry_out(s, &move))
			moved = true;
		percent = s->low;
	}
	return moved;
}

void mover_level(struct store *s)
{
	for (int t = 0; t < N_TIERS; t++) {
		unsigned high = s->high;
		struct policy_move move;
		uint64_t over;

		if (high == 100 || !mover_over(s, t, 0, high))
			continue;
		if (t == TIER_SSD)
			expire_sweep(s);
		while ((over = mover_over(s, t, 0, s->low)) > 0 &&
		       mover_next(s, t, over, &move))
			mover_carry_out(s, &move);
	}
}
