/* sim_run.c - one policy on one workload, and what came of it */
#include "tools/sim_run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/ledger.h"
#include "policy/plan.h"

/* Points at which the distance to the bound is taken, and entries each. */
enum { GAP_POINTS = 20, GAP_ENTRIES = 20000 };

/* SSD writes are watched in slices of this, 60 of which make ten minutes. */
enum { SLICE_S = 10, WINDOW_SLICES = 60 };

static const double PLAIN_BITS = 16;

/* Mean of the three tasks' sensitivities. */
static const float MEAN_TASK = 2;

/* The second is the window; as the first, there is none. */
static const struct sim_ladder LADDERS[] = {
	{ "ours",
	  { 1.2, 1.2, 1.75, 3.1, 4.6, 10.3 },
	  { .15, .15, .05, .006, .0005, 0 } },
	{ "window",
	  { .1, .95, 1.75, 3.1, 4.6, 10.3 },
	  { 1, .074, .05, .006, .0005, 0 } },
	{ "int4",
	  { 4.5, 4.5, 4.5, 4.5, 4.5, 4.5 },
	  { .001, .001, .001, .001, .001, .001 } },
	{ "kivi2", { 3, 3, 3, 3, 3, 3 }, { .02, .02, .02, .02, .02, .02 } },
};

struct sim_entry {
	struct policy_entry policy;
	uint32_t uses; /* so far */
	uint32_t left; /* still to come */
};

struct sim {
	const struct sim_load *load;
	const struct sim_setup *setup;
	struct policy_run *run;
	struct sim_entry *entry;
	struct bound_item *items;
	float *delay_s; /* of counted references */
	double *slice;  /* bytes written to the SSD in each */
	size_t n_slices;
	double written; /* as of the last request */
	double quality_lost;
	uint64_t n_ram, n_ssd, n_slow, n_miss;
	uint64_t hint_seed;
	unsigned n_gaps;
	struct sim_result *result;
};

const struct sim_ladder *sim_ladder_find(const char *name)
{
	for (size_t i = 0; i < sizeof LADDERS / sizeof *LADDERS; i++)
		if (strcmp(LADDERS[i].name, name) == 0)
			return &LADDERS[i];
	return NULL;
}

/* Recorded entries have their own rates, unless those of others are tried. */
static bool sim_is_recorded(const struct sim_setup *setup,
			    const struct sim_name *name)
{
	return name->facts && setup->ladder == LADDERS;
}

struct facts sim_facts(const struct sim_setup *setup,
		       const struct sim_name *name, uint64_t number)
{
	const struct sim_ladder *ladder = setup->ladder;
	struct facts own;
	double before = 0, told = (double)name->sensitivity;
	struct facts f = {
		.name = number + 1,
		.raw_bytes = (uint64_t)name->raw_bytes,
		.recompute_s = name->recompute_s,
		.priority = 50,
	};

	if (sim_is_recorded(setup, name)) {
		own = *name->facts;
		own.name = number + 1;
		return own;
	}
	if (setup->knows == KNOWS_TASK)
		told = (double)name->task;
	if (setup->knows == KNOWS_MEAN)
		told = (double)MEAN_TASK;
	for (int k = 0; k < N_RUNGS; k++) {
		double bytes = name->raw_bytes * ladder->bits[k] / PLAIN_BITS;

		f.layer_bytes[k] = (uint64_t)(bytes - before);
		f.loss[k] = (float)fmin(1, told * ladder->kld[k]);
		before = bytes;
	}
	return f;
}

static void sim_press(struct sim *s, double now_s)
{
	struct policy_move move;

	while (s->setup->policy->press(s->run, now_s, &move))
		continue;
}

static double sim_loss(const struct sim_setup *setup,
		       const struct sim_name *name, unsigned layers)
{
	if (sim_is_recorded(setup, name))
		return (double)name->facts->loss[layers - 1];
	return fmin(1,
		    (double)name->sensitivity * setup->ladder->kld[layers - 1]);
}

/* Books what reading an entry cost, and where from. */
static void sim_count(struct sim *s, const struct sim_name *name,
		      const struct policy_entry *e, const struct place *from,
		      const struct policy_answer *a)
{
	struct sim_result *r = s->result;

	s->delay_s[r->n_counted++] = (float)a->delay_s;
	if (a->read_layers == 0) {
		s->n_slow++;
		return;
	}

	bool plain = from->plain != 0;
	bool ram = plain ? from->plain & 1 : from->ram >= a->read_layers;
	struct place read = { .top = a->read_layers };

	s->quality_lost += plain ? 0 : sim_loss(s->setup, name, a->read_layers);
	s->n_ram += ram;
	s->n_ssd += !ram;
	if (ram)
		return;
	read.ssd = (uint8_t)((1u << a->read_layers) - (1u << from->ram));
	r->ssd_read_bytes +=
	    plain ? name->raw_bytes : (double)ledger_bytes(e, &read, TIER_SSD);
}

static void sim_miss(struct sim *s, const struct sim_name *name)
{
	s->delay_s[s->result->n_counted++] = (float)name->recompute_s;
	s->n_miss++;
}

/* Of the requests' blocks: how many are new, how used is the last old one. */
static void sim_burst(const struct sim *s, const struct sim_request *q,
		      struct facts *ret)
{
	const uint32_t *ref = s->load->refs + q->first;
	unsigned files = 0, hits = 0;

	for (uint32_t i = 0; i < q->n; i++) {
		const struct sim_entry *e = &s->entry[ref[i]];

		if (e->uses)
			hits = e->uses;
		files += !e->uses;
	}
	ret->burst_files = (uint16_t)(files < 65535 ? files : 65535);
	ret->burst_hits = (uint16_t)(hits < 65535 ? hits : 65535);
}

static int sim_enter(struct sim *s, double now_s, uint32_t number,
		     const struct facts *burst, bool tail)
{
	struct policy_answer answer;
	const struct sim_name *name = &s->load->names[number];
	struct facts f = sim_facts(s->setup, name, number);

	if (!name->facts) {
		f.burst_files = burst->burst_files;
		f.burst_hits = burst->burst_hits;
		f.burst_tail = tail;
	}
	return s->setup->policy->enter(s->run, now_s, &f,
				       &s->entry[number].policy, &answer);
}

/* An entry's last use is over: its owner may say so. */
static void sim_hint(struct sim *s, double now_s, uint32_t number)
{
	struct sim_entry *e = &s->entry[number];

	if (e->left || !e->policy.at.top ||
	    sim_load_uniform(&s->hint_seed) >= s->setup->hint_share)
		return;

	struct facts f = sim_facts(s->setup, &s->load->names[number], number);
	f.dead = true;
	s->setup->policy->revise(s->run, now_s, &e->policy, &f);
}

static int sim_request(struct sim *s, const struct sim_request *q)
{
	const struct policy *policy = s->setup->policy;
	bool broken = false;
	struct facts burst;

	sim_burst(s, q, &burst);
	for (uint32_t i = 0; i < q->n; i++) {
		uint32_t number = s->load->refs[q->first + i];
		const struct sim_name *name = &s->load->names[number];
		struct sim_entry *e = &s->entry[number];
		struct place from = e->policy.at;
		struct policy_answer answer;
		bool tail = q->tail && i + 1 == q->n;

		broken |= from.top == 0;
		if (from.top)
			policy->hit(s->run, q->at_s, &e->policy, &answer);
		else if (sim_enter(s, q->at_s, number, &burst, tail) < 0)
			return -ENOMEM;
		sim_press(s, q->at_s);
		if (e->uses && broken)
			sim_miss(s, name);
		else if (e->uses)
			sim_count(s, name, &e->policy, &from, &answer);
		e->uses++;
		e->left--;
		if (s->setup->hint_share > 0)
			sim_hint(s, q->at_s, number);
	}
	return 0;
}

static void sim_gap(struct sim *s, double now_s)
{
	double limit[N_TIERS], price[N_TIERS] = { 0 }, value;
	struct policy_gauge g;

	size_t n =
	    plan_sample(s->run, now_s, s->items, GAP_ENTRIES, limit, &value);
	s->setup->policy->gauge(s->run, &g);
	price[TIER_RAM] = g.price[TIER_RAM];
	price[TIER_SSD] = g.price[TIER_SSD];

	double bound = bound_solve(s->items, n, limit, BOUND_STEPS, price);
	double reached = bound > 0 ? value / bound : 1;

	s->result->reached_mean += reached;
	if (s->n_gaps++ == 0 || reached < s->result->reached_least)
		s->result->reached_least = reached;
}

/* Housekeeping after a request: the timer, and what was written. */
static void sim_after(struct sim *s, size_t i)
{
	double now_s = s->load->requests[i].at_s;
	size_t slice = (size_t)(now_s / SLICE_S);
	struct policy_gauge g;

	s->setup->policy->tick(s->run, now_s, SIZE_MAX);
	sim_press(s, now_s);
	s->setup->policy->gauge(s->run, &g);
	s->slice[slice] += g.ssd_written_bytes - s->written;
	s->written = g.ssd_written_bytes;
}

static int sim_requests(struct sim *s)
{
	size_t n = s->load->n_requests;

	for (size_t i = 0; i < n; i++) {
		if (sim_request(s, &s->load->requests[i]) < 0)
			return -ENOMEM;
		sim_after(s, i);
		if (s->setup->gap && i % (n / GAP_POINTS + 1) == n / GAP_POINTS)
			sim_gap(s, s->load->requests[i].at_s);
	}
	return 0;
}

static int sim_by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

static double sim_most_written(const struct sim *s)
{
	double sum = 0, most = 0;

	for (size_t i = 0; i < s->n_slices; i++) {
		sum += s->slice[i];
		if (i >= WINDOW_SLICES)
			sum -= s->slice[i - WINDOW_SLICES];
		most = sum > most ? sum : most;
	}
	return most;
}

static void sim_summary(struct sim *s)
{
	struct sim_result *r = s->result;
	double n = (double)r->n_counted, sum = 0;
	struct policy_gauge g;

	s->setup->policy->gauge(s->run, &g);
	r->n_decisions = g.n_decisions;
	r->ssd_written_bytes = g.ssd_written_bytes;
	r->most_written_bytes = sim_most_written(s);
	r->span_s = s->load->requests[s->load->n_requests - 1].at_s;
	if (s->n_gaps)
		r->reached_mean /= s->n_gaps;
	if (!r->n_counted)
		return;
	qsort(s->delay_s, r->n_counted, sizeof *s->delay_s, sim_by_size);
	for (uint64_t i = 0; i < r->n_counted; i++)
		sum += (double)s->delay_s[i];
	r->delay_s = sum / n;
	r->p50_s = (double)s->delay_s[r->n_counted / 2];
	r->p99_s = (double)s->delay_s[r->n_counted * 99 / 100];
	r->quality = 1 - s->quality_lost / n;
	r->cost_s = r->delay_s + r->alpha * (1 - r->quality);
	r->ram_share = (double)s->n_ram / n;
	r->ssd_share = (double)s->n_ssd / n;
	r->slow_share = (double)s->n_slow / n;
	r->miss_share = (double)s->n_miss / n;
}

static int sim_prepare(struct sim *s)
{
	const struct sim_load *l = s->load;
	size_t n_ghosts = s->setup->ghosts ? 2 * l->n_names : 0;

	s->n_slices =
	    (size_t)(l->requests[l->n_requests - 1].at_s / SLICE_S) + 1;
	s->entry = calloc(l->n_names, sizeof *s->entry);
	s->delay_s = calloc(l->n_refs, sizeof *s->delay_s);
	s->slice = calloc(s->n_slices, sizeof *s->slice);
	s->items = calloc(s->setup->gap ? GAP_ENTRIES : 1, sizeof *s->items);
	s->run = s->setup->policy->start(s->setup->policy, &s->setup->world,
					 n_ghosts);
	if (!s->entry || !s->delay_s || !s->slice || !s->items || !s->run)
		return -ENOMEM;
	for (size_t i = 0; i < l->n_refs; i++)
		s->entry[l->refs[i]].left++;
	return 0;
}

int sim_run(const struct sim_load *load, const struct sim_setup *setup,
	    struct sim_result *ret)
{
	struct sim s = {
		.load = load,
		.setup = setup,
		.hint_seed = 5,
		.result = ret,
	};
	clock_t start = clock();

	*ret = (struct sim_result){ .name = setup->name,
				    .alpha = setup->world.alpha };
	int r = sim_prepare(&s);
	if (r == 0)
		r = sim_requests(&s);
	ret->cpu_s = (double)(clock() - start) / CLOCKS_PER_SEC;
	if (r == 0)
		sim_summary(&s);
	if (s.run)
		setup->policy->stop(s.run);
	free(s.entry);
	free(s.delay_s);
	free(s.slice);
	free(s.items);
	return r;
}
