/* test_policy_damage.c - quality falls with the error, from 1 to 0 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "policy/damage.h"

struct loss_case {
	double k_error, v_error, sensitivity, loss;
};

static const struct loss_case CASES[] = {
	{ 0, 0, 1, 0 },         { 0.1, 0, 1, 0.035 },    { 0, 0.1, 1, 0.011 },
	{ 0.1, 0.1, 4, 0.184 }, { 100, 100, 1, 1 },      { NAN, 0, 1, 1 },
	{ INFINITY, 0, 1, 1 },  { 1e-9, 0, 1, 3.5e-10 },
};

enum { N_CASES = sizeof CASES / sizeof *CASES };

START_TEST(loss_is_sensitivity_times_nats)
{
	const struct loss_case *c = &CASES[_i];
	struct damage d = DAMAGE_DEFAULT;

	d.sensitivity = c->sensitivity;
	ck_assert_ptr_null(damage_fault(&d));
	ck_assert_float_eq_tol(
	    damage_loss(&d, damage_nats(&d, c->k_error, c->v_error)),
	    (float)c->loss, 1e-7f);
}
END_TEST

START_TEST(bad_curves_are_refused)
{
	struct damage d = DAMAGE_DEFAULT;

	d.k_gain = -1;
	ck_assert_str_eq(damage_fault(&d), "a gain must be 0 or more");
	d = DAMAGE_DEFAULT;
	d.v_power = 0;
	ck_assert_str_eq(damage_fault(&d), "a power must be above 0");
	d = DAMAGE_DEFAULT;
	d.sensitivity = NAN;
	ck_assert_str_eq(damage_fault(&d), "the sensitivity must be above 0");
	d = DAMAGE_CONTINUE;
	ck_assert_ptr_null(damage_fault(&d));
	d.dropped_gain = NAN;
	ck_assert_str_eq(damage_fault(&d), "a gain must be 0 or more");
	d = DAMAGE_CONTINUE;
	d.dropped_power = 0;
	ck_assert_str_eq(damage_fault(&d), "a power must be above 0");
}
END_TEST

START_TEST(tokens_go_where_a_price_is_named)
{
	ck_assert(!damage_drops(&DAMAGE_DEFAULT));
	ck_assert(isinf(damage_dropped(&DAMAGE_DEFAULT, 0.01)));
	ck_assert_float_eq(
	    damage_loss(&DAMAGE_DEFAULT, damage_dropped(&DAMAGE_DEFAULT, 0.5)),
	    1);
	ck_assert_double_eq(damage_dropped(&DAMAGE_DEFAULT, 0), 0);
	ck_assert(damage_drops(&DAMAGE_CONTINUE));
	ck_assert_double_lt(damage_dropped(&DAMAGE_CONTINUE, 0.25),
			    damage_dropped(&DAMAGE_CONTINUE, 0.5));
}
END_TEST

START_TEST(an_error_is_found_from_its_damage)
{
	struct damage d = { 0.5, 1.2, 0.3, 0.8, 0, 1, 1 };

	for (double e = 1e-6; e < 10; e *= 3)
		ck_assert_double_eq_tol(damage_error(&d, damage_nats(&d, e, e)),
					e, 1e-6 * e);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_damage");
	TCase *tc = tcase_create("damage");

	tcase_add_loop_test(tc, loss_is_sensitivity_times_nats, 0, N_CASES);
	tcase_add_test(tc, bad_curves_are_refused);
	tcase_add_test(tc, tokens_go_where_a_price_is_named);
	tcase_add_test(tc, an_error_is_found_from_its_damage);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
