/* test_policy_record.c - recorded calls read back as they were written */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/record.h"

static struct record test_record(char event)
{
	struct record r = { .event = event };

	if (!strchr("SJWF", event))
		r.now_s = 1.0 / 3;
	if (strchr("SJW", event))
		r.world = world_default(123, 456);
	if (strchr("SJ", event))
		strcpy(r.policy, "adapt");
	if (strchr("SJT", event))
		r.count = 77;
	if (strchr("KEHPRMF", event))
		r.id = UINT64_MAX;
	if (event == 'P' || event == 'T')
		r.any = true;
	if (event == 'P')
		r.tier = TIER_SSD;
	if (strchr("KEHPM", event))
		r.place = (struct place){ 4, 2, 0xe, 1 };
	if (event == 'E' || event == 'H')
		r.read_layers = 3;
	if (strchr("KER", event))
		r.facts = (struct facts){
			.name = 0xfedcba9876543210,
			.raw_bytes = 1,
			.layer_bytes = { 1, 2, 3, 4, 5, UINT64_MAX },
			.loss = { .1f, .2f, .3f, .4f, 1e-6f, 0 },
			.recompute_s = .1,
			.floor_rung = 2,
			.pin = PIN_HELD,
			.priority = 100,
			.dead = true,
			.burst_files = 65535,
			.burst_hits = 3,
			.burst_tail = true,
		};
	return r;
}

START_TEST(every_event_survives)
{
	struct record want = test_record("SJKWEHPTRMF"[_i]), got;
	char line[RECORD_LINE], again[RECORD_LINE];
	size_t len, len_again;

	ck_assert_int_eq(record_format(&want, line, sizeof line, &len), 0);
	ck_assert_uint_eq(len, strlen(line));
	ck_assert_ptr_null(record_parse(line, &got));
	ck_assert_int_eq(record_format(&got, again, sizeof again, &len_again),
			 0);
	ck_assert_str_eq(line, again);
	ck_assert_uint_eq(got.id, want.id);
	ck_assert_double_eq(got.now_s, want.now_s);
	ck_assert_mem_eq(&got.place, &want.place, sizeof got.place);
	ck_assert_int_eq(record_format(&want, line, len, &len), -E2BIG);
}
END_TEST

static const char *const BAD[] = {
	"",
	"X 1",
	"H",
	"H 0x1p0",
	"H 0x1p0 7 7 0 0 0 1",
	"H 0x1p0 7 6 7 0 0 1",
	"H -1 7 5 5 0 0 1",
	"H 0x1p0 7 2 0 4 0 1",
	"F 1 2",
	"T 0x1p0 5 2",
	"H nan 7 5 5 0 0 1",
	"F 99999999999999999999",
};

enum { N_BAD = sizeof BAD / sizeof *BAD };

START_TEST(bad_lines_are_refused)
{
	struct record r;

	ck_assert_ptr_nonnull(record_parse(BAD[_i], &r));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("policy_record");
	TCase *tc = tcase_create("record");

	tcase_add_loop_test(tc, every_event_survives, 0, 11);
	tcase_add_loop_test(tc, bad_lines_are_refused, 0, N_BAD);
	suite_add_tcase(s, tc);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
