/* mover.c - tells the policy what happens to entries, and takes its answers */
#include "fs/store/mover.h"

#include "codec/mem.h"
#include "fs/store/ask.h"
#include "fs/store/clock.h"
#include "fs/store/entry.h"
#include "fs/store/look.h"
#include "fs/store/meter.h"
#include "fs/store/move.h"

/* Until the meters know: a plain read by one client, decoding by two threads.
 */
#define MEMORY_BYTES_PER_S 8e9
#define DECODE_BYTES_PER_S 2e9

/* Of housekeeping with each event. */
#define TICK_ENTRIES 16

double mover_now(const struct mover *m)
{
	return (double)(clock_ns() - m->start_ns) * 1e-9;
}

int mover_init(struct store *s)
{
	struct mover *m = &s->mover;

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
	struct mover *m = &s->mover;

	ask_stop(m);
	pthread_mutex_destroy(&m->lock);
}

void mover_unknow(struct store *s, struct node *n)
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
	struct mover *m = &s->mover;
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

bool mover_set_aside(struct store *s, struct node *n)
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
	struct mover *m = &s->mover;
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
	struct mover *m = &s->mover;
	struct place at = look_place(s, n);
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		ask_moved(m, mover_now(m), n, &at);
}

void mover_forget(struct store *s, struct node *n)
{
	struct mover *m = &s->mover;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		ask_forget(m, n);
	mover_unknow(s, n);
}

static void mover_learn(struct store *s, struct node *n,
			const struct facts *facts)
{
	struct mover *m = &s->mover;
	auto_unlock pthread_mutex_t *held = mutex_lock(&m->lock);

	if (n->known)
		ask_revise(m, mover_now(m), n, facts);
}

void mover_revise(struct store *s, struct node *n)
{
	struct facts facts;
	struct place at;

	if (!n->known)
		return;
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

bool mover_remove(struct store *s, struct node *n)
{
	if (n->gone || !move_evict(s, n))
		return false;
	mover_forget(s, n);
	return true;
}
