/* test_policy_lru.c - the mount's first policy takes copies in their order */
#include <check.h>
#include <stdlib.h>

#include "policy/policy.h"
#include "policy/registry.h"
#include "tests/unit/run.h"

#define N_ENTRIES 3
#define RAW       1000u
#define STORED    800u

static const struct place EVERYWHERE = {
	.top = N_RUNGS,
	.ram = N_RUNGS,
	.ssd = (1u << N_RUNGS) - 1,
	.plain = 1u << TIER_RAM,
};

static const struct policy *lru;
static struct policy_run *run;
static struct policy_entry entries[N_ENTRIES];

static struct facts facts_of(uint64_t name, uint8_t pin)
{
	return (struct facts){
		.name = name,
		.raw_bytes = RAW,
		.layer_bytes[N_RUNGS - 1] = STORED,
		.recompute_s = 1,
		.floor_rung = N_RUNGS - 1,
		.priority = 50,
		.pin = pin,
	};
}

static void limit(uint64_t ram, uint64_t ssd)
{
	struct world w = world_default(ram, ssd);

	lru->set_world(run, &w);
}

/* Three entries with all copies; the second one is pinned in DRAM. */
static void setup(void)
{
	struct world w = world_default(1u << 30, 1u << 30);
	struct policy_answer a;

	lru = policy_find("lru");
	ck_assert_ptr_nonnull(lru);
	run = lru->start(lru, &w, 0);
	for (int i = 0; i < N_ENTRIES; i++) {
		struct facts f = facts_of(i + 1u, i == 1 ? PIN_RAM : PIN_NONE);

		ck_assert_int_eq(lru->enter(run, i, &f, &entries[i], &a), 0);
		ck_assert_uint_eq(a.place.top, N_RUNGS);
	}
}

static void teardown(void)
{
	lru->stop(run);
}

static void expect_move(int entry, uint8_t plain, uint8_t ram, uint8_t top)
{
	struct policy_move m;

	ck_assert(lru->press(run, 9, &m));
	ck_assert_ptr_eq(m.entry, &entries[entry]);
	ck_assert_uint_eq(m.to.plain, plain);
	ck_assert_uint_eq(m.to.ram, ram);
	ck_assert_uint_eq(m.to.top, top);
}

START_TEST(dram_gives_up_plain_copies_before_packed_ones)
{
	struct policy_move m;

	limit(1, 1u << 30);
	expect_move(0, 0, N_RUNGS, N_RUNGS);
	expect_move(2, 0, N_RUNGS, N_RUNGS);
	expect_move(0, 0, 0, N_RUNGS);
	expect_move(2, 0, 0, N_RUNGS);
	/* What is left is pinned. */
	ck_assert(!lru->press(run, 9, &m));
}
END_TEST

START_TEST(what_was_used_last_goes_last)
{
	struct policy_answer a;

	lru->hit(run, 5, &entries[0], &a);
	limit(1, 1u << 30);
	expect_move(2, 0, N_RUNGS, N_RUNGS);
	expect_move(0, 0, N_RUNGS, N_RUNGS);
}
END_TEST

START_TEST(the_ssd_gives_up_whole_entries)
{
	struct policy_move m;

	limit(1u << 30, 1);
	expect_move(0, 0, 0, 0);
	expect_move(2, 0, 0, 0);
	ck_assert(!lru->press(run, 9, &m));
}
END_TEST

START_TEST(under_the_limits_nothing_moves)
{
	struct policy_move m;

	ck_assert(!lru->press(run, 9, &m));
}
END_TEST

START_TEST(the_account_follows_what_is_true)
{
	struct policy_gauge g;
	struct place on_ssd = EVERYWHERE;

	on_ssd.ram = on_ssd.plain = 0;
	lru->gauge(run, &g);
	uint64_t before = g.used_bytes[TIER_RAM];
	lru->moved(run, 9, &entries[0], &on_ssd);
	lru->gauge(run, &g);
	/* Shares are kept to 1/32768. */
	ck_assert_uint_le(before - g.used_bytes[TIER_RAM] - STORED - RAW + 2,
			  4);
	for (int i = 0; i < N_ENTRIES; i++)
		lru->forget(run, &entries[i]);
	lru->gauge(run, &g);
	ck_assert_uint_eq(g.used_bytes[TIER_RAM], 0);
	ck_assert_uint_eq(g.used_bytes[TIER_SSD], 0);
	ck_assert_uint_eq(g.n_entries, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy_lru");
	TCase *tc = tcase_create("policy_lru");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, dram_gives_up_plain_copies_before_packed_ones);
	tcase_add_test(tc, what_was_used_last_goes_last);
	tcase_add_test(tc, the_ssd_gives_up_whole_entries);
	tcase_add_test(tc, under_the_limits_nothing_moves);
	tcase_add_test(tc, the_account_follows_what_is_true);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
