/* sim_replay.c - plays a recorded run again, and compares every answer */
#include "tools/sim_replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/record.h"
#include "policy/registry.h"

/* An entry of the recorded run; freed with the replay. */
struct replay_entry {
	uint64_t id;
	struct policy_entry policy;
	struct replay_entry *next; /* of its bucket */
};

enum { N_BUCKETS = 1 << 16 };

struct replay {
	const struct policy *policy;
	struct policy_run *run;
	struct replay_entry *bucket[N_BUCKETS];
	struct replay_counts counts;
};

static struct replay_entry *replay_find(const struct replay *p, uint64_t id)
{
	struct replay_entry *e = p->bucket[id % N_BUCKETS];

	while (e && e->id != id)
		e = e->next;
	return e;
}

static struct replay_entry *replay_make(struct replay *p, uint64_t id)
{
	struct replay_entry *e = replay_find(p, id);
	struct replay_entry **head = &p->bucket[id % N_BUCKETS];

	if (e)
		return e;
	e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->id = id;
	e->next = *head;
	*head = e;
	return e;
}

static void replay_done(struct replay *p)
{
	if (p->policy)
		p->policy->stop(p->run);
	for (size_t i = 0; i < N_BUCKETS; i++) {
		while (p->bucket[i]) {
			struct replay_entry *e = p->bucket[i];

			p->bucket[i] = e->next;
			free(e);
		}
	}
}

static bool replay_same(const struct record *r, const struct policy_answer *a)
{
	return memcmp(&r->place, &a->place, sizeof r->place) == 0 &&
	       r->read_layers == a->read_layers;
}

static const char *replay_start(struct replay *p, const struct record *r)
{
	static const uint64_t none[N_TIERS] = { 0 };
	const char *fault = world_fault(&r->world, none);

	if (p->run)
		return "a second start";
	if (fault)
		return fault;
	p->policy = policy_find(r->policy);
	if (!p->policy)
		return "no such policy";
	p->run = p->policy->start(p->policy, &r->world, (size_t)r->count);
	return p->run ? NULL : "out of memory";
}

/* The move pressed for, against the one recorded. */
static bool replay_press(struct replay *p, const struct record *r)
{
	struct policy_move move;
	bool any = p->policy->press(p->run, r->now_s, &move);
	struct replay_entry *e = replay_find(p, r->id);

	if (!any || !r->any)
		return any == r->any;
	return e && move.entry == &e->policy && move.tier == r->tier &&
	       memcmp(&move.to, &r->place, sizeof move.to) == 0;
}

/* Events that have an answer.  false: it differs. */
static bool replay_ask(struct replay *p, const struct record *r,
		       struct replay_entry *e)
{
	struct policy_answer a;

	p->counts.n_answers++;
	if (r->event == RECORD_TICK)
		return p->policy->tick(p->run, r->now_s, (size_t)r->count) ==
		       r->any;
	if (r->event == RECORD_PRESS)
		return replay_press(p, r);
	if (r->event == RECORD_HIT)
		p->policy->hit(p->run, r->now_s, &e->policy, &a);
	else if (p->policy->enter(p->run, r->now_s, &r->facts, &e->policy, &a) <
		 0)
		return false;
	return replay_same(r, &a);
}

static void replay_tell(struct replay *p, const struct record *r,
			struct replay_entry *e)
{
	switch (r->event) {
	case RECORD_WORLD:
		p->policy->set_world(p->run, &r->world);
		break;
	case RECORD_REVISE:
		p->policy->revise(p->run, r->now_s, &e->policy, &r->facts);
		break;
	case RECORD_MOVED:
		p->policy->moved(p->run, r->now_s, &e->policy, &r->place);
		break;
	default:
		p->policy->forget(p->run, &e->policy);
	}
}

/* Plays one line; NULL, or what is wrong.  *ret_r says how badly. */
static const char *replay_line(struct replay *p, const char *line, int *ret_r)
{
	struct replay_entry *e = NULL;
	struct record r;
	const char *fault = record_parse(line, &r);

	*ret_r = -EINVAL;
	p->counts.n_events++;
	if (fault)
		return fault;
	if (r.event == RECORD_START)
		return replay_start(p, &r);
	if (r.event == RECORD_JOIN)
		return "it joined a policy that had learned before: it can be "
		       "simulated only";
	if (!p->run)
		return "the first line is no start";
	if (strchr("EHRMF", r.event)) {
		e = replay_make(p, r.id);
		if (!e)
			return "out of memory";
		if ((r.event == RECORD_ENTER) == (e->policy.at.top != 0))
			return e->policy.at.top ? "this entry is known already"
						: "this entry is not known";
	}
	if (strchr("EHPT", r.event)) {
		*ret_r = -EBADMSG;
		return replay_ask(p, &r, e) ? NULL
					    : "another answer than recorded";
	}
	replay_tell(p, &r, e);
	return NULL;
}

int sim_replay(const char *path, FILE *errors, struct replay_counts *ret)
{
	struct replay *p = calloc(1, sizeof *p);
	FILE *f = p ? fopen(path, "r") : NULL;
	const char *fault = NULL;
	char *line = NULL;
	size_t cap = 0;
	int r = f ? 0 : p ? -errno : -ENOMEM;

	if (p && !f)
		fprintf(errors, "%s: %s\n", path, strerror(-r));
	while (f && !fault && getline(&line, &cap, f) >= 0) {
		fault = replay_line(p, line, &r);
		if (fault)
			fprintf(errors, "%s:%llu: %s\n", path,
				(unsigned long long)p->counts.n_events, fault);
		else
			r = 0;
	}
	if (p) {
		*ret = p->counts;
		replay_done(p);
	}
	free(line);
	free(p);
	if (f)
		fclose(f);
	return r;
}
