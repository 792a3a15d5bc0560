/* test_policy_baseline.c - baselines do what their names say */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ledger.h"
#include "policy/registry.h"

enum { N_NAMES = 64, MB = 1 << 20 };

static uint32_t seed;

static uint32_t test_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* A block of 16 MB whose rungs take 1, 2, 4, 6 and 11 MB. */
static struct facts test_facts(uint64_t name)
{
	return (struct facts){
		.name = name,
		.raw_bytes = 16 * MB,
		.layer_bytes = { MB, 0, MB, 2 * MB, 2 * MB, 5 * MB },
		.loss = { .4f, .4f, .1f, .01f, .001f, 0 },
		.recompute_s = 1,
		.priority = 50,
	};
}

/* An independent LRU of two tiers: names, the latest used first. */
struct reference {
	int name[N_NAMES];
	int n, n_ram, n_all;
};

/* Uses name; returns where it was: 0 DRAM, 1 SSD, 2 nowhere. */
static int reference_use(struct reference *r, int name)
{
	int i = 0;

	while (i < r->n && r->name[i] != name)
		i++;

	int was = i < r->n_ram ? 0 : 1;
	if (i == r->n) {
		was = 2;
		r->n += r->n < r->n_all;
		i = r->n - 1;
	}
	memmove(r->name + 1, r->name, (size_t)i * sizeof *r->name);
	r->name[0] = name;
	return was;
}

static int test_tier(const struct policy_entry *e)
{
	if (e->at.top == 0)
		return 2;
	return e->at.ram || e->at.plain & 1 ? 0 : 1;
}

static void test_press(const struct policy *p, struct policy_run *run)
{
	struct policy_move move;

	while (p->press(run, 0, &move))
		ck_assert_ptr_nonnull(move.entry);
}

static void test_use(const struct policy *p, struct policy_run *run,
		     struct policy_entry *e, int name)
{
	struct facts facts = test_facts((uint64_t)name);
	struct policy_answer answer;

	if (e->at.top)
		p->hit(run, 0, e, &answer);
	else
		ck_assert_int_eq(p->enter(run, 0, &facts, e, &answer), 0);
	test_press(p, run);
}

/* raw: 16 MB, 5 fit DRAM and 20 the SSD. */
START_TEST(lru_is_an_independent_lru)
{
	const struct policy *p = policy_find("lru-raw");
	struct world w = world_default(80 * MB, 320 * MB);
	struct policy_run *run = p->start(p, &w, 0);
	struct policy_entry e[N_NAMES] = { 0 };
	struct reference ref = { .n_ram = 5, .n_all = 25 };

	seed = 7;
	for (int step = 0; step < 5000; step++) {
		uint32_t a = test_random() % N_NAMES;
		uint32_t b = test_random() % N_NAMES;
		int name = (int)(a < b ? a : b);

		ck_assert_int_eq(test_tier(&e[name]),
				 reference_use(&ref, name));
		test_use(p, run, &e[name], name);
	}
	p->stop(run);
}
END_TEST

START_TEST(every_policy_keeps_limits_and_account)
{
	const struct policy *p = policy_at((unsigned)_i);
	struct world w = world_default(80 * MB, 320 * MB);
	struct policy_run *run = p->start(p, &w, 100);
	struct policy_entry e[N_NAMES] = { 0 };
	struct policy_gauge g;

	seed = (uint32_t)_i;
	for (int step = 0; step < 3000; step++) {
		uint32_t name = test_random() % N_NAMES;
		uint64_t want[N_TIERS] = { 0 };

		test_use(p, run, &e[name], (int)name);
		if (step % 50 == 0 && e[name].at.top)
			p->forget(run, &e[name]);
		for (int i = 0; i < N_NAMES; i++)
			for (int t = 0; t < N_TIERS; t++)
				want[t] += ledger_bytes(&e[i], &e[i].at, t);
		p->gauge(run, &g);
		for (int t = 0; t < N_TIERS; t++) {
			ck_assert_uint_eq(g.used_bytes[t], want[t]);
			ck_assert_uint_le(g.used_bytes[t], w.limit_bytes[t]);
		}
	}
	p->stop(run);
}
END_TEST

START_TEST(every_policy_keeps_floors_and_pins)
{
	const struct policy *p = policy_at((unsigned)_i);
	struct world w = world_default(80 * MB, 320 * MB);
	struct policy_run *run = p->start(p, &w, 100);
	struct policy_entry e[N_NAMES] = { 0 };
	struct policy_answer answer;

	seed = (uint32_t)_i;
	for (int name = 0; name < N_NAMES; name++) {
		struct facts facts = test_facts((uint64_t)name);

		facts.floor_rung = (uint8_t)(name % N_RUNGS);
		facts.pin = name < 3 ? PIN_RAM : name < 6 ? PIN_HELD : PIN_NONE;
		ck_assert_int_eq(p->enter(run, name, &facts, &e[name], &answer),
				 0);
		test_press(p, run);
	}
	for (int name = 0; name < N_NAMES; name++) {
		if (name < 6)
			ck_assert_uint_gt(e[name].at.top, 0);
		if (name < 3)
			ck_assert_int_eq(test_tier(&e[name]), 0);
		if (e[name].at.top)
			ck_assert_uint_gt(e[name].at.top, name % N_RUNGS);
	}
	p->stop(run);
}
END_TEST

START_TEST(bad_worlds_are_refused_with_a_reason)
{
	struct world w = world_default(MB, MB);
	const uint64_t none[N_TIERS] = { 0 }, pinned[N_TIERS] = { 2 * MB, 0 };

	ck_assert_ptr_null(world_fault(&w, none));
	ck_assert_str_eq(world_fault(&w, pinned),
			 "a tier's limit is below what is pinned there");
	w.alpha = -1;
	ck_assert_str_eq(world_fault(&w, none),
			 "alpha must be a number of seconds, 0 or more");
	ck_assert_ptr_null(policy_find("no-such-policy"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_baseline");
	TCase *tc = tcase_create("baseline");
	int n = 0;

	while (policy_at((unsigned)n))
		n++;
	tcase_add_test(tc, lru_is_an_independent_lru);
	tcase_add_loop_test(tc, every_policy_keeps_limits_and_account, 0, n);
	tcase_add_loop_test(tc, every_policy_keeps_floors_and_pins, 0, n);
	tcase_add_test(tc, bad_worlds_are_refused_with_a_reason);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
