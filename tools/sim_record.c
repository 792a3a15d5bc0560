/*
 * sim_record.c - what a mount recorded, as a workload
 *
 * An entry has an id for as long as its file lives; a file that is written
 * again, because it had to go, has another and the same name.  So requests are
 * counted by id first, and ids of one name become one in the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/record.h"
#include "tools/sim_ids.h"
#include "tools/sim_load.h"

/* Quality lost per nat at the rates of others, as of our own. */
static const float SENSITIVITY = 1;

struct recording {
	struct sim_load *load;
	struct sim_recorded *recorded;
	struct sim_ids ids;
	struct facts *facts; /* of each id, as told last */
	size_t facts_cap;
	double begin_s, last_s;
	bool started;
};

static int record_room(struct recording *c)
{
	if (c->ids.n < c->facts_cap)
		return 0;

	size_t cap = c->facts_cap ? 2 * c->facts_cap : 1024;
	void *grown = realloc(c->facts, cap * sizeof *c->facts);
	if (!grown)
		return -ENOMEM;
	c->facts = grown;
	c->facts_cap = cap;
	return 0;
}

static int record_request(struct recording *c, double now_s, uint32_t number)
{
	if (sim_load_ref(c->load, number) < 0)
		return -ENOMEM;
	return sim_load_request(c->load, now_s - c->begin_s, 1, false);
}

/* Events of an entry.  NULL, or what is wrong. */
static const char *record_entry(struct recording *c, const struct record *r)
{
	size_t n = c->ids.n;
	uint32_t number;

	if (record_room(c) < 0 || sim_ids_number(&c->ids, r->id, &number) < 0)
		return "out of memory";
	bool known = number < n;
	if (!known && !strchr("KE", r->event))
		return "this entry is not known";
	if (r->event != RECORD_HIT)
		c->facts[number] = r->facts;
	if (r->event == RECORD_REVISE || (known && r->event != RECORD_HIT))
		return NULL; /* it came back to the policy, not to its client */
	return record_request(c, r->now_s, number) < 0 ? "out of memory" : NULL;
}

static void record_speeds(struct world *to, const struct world *from)
{
	memcpy(to->bytes_per_s, from->bytes_per_s, sizeof to->bytes_per_s);
	memcpy(to->latency_s, from->latency_s, sizeof to->latency_s);
	memcpy(to->decode_bytes_per_s, from->decode_bytes_per_s,
	       sizeof to->decode_bytes_per_s);
}

static const char *record_line(struct recording *c, const char *text)
{
	static const uint64_t none[N_TIERS] = { 0 };
	struct record r;
	const char *fault = record_parse(text, &r);

	if (fault)
		return fault;
	if (strchr("SJ", r.event)) {
		if (c->started)
			return "a second start";
		c->started = true;
		c->recorded->world = r.world;
		memcpy(c->recorded->policy, r.policy, sizeof r.policy);
		return world_fault(&r.world, none);
	}
	if (!c->started)
		return "the first line is no start";
	if (r.event == RECORD_WORLD) {
		record_speeds(&c->recorded->world, &r.world);
		return world_fault(&c->recorded->world, none);
	}
	if (!strchr("KEHR", r.event))
		return NULL;
	if (!c->ids.n)
		c->begin_s = c->last_s = r.now_s;
	if (r.now_s < c->last_s)
		return "its time is before that of an earlier line";
	c->last_s = r.now_s;
	return record_entry(c, &r);
}

/* Ids of one name become one name of the load. */
static int record_names(struct recording *c)
{
	struct sim_load *l = c->load;
	struct sim_ids names = { 0 };
	uint32_t *of = calloc(c->ids.n, sizeof *of);
	int r = of ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < c->ids.n; i++) {
		struct facts *f = &c->facts[i];
		struct sim_name name = {
			.raw_bytes = (double)f->raw_bytes,
			.recompute_s = f->recompute_s,
			.sensitivity = SENSITIVITY,
			.task = SENSITIVITY,
			.facts = f,
		};

		r = sim_ids_number(&names, f->name, &of[i]);
		if (r == 0 && of[i] == l->n_names)
			r = sim_load_name(l, &name);
		else if (r == 0)
			l->names[of[i]] = name; /* as it was last */
	}
	for (size_t i = 0; r == 0 && i < l->n_refs; i++)
		l->refs[i] = of[l->refs[i]];
	l->facts = c->facts;
	c->facts = NULL;
	sim_ids_done(&names);
	free(of);
	return r;
}

static int record_lines(struct recording *c, FILE *f, const char *path,
			FILE *errors)
{
	char *text = NULL;
	size_t cap = 0;
	int r = 0;

	for (unsigned long n = 1; r == 0 && getline(&text, &cap, f) >= 0; n++) {
		const char *fault = record_line(c, text);

		if (fault) {
			fprintf(errors, "%s:%lu: %s\n", path, n, fault);
			r = -EINVAL;
		}
	}
	free(text);
	if (r == 0 && !c->load->n_requests) {
		fprintf(errors, "%s: no request in it\n", path);
		r = -EINVAL;
	}
	return r == 0 ? record_names(c) : r;
}

int sim_load_record(struct sim_load *l, const char *path, FILE *errors,
		    struct sim_recorded *ret)
{
	struct recording c = { .load = l, .recorded = ret };
	FILE *f = fopen(path, "r");
	char first[2] = { 0 };

	if (!f)
		return -ENOMSG; /* who reads it as a trace says why */
	bool is = fread(first, 1, 2, f) == 2 && strchr("SJ", first[0]) &&
		  first[1] == ' ';
	rewind(f);
	int r = is ? record_lines(&c, f, path, errors) : -ENOMSG;
	sim_ids_done(&c.ids);
	free(c.facts);
	fclose(f);
	return r;
}
