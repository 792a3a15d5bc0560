/* test_policy_plan.c - prices: floors and budgets hold, the bound is one */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ledger.h"
#include "policy/plan.h"
#include "policy/price.h"
#include "policy/registry.h"

enum { N_NAMES = 200, MB = 1 << 20 };

static uint32_t seed;

static uint32_t test_random(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static struct facts test_facts(uint64_t name)
{
	uint64_t mb = (1 + test_random(40)) * (uint64_t)MB;
	float c = (float)(1 + test_random(40)) / 10;

	return (struct facts){
		.name = name,
		.raw_bytes = 16 * mb,
		.layer_bytes = { mb, name % 2 * mb, mb, 2 * mb, 2 * mb,
				 5 * mb },
		.loss = { .2f * c, (name % 2 ? .1f : .2f) * c, .05f * c,
			  .006f * c, .0005f * c, 0 },
		.recompute_s = (double)mb / MB * .05,
		.priority = 50,
	};
}

START_TEST(options_and_places_are_one_to_one)
{
	for (unsigned o = 0; o < N_OPTIONS; o++) {
		struct place p = curve_place(o);
		bool ram = p.top && !p.ssd && !(p.plain & 2);

		ck_assert_uint_eq(curve_option(&p), o);
		ck_assert_int_eq(CURVE_IN_RAM >> o & 1, ram);
		ck_assert_int_eq(CURVE_SPLIT >> o & 1, p.ram && p.ssd);
		ck_assert_uint_eq(curve_options_of(p.top) >> o & 1, 1);
	}
}
END_TEST

/* A layer without bytes is neither a rung nor a part of its own; the last is.
 */
START_TEST(what_has_no_bytes_is_not_offered)
{
	for (uint64_t name = 0; name < 2; name++) {
		struct facts facts = test_facts(name);
		struct policy_entry e = { 0 };

		curve_learn(&e, &facts);
		uint32_t offered = curve_offered(&e, N_RUNGS, 0);

		for (unsigned o = 0; o < N_OPTIONS; o++) {
			struct place p = curve_place(o);
			bool twice = p.top == 2 || (p.ram == 2 && p.top > 2);

			ck_assert_int_eq(offered >> o & 1, name || !twice);
		}
	}
}
END_TEST

START_TEST(value_is_what_a_reading_saves)
{
	struct world w = world_default(MB, MB);
	struct curve c;

	seed = (uint32_t)_i;
	for (int i = 0; i < 200; i++) {
		struct facts facts = test_facts(1);
		struct policy_entry e = { 0 };
		uint32_t traits = i % 2 ? CURVE_WHOLE : 0;

		facts.floor_rung = (uint8_t)test_random(N_RUNGS);
		w.alpha = test_random(100) / 10.0;
		w.decode_bytes_per_s[test_random(N_RUNGS)] = 1e9;
		curve_learn(&e, &facts);
		curve_fill(&e, &w, N_RUNGS, traits, &c);
		for (unsigned o = 1; o < N_OPTIONS; o++) {
			if (!(c.offered >> o & 1))
				continue;
			e.at = curve_place(o);
			struct reading r = curve_read(&e, &w, traits);
			double cost = r.delay_s + w.alpha * r.loss;
			ck_assert_double_eq_tol(c.value_s[o],
						e.recompute_s - cost, 1e-5);
			ck_assert(r.layers == 0 || r.layers > facts.floor_rung);
			if (traits && r.layers)
				ck_assert_uint_eq(r.layers, e.at.top);
		}
	}
}
END_TEST

/* One use of a name, and the pressure that follows. */
static void test_use(const struct policy *p, struct policy_run *run,
		     double now_s, struct policy_entry *e, uint64_t name,
		     uint64_t *hash)
{
	struct policy_answer answer;
	struct policy_move move;

	if (e->at.top) {
		p->hit(run, now_s, e, &answer);
	} else {
		uint32_t was = seed;

		seed = (uint32_t)name;
		struct facts facts = test_facts(name);
		facts.floor_rung = (uint8_t)(name % N_RUNGS);
		seed = was;
		ck_assert_int_eq(p->enter(run, now_s, &facts, e, &answer), 0);
	}
	p->tick(run, now_s, 64);
	while (p->press(run, now_s, &move)) {
		*hash = *hash * 31 + move.entry->name;
		*hash = *hash * 31 + move.to.top + 8u * move.to.ram +
			64u * move.to.ssd;
	}
	if (e->at.top)
		ck_assert_uint_gt(e->at.top, e->floor_rung);
}

static uint64_t test_play(const struct policy *p, const struct world *w,
			  struct policy_run **ret_run, struct policy_entry *e)
{
	struct policy_run *run = p->start(p, w, 1000);
	uint64_t hash = 0;

	seed = 1;
	for (int step = 0; step < 6000; step++) {
		uint32_t a = test_random(N_NAMES), b = test_random(N_NAMES);
		uint32_t name = a < b ? a : b;

		test_use(p, run, step * .7, &e[name], name, &hash);
	}
	*ret_run = run;
	return hash;
}

START_TEST(same_events_same_decisions)
{
	const struct policy *p = policy_at((unsigned)_i);
	struct world w = world_default(2000ull * MB, 8000ull * MB);
	struct policy_entry first[N_NAMES] = { 0 }, second[N_NAMES] = { 0 };
	struct policy_run *one, *two;

	uint64_t a = test_play(p, &w, &one, first);
	uint64_t b = test_play(p, &w, &two, second);
	ck_assert_uint_eq(a, b);
	p->stop(one);
	p->stop(two);
}
END_TEST

START_TEST(value_stays_below_the_bound_and_near_it)
{
	const struct policy *p = policy_find("adapt");
	struct world w = world_default(2000ull * MB, 8000ull * MB);
	struct policy_entry e[N_NAMES] = { 0 };
	struct bound_item *items = calloc(N_NAMES, sizeof *items);
	double limit[N_TIERS], price[N_TIERS] = { 0 }, value;
	struct policy_run *run;

	test_play(p, &w, &run, e);
	size_t n = plan_sample(run, 6000 * .7, items, N_NAMES, limit, &value);
	double bound = bound_solve(items, n, limit, BOUND_STEPS, price);
	ck_assert_double_le(value, bound * (1 + 1e-9));
	ck_assert_double_ge(value, bound * .97);
	p->stop(run);
	free(items);
}
END_TEST

/* The best of all placements of a few items, by trying every one. */
static double test_best(const struct bound_item *items, size_t n, double ram,
			double ssd)
{
	double best = -INFINITY;

	if (ram < 0 || ssd < 0)
		return -INFINITY;
	if (n == 0)
		return 0;
	for (unsigned o = 0; o < N_OPTIONS; o++) {
		const struct curve *c = &items->curve;

		if (!(c->offered >> o & 1))
			continue;
		double rest =
		    test_best(items + 1, n - 1, ram - (double)c->bytes[o][0],
			      ssd - (double)c->bytes[o][1]);
		best = fmax(best, rest + items->f * (double)c->value_s[o]);
	}
	return best;
}

/* The dual at given prices, spelt out. */
static double test_dual(const struct bound_item *items, size_t n,
			const double limit[N_TIERS], double ram, double ssd)
{
	double sum = ram * limit[0] + ssd * limit[1];

	for (size_t i = 0; i < n; i++) {
		const struct curve *c = &items[i].curve;
		double most = 0;

		for (unsigned o = 0; o < N_OPTIONS; o++)
			most = fmax(most, items[i].f * (double)c->value_s[o] -
					      ram * (double)c->bytes[o][0] -
					      ssd * (double)c->bytes[o][1]);
		sum += most;
	}
	return sum;
}

/* The least dual over a grid of prices, 2^-60 to 2^-20. */
static double test_least_dual(const struct bound_item *items, size_t n,
			      const double limit[N_TIERS])
{
	double least = test_dual(items, n, limit, 0, 0);

	for (double x = -60; x < -20; x += 0.25)
		for (double y = -60; y < -20; y += 0.25)
			least = fmin(least, test_dual(items, n, limit, exp2(x),
						      exp2(y)));
	return least;
}

START_TEST(bound_is_above_the_optimum)
{
	struct world w = world_default(MB, MB);
	struct bound_item items[3];
	double limit[N_TIERS], price[N_TIERS] = { 0 }, raw = 0;

	seed = (uint32_t)_i;
	for (int i = 0; i < 3; i++) {
		struct facts facts = test_facts(1);
		struct policy_entry e = { 0 };

		curve_learn(&e, &facts);
		curve_fill(&e, &w, N_RUNGS, 0, &items[i].curve);
		items[i].f = 1 + test_random(9);
		raw += (double)facts.raw_bytes;
	}
	limit[0] = raw * test_random(50) / 100 + MB;
	limit[1] = raw * test_random(50) / 100 + MB;

	double best = test_best(items, 3, limit[0], limit[1]);
	double bound = bound_solve(items, 3, limit, BOUND_STEPS, price);
	ck_assert_double_ge(bound, best * (1 - 1e-9));
	ck_assert_double_le(bound, test_least_dual(items, 3, limit) * 1.001);
	ck_assert_double_eq_tol(bound,
				test_dual(items, 3, limit, price[0], price[1]),
				1e-9 * bound);
}
END_TEST

START_TEST(writes_stay_within_the_budget)
{
	const struct policy *p = policy_find("adapt");
	struct world w = world_default(2000ull * MB, 8000ull * MB);
	struct policy_entry e[N_NAMES] = { 0 };
	double at[60] = { 0 };
	uint64_t hash = 0;

	w.ssd_write_bytes_per_s = 5 * MB;
	struct policy_run *run = p->start(p, &w, 1000);
	seed = 1;
	for (int step = 0; step < 30000; step++) {
		uint32_t name = test_random(N_NAMES);
		struct policy_gauge g;

		test_use(p, run, step * .1, &e[name], name, &hash);
		if (step % 100)
			continue;
		p->gauge(run, &g);
		/* 60 marks of 10 s: what ten minutes ago was written. */
		double *mark = &at[step / 100 % 60];
		ck_assert_double_le(g.ssd_written_bytes - *mark,
				    600 * w.ssd_write_bytes_per_s);
		*mark = g.ssd_written_bytes;
	}
	p->stop(run);
}
END_TEST

START_TEST(the_dead_go_first)
{
	const struct policy *p = policy_find("adapt");
	struct world w = world_default(200ull * MB, 800ull * MB);
	struct policy_run *run = p->start(p, &w, 100);
	struct policy_entry e[20] = { 0 };
	struct policy_answer answer;
	struct policy_move move;

	for (int i = 0; i < 20; i++) {
		struct facts facts = {
			.raw_bytes = 64 * MB,
			.name = (uint64_t)i,
			.layer_bytes = { 4 * MB, 4 * MB, 8 * MB, 8 * MB,
					 20 * MB },
			.loss = { .2f, .1f, .01f, .001f, 0 },
			.recompute_s = 1,
			.priority = 50,
		};

		facts.floor_rung = N_RUNGS - 1;
		ck_assert_int_eq(p->enter(run, i, &facts, &e[i], &answer), 0);
		if (i == 7) {
			facts.dead = true;
			p->revise(run, i, &e[i], &facts);
		}
	}
	while (p->press(run, 20, &move))
		continue;
	w.limit_bytes[TIER_RAM] = 100ull * MB;
	w.limit_bytes[TIER_SSD] = 600ull * MB;
	p->set_world(run, &w);
	while (p->press(run, 20, &move))
		continue;
	ck_assert_uint_eq(e[7].at.top, 0);
	p->stop(run);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_plan");
	TCase *tc = tcase_create("plan");
	int n = 0;

	while (policy_at((unsigned)n))
		n++;
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, options_and_places_are_one_to_one);
	tcase_add_test(tc, what_has_no_bytes_is_not_offered);
	tcase_add_loop_test(tc, value_is_what_a_reading_saves, 0, 4);
	tcase_add_loop_test(tc, same_events_same_decisions, 0, n);
	tcase_add_test(tc, value_stays_below_the_bound_and_near_it);
	tcase_add_loop_test(tc, bound_is_above_the_optimum, 0, 50);
	tcase_add_test(tc, writes_stay_within_the_budget);
	tcase_add_test(tc, the_dead_go_first);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
