/* test_setting.c - which values settings take, and what they mean */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "fs/store/setting.h"
#include "run.h"

#define DAY 86400.0

static const struct {
	enum setting_id id;
	const char *text, *canonical;
	double number;
} GOOD[] = {
	{ SETTING_QUALITY, "exact", "exact", 0 },
	{ SETTING_QUALITY, "high", "kld:0.0002", 0.0002 },
	{ SETTING_QUALITY, "good", "kld:0.005", 0.005 },
	{ SETTING_QUALITY, "fair", "kld:0.03", 0.03 },
	{ SETTING_QUALITY, "low", "kld:0.09", 0.09 },
	{ SETTING_QUALITY, "kld:0.030", "kld:0.03", 0.03 },
	{ SETTING_QUALITY, "kld:3e-2", "kld:0.03", 0.03 },
	{ SETTING_QUALITY, "kld:12", "kld:12", 12 },
	{ SETTING_QUALITY, "kld:1e-5", "kld:1e-05", 1e-5 },
	{ SETTING_QUALITY, "kld:1e9", "kld:1e+09", 1e9 },
	{ SETTING_QUALITY, "kld:0.12345678901", "kld:0.12345678901",
	  0.12345678901 },
	{ SETTING_TASK, "summary-v1.2_x", "summary-v1.2_x", 0 },
	{ SETTING_TIER, "auto", "auto", SETTING_TIER_AUTO },
	{ SETTING_TIER, "mem", "mem", SETTING_TIER_MEM },
	{ SETTING_TIER, "ssd", "ssd", SETTING_TIER_SSD },
	{ SETTING_PIN, "0", "0", 0 },
	{ SETTING_PIN, "1", "1", INFINITY },
	{ SETTING_PIN, "soft:30m", "soft:30m", 1800 },
	{ SETTING_PIN, "soft:90", "soft:90s", 90 },
	{ SETTING_TTL, "0", "0", 0 },
	{ SETTING_TTL, "0h", "0", 0 },
	{ SETTING_TTL, "1", "1s", 1 },
	{ SETTING_TTL, "90s", "90s", 90 },
	{ SETTING_TTL, "120s", "2m", 120 },
	{ SETTING_TTL, "30m", "30m", 1800 },
	{ SETTING_TTL, "24h", "1d", DAY },
	{ SETTING_TTL, "0030D", "30d", 30 * DAY },
	{ SETTING_TTL, "36500d", "36500d", 36500 * DAY },
	{ SETTING_PRIORITY, "0", "0", 0 },
	{ SETTING_PRIORITY, "050", "50", 50 },
	{ SETTING_PRIORITY, "100", "100", 100 },
	{ SETTING_QUOTA, "1", "1", 1 },
	{ SETTING_QUOTA, "1024k", "1M", 1 << 20 },
	{ SETTING_QUOTA, "1536M", "1536M", 1536.0 * (1 << 20) },
	{ SETTING_QUOTA, "8192T", "8192T", 0x1p53 },
	{ SETTING_DTYPE, "f16", "f16", 0 },
	{ SETTING_AXES, "layer,kv,token,channel", "layer,kv,token,channel", 0 },
	{ SETTING_DIMS, "32x2x*x1024", "32x2x*x1024", 0 },
	{ SETTING_HEADER, "4096", "4096", 0 },
};
enum { N_GOOD = sizeof(GOOD) / sizeof(*GOOD) };

START_TEST(good_values_have_one_meaning)
{
	struct setting v, again;
	enum setting_id id = GOOD[_i].id, found;
	const char *text = GOOD[_i].text;

	ck_assert_int_eq(setting_parse(id, text, strlen(text), &v), 0);
	ck_assert_str_eq(v.text, GOOD[_i].canonical);
	ck_assert(v.number == GOOD[_i].number);
	ck_assert_int_eq(setting_parse(id, v.text, strlen(v.text), &again), 0);
	ck_assert_str_eq(again.text, v.text);
	ck_assert(again.number == v.number);
	ck_assert(setting_find(setting_name(id), &found));
	ck_assert_int_eq(found, id);
}
END_TEST

static const struct {
	enum setting_id id;
	const char *text;
} BAD[] = {
	{ SETTING_QUALITY, "Exact" },
	{ SETTING_QUALITY, "exact " },
	{ SETTING_QUALITY, "as good as it gets" },
	{ SETTING_QUALITY, "kld:" },
	{ SETTING_QUALITY, "kld:0" },
	{ SETTING_QUALITY, "kld:-0.1" },
	{ SETTING_QUALITY, "kld:+0.1" },
	{ SETTING_QUALITY, "kld: 0.1" },
	{ SETTING_QUALITY, "kld:nan" },
	{ SETTING_QUALITY, "kld:inf" },
	{ SETTING_QUALITY, "kld:0x1p-4" },
	{ SETTING_QUALITY, "kld:1e999" },
	{ SETTING_QUALITY, "kld:1e-999" },
	{ SETTING_QUALITY, "kld:1.2.3" },
	{ SETTING_QUALITY, "kld:1+2" },
	{ SETTING_QUALITY, "kld:0.1nats" },
	{ SETTING_QUALITY, "0.1" },
	{ SETTING_TASK, "two words" },
	{ SETTING_TASK, "a/b" },
	{ SETTING_TIER, "dram" },
	{ SETTING_TIER, "0" },
	{ SETTING_PIN, "2" },
	{ SETTING_PIN, "yes" },
	{ SETTING_PIN, "soft" },
	{ SETTING_PIN, "soft:" },
	{ SETTING_PIN, "soft:0" },
	{ SETTING_PIN, "soft:soft:1" },
	{ SETTING_TTL, "-1" },
	{ SETTING_TTL, "+1" },
	{ SETTING_TTL, " 1" },
	{ SETTING_TTL, "1w" },
	{ SETTING_TTL, "1 m" },
	{ SETTING_TTL, "1ms" },
	{ SETTING_TTL, "m" },
	{ SETTING_TTL, "1.5h" },
	{ SETTING_TTL, "36501d" },
	{ SETTING_TTL, "99999999999999999999" },
	{ SETTING_PRIORITY, "101" },
	{ SETTING_PRIORITY, "-1" },
	{ SETTING_PRIORITY, "high" },
	{ SETTING_PRIORITY, "5e1" },
	{ SETTING_PRIORITY, "50%" },
	{ SETTING_QUOTA, "0" },
	{ SETTING_QUOTA, "0G" },
	{ SETTING_QUOTA, "none" },
	{ SETTING_QUOTA, "1GB" },
	{ SETTING_QUOTA, "10P" },
	{ SETTING_QUOTA, "8193T" },
	{ SETTING_QUOTA, "18446744073709551615" },
	{ SETTING_DTYPE, "f 16" },
	{ SETTING_AXES, "a\tb" },
	{ SETTING_DIMS, "\x80" },
};
enum { N_BAD = sizeof(BAD) / sizeof(*BAD) };

START_TEST(bad_values_are_refused_and_leave_what_was)
{
	struct setting v = { .number = 42, .text = "untouched" };
	const char *text = BAD[_i].text;

	ck_assert_int_eq(setting_parse(BAD[_i].id, text, strlen(text), &v),
			 -EINVAL);
	ck_assert(v.number == 42);
	ck_assert_str_eq(v.text, "untouched");
}
END_TEST

START_TEST(lengths_count)
{
	struct setting v;
	char full[SETTING_TEXT_MAX + 1];

	memset(full, 'a', sizeof(full));
	for (int id = 0; id < N_SETTINGS; id++) {
		ck_assert_int_eq(setting_parse(id, "", 0, &v), -EINVAL);
		ck_assert_int_eq(setting_parse(id, "1\0", 2, &v), -EINVAL);
		ck_assert_int_eq(setting_parse(id, full, sizeof(full), &v),
				 -EINVAL);
	}
	ck_assert_int_eq(
	    setting_parse(SETTING_TASK, full, SETTING_TEXT_MAX - 1, &v), 0);
	ck_assert_uint_eq(strlen(v.text), SETTING_TEXT_MAX - 1);
	ck_assert_int_eq(
	    setting_parse(SETTING_TASK, full, SETTING_TEXT_MAX, &v), -EINVAL);
	ck_assert_int_eq(setting_parse(SETTING_TTL, "30m", 2, &v), 0);
	ck_assert(v.number == 30);
}
END_TEST

START_TEST(there_is_a_default_for_each)
{
	enum setting_id id;

	for (int i = 0; i < N_SETTINGS; i++) {
		struct setting v = setting_default(i), same = v;

		ck_assert(v.text[0]);
		setting_parse(i, v.text, strlen(v.text), &same);
		ck_assert(same.number == v.number);
		ck_assert(setting_initial(i) == v.number);
	}
	ck_assert(setting_default(SETTING_QUALITY).number == 0);
	ck_assert(setting_default(SETTING_PRIORITY).number == 50);
	ck_assert(setting_default(SETTING_QUOTA).number == 0);
	ck_assert(!setting_find("", &id));
	ck_assert(!setting_find("qualit", &id));
	ck_assert(!setting_find("effective.quality", &id));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("setting");
	TCase *all = tcase_create("grammar");

	tcase_add_loop_test(all, good_values_have_one_meaning, 0, N_GOOD);
	tcase_add_loop_test(all, bad_values_are_refused_and_leave_what_was, 0,
			    N_BAD);
	tcase_add_test(all, lengths_count);
	tcase_add_test(all, there_is_a_default_for_each);
	suite_add_tcase(suite, all);
	return run_suite(suite);
}
