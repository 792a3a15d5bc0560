/* test_policy_heap.c - heaps give slots in key order, whatever was done */
#include <check.h>
#include <stdlib.h>

#include "policy/heap.h"

enum { N_SLOTS = 257 };

static uint32_t seed;

static uint32_t test_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* The least slot of an array of keys, or N_SLOTS when none is in. */
static uint32_t test_least(const double *key, const bool *in)
{
	uint32_t best = N_SLOTS;

	for (uint32_t i = 0; i < N_SLOTS; i++)
		if (in[i] && (best == N_SLOTS || key[i] < key[best]))
			best = i;
	return best;
}

START_TEST(top_is_least_after_any_change)
{
	struct heap h = { 0 };
	double key[N_SLOTS];
	bool in[N_SLOTS] = { false };

	seed = (uint32_t)_i + 1;
	ck_assert_int_eq(heap_reserve(&h, N_SLOTS), 0);
	for (int step = 0; step < 4000; step++) {
		uint32_t slot = test_random() % N_SLOTS;

		if (test_random() % 3 == 0) {
			heap_drop(&h, slot);
			in[slot] = false;
		} else {
			key[slot] = test_random() % 64;
			heap_set(&h, slot, key[slot]);
			in[slot] = true;
		}
		ck_assert_int_eq(heap_has(&h, slot), in[slot]);

		uint32_t want = test_least(key, in);
		const struct heap_node *top = heap_top(&h);
		ck_assert_int_eq(top ? top->slot : N_SLOTS, want);
	}
	heap_done(&h);
}
END_TEST

START_TEST(reserve_keeps_what_is_in)
{
	struct heap h = { 0 };

	ck_assert_int_eq(heap_reserve(&h, 2), 0);
	heap_set(&h, 1, 5);
	heap_set(&h, 0, 7);
	ck_assert_int_eq(heap_reserve(&h, 1000), 0);
	heap_set(&h, 999, 6);
	ck_assert_uint_eq(heap_top(&h)->slot, 1);
	heap_drop(&h, 1);
	ck_assert_uint_eq(heap_top(&h)->slot, 999);
	heap_drop(&h, 999);
	heap_drop(&h, 999);
	ck_assert_uint_eq(heap_top(&h)->slot, 0);
	heap_done(&h);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_heap");
	TCase *tc = tcase_create("heap");

	tcase_add_loop_test(tc, top_is_least_after_any_change, 0, 4);
	tcase_add_test(tc, reserve_keeps_what_is_in);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
