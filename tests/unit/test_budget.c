/* test_budget.c - limits hold, and what is given back can be taken again */
#include <pthread.h>
#include <stdatomic.h>

#include "fs/store/budget.h"
#include "run.h"

enum { MEMORY = 1000, DISK = 500, N_THREADS = 4, N_ROUNDS = 20000 };

START_TEST(dirty_bytes_have_half_of_memory)
{
	struct budget b;

	budget_init(&b, MEMORY, DISK);
	ck_assert(!budget_take_dirty(&b, MEMORY / 2 + 1));
	ck_assert(budget_take_dirty(&b, MEMORY / 2));
	ck_assert(!budget_take_dirty(&b, 1));
	ck_assert(budget_take_dirty(&b, 0));
	ck_assert(budget_take_clean(&b, MEMORY / 2));
	ck_assert(!budget_take_clean(&b, 1));
	budget_set_dirty(&b, MEMORY / 2, 0);
	ck_assert(budget_take_clean(&b, MEMORY / 2));
	ck_assert(!budget_take_dirty(&b, 1));
	budget_set_clean(&b, MEMORY, 0);
	ck_assert_uint_eq(budget_look(&b).clean, 0);
	budget_done(&b);
}
END_TEST

START_TEST(huge_requests_do_not_wrap)
{
	struct budget b;

	budget_init(&b, MEMORY, DISK);
	ck_assert(budget_take_dirty(&b, 1));
	ck_assert(!budget_take_dirty(&b, UINT64_MAX));
	ck_assert(!budget_take_clean(&b, UINT64_MAX));
	ck_assert(budget_promise(&b, 1));
	ck_assert(!budget_promise(&b, UINT64_MAX));
	budget_set_dirty(&b, 0, 2 * MEMORY); /* told afterwards */
	ck_assert(!budget_take_dirty(&b, 0));
	ck_assert(!budget_take_clean(&b, 0));
	budget_set_disk(&b, 0, 2 * DISK);
	ck_assert(!budget_promise(&b, 0));
	budget_done(&b);
}
END_TEST

START_TEST(washing_moves_and_soiling_moves_back)
{
	struct budget b;

	budget_init(&b, MEMORY, DISK);
	ck_assert(budget_take_dirty(&b, 300));
	budget_wash(&b, 200);
	ck_assert_uint_eq(budget_look(&b).dirty, 100);
	ck_assert_uint_eq(budget_look(&b).clean, 200);
	budget_soil(&b, 200);
	ck_assert_uint_eq(budget_look(&b).dirty, 300);
	ck_assert_uint_eq(budget_look(&b).clean, 0);
	budget_done(&b);
}
END_TEST

START_TEST(promises_and_use_share_the_disk)
{
	struct budget b;

	budget_init(&b, MEMORY, DISK);
	ck_assert(budget_promise(&b, 300));
	ck_assert(!budget_promise(&b, 201));
	budget_set_disk(&b, 0, 100);
	ck_assert(!budget_promise(&b, 101));
	budget_unpromise(&b, 300);
	budget_set_disk(&b, 100, 50);
	ck_assert(budget_promise(&b, DISK - 50));
	ck_assert_uint_eq(budget_look(&b).disk_used, 50);
	budget_done(&b);
}
END_TEST

static void *budget_thread(void *arg)
{
	struct budget *b = arg;

	for (unsigned i = 0; i < N_ROUNDS; i++) {
		uint64_t n = 1 + i % 300;

		if (budget_take_dirty(b, n)) {
			budget_wash(b, n);
			budget_set_clean(b, n, 0);
		}
		if (budget_promise(b, n))
			budget_unpromise(b, n);
	}
	return NULL;
}

START_TEST(limits_hold_among_threads)
{
	struct budget b;
	pthread_t threads[N_THREADS];

	budget_init(&b, MEMORY, DISK);
	for (int i = 0; i < N_THREADS; i++)
		pthread_create(&threads[i], NULL, budget_thread, &b);
	for (unsigned i = 0; i < N_ROUNDS; i++) {
		struct budget_view v = budget_look(&b);

		/* Washing is one step: no byte is counted twice. */
		ck_assert_uint_le(v.dirty + v.clean, MEMORY);
		ck_assert_uint_le(v.dirty, MEMORY / 2);
		ck_assert_uint_le(v.disk_promised, DISK);
	}
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	struct budget_view v = budget_look(&b);
	ck_assert_uint_eq(v.dirty + v.clean + v.disk_promised, 0);
	budget_done(&b);
}
END_TEST

START_TEST(a_wait_ends_with_a_change_or_soon)
{
	struct budget b;

	budget_init(&b, MEMORY, DISK);
	uint64_t change = budget_change(&b);

	budget_wait(&b, change); /* nobody gives: it ends all the same */
	ck_assert_uint_eq(budget_change(&b), change);
	budget_kick(&b);
	ck_assert_uint_ne(budget_change(&b), change);
	budget_wait(&b, change);
	change = budget_change(&b);
	budget_set_dirty(&b, 0, 5); /* takes: nobody can hope for room */
	ck_assert_uint_eq(budget_change(&b), change);
	budget_set_dirty(&b, 5, 0);
	ck_assert_uint_ne(budget_change(&b), change);
	budget_done(&b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("budget");
	TCase *tc = tcase_create("budget");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, dirty_bytes_have_half_of_memory);
	tcase_add_test(tc, huge_requests_do_not_wrap);
	tcase_add_test(tc, washing_moves_and_soiling_moves_back);
	tcase_add_test(tc, promises_and_use_share_the_disk);
	tcase_add_test(tc, limits_hold_among_threads);
	tcase_add_test(tc, a_wait_ends_with_a_change_or_soon);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
