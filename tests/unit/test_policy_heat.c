/* test_policy_heat.c - the re-use table counts what it is told, and fades */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "policy/ghost.h"
#include "policy/heat.h"

static struct heat heat;

START_TEST(rate_follows_hits_over_exposure)
{
	uint8_t class = heat_class(4);

	heat_init(&heat);
	for (int i = 0; i < 1000; i++) {
		heat_expose(&heat, class, 0, 1000);
		heat_hit(&heat, class, 100);
	}
	heat_rebuild(&heat, 1);
	/* A thousand hits in the bin [90.5, 128), within the horizon. */
	ck_assert_double_eq_tol(heat_rate(&heat, class, 10),
				1000 / 37.5 / 1000 * 37.5 / 600, 2e-4);
	/* Past that bin, only the prior is left. */
	ck_assert_double_lt(heat_rate(&heat, class, 130), 1e-4);
}
END_TEST

START_TEST(exposure_is_kept_whole)
{
	static const double ages[][2] = {
		{ 0, 0 },   { 0, 0.5 },  { 0.25, 1 },
		{ 0, 1e5 }, { 7, 7.25 }, { 1e5, 2e5 },
	};
	double before = 0, after = 0;

	heat_init(&heat);
	for (int i = 0; i < HEAT_BINS; i++)
		before += heat.exposure_s[3][i];
	heat_expose(&heat, 3, ages[_i][0], ages[_i][1]);
	for (int i = 0; i < HEAT_BINS; i++)
		after += heat.exposure_s[3][i];
	ck_assert_double_eq_tol(after - before, ages[_i][1] - ages[_i][0],
				1e-6);
}
END_TEST

START_TEST(classes_stay_in_the_table)
{
	ck_assert_uint_eq(heat_class(0), HEAT_BURSTS);
	ck_assert_uint_eq(heat_class(2), HEAT_BURSTS + 2);
	ck_assert_uint_eq(heat_class(1e30), HEAT_CLASSES - 1);
	ck_assert_uint_eq(heat_burst_class(0, 0, false), 0);
	ck_assert_uint_eq(heat_burst_class(1000, 1000, false), 15);
	ck_assert_uint_eq(heat_burst_class(1, 1, true), 16);
	ck_assert_double_eq_tol(heat_weight(4, 3600), 3, 1e-12);
}
END_TEST

START_TEST(ghosts_keep_the_latest)
{
	struct ghosts g;

	ck_assert_int_eq(ghosts_init(&g, 64), 0);
	for (uint32_t i = 1; i <= 10000; i++)
		ghosts_put(&g, &(struct ghost){ .name = i, .last = i });
	ck_assert_ptr_nonnull(ghosts_find(&g, 10000));
	ck_assert_ptr_null(ghosts_find(&g, 1));
	ghosts_find(&g, 10000)->name = 0;
	ck_assert_ptr_null(ghosts_find(&g, 10000));
	ghosts_done(&g);
	ck_assert_int_eq(ghosts_init(&g, 0), 0);
	ghosts_put(&g, &(struct ghost){ .name = 1 });
	ck_assert_ptr_null(ghosts_find(&g, 1));
	ghosts_done(&g);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_heat");
	TCase *tc = tcase_create("heat");

	tcase_add_test(tc, rate_follows_hits_over_exposure);
	tcase_add_loop_test(tc, exposure_is_kept_whole, 0, 6);
	tcase_add_test(tc, classes_stay_in_the_table);
	tcase_add_test(tc, ghosts_keep_the_latest);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
