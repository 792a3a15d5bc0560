/*
 * lru.h - the mount's first policy: bit-exact, the least recently used goes
 *
 * Everything is on the SSD and, as far as DRAM goes, also there, packed and
 * plain.  Under pressure DRAM gives up plain copies first, then packed ones,
 * each in the order of their last use; the SSD gives up whole entries.
 */
#pragma once

#include "policy/policy.h"

struct policy_run *lru_start(const struct policy *self,
			     const struct world *world, size_t n_ghosts);
void *lru_stop(struct policy_run *run);
void lru_set_world(struct policy_run *run, const struct world *world);
int lru_enter(struct policy_run *run, double now_s, const struct facts *facts,
	      struct policy_entry *e, struct policy_answer *ret);
void lru_hit(struct policy_run *run, double now_s, struct policy_entry *e,
	     struct policy_answer *ret);
bool lru_press(struct policy_run *run, double now_s, struct policy_move *ret);
bool lru_tick(struct policy_run *run, double now_s, size_t budget);
void lru_revise(struct policy_run *run, double now_s, struct policy_entry *e,
		const struct facts *facts);
void lru_moved(struct policy_run *run, double now_s, struct policy_entry *e,
	       const struct place *place);
void lru_forget(struct policy_run *run, struct policy_entry *e);
void lru_gauge(const struct policy_run *run, struct policy_gauge *ret);

/* The members of a struct policy that is this one, but for its name. */
#define LRU_CALLS                                                              \
	.start = lru_start, .stop = lru_stop, .set_world = lru_set_world,      \
	.enter = lru_enter, .hit = lru_hit, .press = lru_press,                \
	.tick = lru_tick, .revise = lru_revise, .moved = lru_moved,            \
	.forget = lru_forget, .gauge = lru_gauge
