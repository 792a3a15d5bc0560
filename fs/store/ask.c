/* ask.c - the calls of the policy, and a record of them */
#include "fs/store/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/log.h"
#include "fs/store/state.h"
#include "fs/store/walk.h"
#include "policy/curve.h"
#include "policy/record.h"

static void ask_end_record(struct mover *m)
{
	if (m->record)
		fclose(m->record);
	m->record = NULL;
}

static void ask_note(struct mover *m, const struct record *r)
{
	char line[RECORD_LINE];
	size_t len;

	if (!m->record)
		return;
	if (record_format(r, line, sizeof(line), &len) == 0 &&
	    fwrite(line, 1, len, m->record) == len)
		return;
	log_error("the record of decisions ends: it cannot be written");
	ask_end_record(m);
}

FILE *ask_open(const char *path)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

int ask_start(struct mover *m, const char *path)
{
	struct record r = { .event = RECORD_START,
			    .count = ASK_GHOSTS,
			    .world = m->world };

	m->run = m->policy->start(m->policy, &m->world, ASK_GHOSTS);
	if (!m->run)
		return -ENOMEM;
	m->told = m->world;
	if (path)
		m->record = ask_open(path);
	if (path && !m->record)
		log_error("%s: %s: decisions are not recorded", path,
			  strerror(errno));
	snprintf(r.policy, sizeof(r.policy), "%s", m->policy->name);
	ask_note(m, &r);
	return 0;
}

void ask_join(struct mover *m, FILE *file, const struct world *world,
	      double now_s, const struct walk *known)
{
	struct record r = { .event = RECORD_JOIN,
			    .count = ASK_GHOSTS,
			    .world = *world };

	ask_end_record(m);
	m->record = file;
	snprintf(r.policy, sizeof(r.policy), "%s", m->policy->name);
	ask_note(m, &r);
	for (size_t i = 0; i < known->n; i++) {
		struct node *n = known->node[i];

		r = (struct record){ .event = RECORD_KNOWN,
				     .now_s = now_s,
				     .id = n->id,
				     .facts = curve_facts(&n->policy),
				     .place = n->policy.at };
		ask_note(m, &r);
	}
}

void ask_stop(struct mover *m)
{
	if (m->run)
		m->policy->stop(m->run);
	m->run = NULL;
	ask_end_record(m);
}

void ask_switch(struct mover *m, const struct policy *policy,
		struct policy_run *run)
{
	m->policy->stop(m->run);
	m->policy = policy;
	m->run = run;
	if (m->record)
		log_error("the record of decisions ends: another policy");
	ask_end_record(m);
}

void ask_world(struct mover *m)
{
	struct record r = { .event = RECORD_WORLD, .world = m->world };

	if (!memcmp(&m->told, &m->world, sizeof(m->told)))
		return;
	m->told = m->world;
	m->policy->set_world(m->run, &m->world);
	ask_note(m, &r);
}

void ask_tick(struct mover *m, double now_s, size_t budget)
{
	struct record r = { .event = RECORD_TICK,
			    .now_s = now_s,
			    .count = budget };

	r.any = m->policy->tick(m->run, now_s, budget);
	ask_note(m, &r);
}

int ask_enter(struct mover *m, double now_s, const struct facts *facts,
	      struct node *n, struct policy_answer *ret)
{
	struct record r = { .event = RECORD_ENTER,
			    .now_s = now_s,
			    .id = n->id,
			    .facts = *facts };
	int e = m->policy->enter(m->run, now_s, facts, &n->policy, ret);

	if (e < 0)
		return e;
	r.place = ret->place;
	r.read_layers = ret->read_layers;
	ask_note(m, &r);
	return 0;
}

void ask_hit(struct mover *m, double now_s, struct node *n,
	     struct policy_answer *ret)
{
	struct record r = { .event = RECORD_HIT, .now_s = now_s, .id = n->id };

	m->policy->hit(m->run, now_s, &n->policy, ret);
	r.place = ret->place;
	r.read_layers = ret->read_layers;
	ask_note(m, &r);
}

bool ask_press(struct mover *m, double now_s, struct policy_move *ret)
{
	struct record r = { .event = RECORD_PRESS, .now_s = now_s };

	r.any = m->policy->press(m->run, now_s, ret);
	if (r.any) {
		r.id = node_by_policy(ret->entry)->id;
		r.tier = (uint8_t)ret->tier;
		r.place = ret->to;
	}
	ask_note(m, &r);
	return r.any;
}

void ask_revise(struct mover *m, double now_s, struct node *n,
		const struct facts *facts)
{
	struct record r = { .event = RECORD_REVISE,
			    .now_s = now_s,
			    .id = n->id,
			    .facts = *facts };

	m->policy->revise(m->run, now_s, &n->policy, facts);
	ask_note(m, &r);
}

void ask_moved(struct mover *m, double now_s, struct node *n,
	       const struct place *place)
{
	struct record r = { .event = RECORD_MOVED,
			    .now_s = now_s,
			    .id = n->id,
			    .place = *place };

	m->policy->moved(m->run, now_s, &n->policy, place);
	ask_note(m, &r);
}

void ask_forget(struct mover *m, struct node *n)
{
	struct record r = { .event = RECORD_FORGET, .id = n->id };

	m->policy->forget(m->run, &n->policy);
	ask_note(m, &r);
}
