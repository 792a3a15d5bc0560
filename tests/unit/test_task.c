/* test_task.c - the text of a task's curve: read, printed, refused */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/profiles.h"
#include "fs/store/task.h"
#include "run.h"
#include "tools/task_fit.h"

#define HEAD "adaptcache-task 1\n"
#define GOOD                                                                   \
	HEAD "# of nothing\ntask summary-2\n\ndamage 0.5 1 0.25 1.5\n"         \
	     "dropped 0.125 2\nsensitivity 1.5"

static int parse(const char *text, struct task *ret, struct task_fault *fault)
{
	return task_parse(text, strlen(text), ret, fault);
}

START_TEST(what_is_said_holds)
{
	struct task t;
	struct task_fault fault;

	ck_assert_int_eq(parse(GOOD, &t, &fault), 0);
	ck_assert_str_eq(t.name, "summary-2");
	ck_assert_ptr_null(damage_fault(&t.damage));
	ck_assert_double_eq(damage_nats(&t.damage, 1, 1), 0.75);
	ck_assert_double_eq(damage_dropped(&t.damage, 0.5), 0.03125);
	ck_assert_double_eq(t.damage.sensitivity, 1.5);
	ck_assert_int_eq(parse(HEAD "task a\ndamage 1 1 1 1", &t, &fault), 0);
	ck_assert(!damage_drops(&t.damage));
	ck_assert(isinf(damage_dropped(&t.damage, 0.01)));
	ck_assert_double_eq(damage_dropped(&t.damage, 0), 0);
}
END_TEST

/* _i: with a price of dropping, and without. */
START_TEST(what_is_printed_is_read)
{
	const char *in = _i ? GOOD : HEAD "task a\ndamage 1 1 1 1";
	struct task t, back;
	struct task_fault fault;
	char *text;
	size_t len;

	ck_assert_int_eq(parse(in, &t, &fault), 0);
	FILE *out = open_memstream(&text, &len);
	task_print(&t, out);
	fclose(out);
	ck_assert_int_eq(task_parse(text, len, &back, &fault), 0);
	ck_assert_str_eq(back.name, t.name);
	ck_assert_mem_eq(&back.damage, &t.damage, sizeof(t.damage));
	free(text);
}
END_TEST

static const struct {
	const char *text;
	uint32_t line;
	const char *what;
} bad[] = {
	{ "", 1, "not a task" },
	{ "adaptcache-profile 1\n", 1, "not a task" },
	{ "adaptcache-task 2\n", 1, "a task of another version" },
	{ HEAD "task\n", 2, "not `task NAME`" },
	{ HEAD "task a b\n", 2, "not `task NAME`" },
	{ HEAD "task a/b\n", 2, "not `task NAME`" },
	{ HEAD "task a\ntask b\n", 3, "a second line `task`" },
	{ HEAD "damage 1 1 1 1\n", 3, "no line `task`" },
	{ HEAD "task a\n", 3, "no line `damage`" },
	{ HEAD "damage 1 1 -1 1", 2,
	  "not `damage K_GAIN K_POWER V_GAIN V_POWER`" },
	{ HEAD "damage 1 1 1", 2,
	  "not `damage K_GAIN K_POWER V_GAIN V_POWER`" },
	{ HEAD "damage 1 1 1 1\ndamage 1 1 1 1", 3, "a second line `damage`" },
	{ HEAD "dropped inf 1", 2, "not `dropped GAIN POWER`" },
	{ HEAD "dropped 1 0", 2, "not `dropped GAIN POWER`" },
	{ HEAD "dropped 1", 2, "not `dropped GAIN POWER`" },
	{ HEAD "dropped 1 1\ndropped 1 1", 3, "a second line `dropped`" },
	{ HEAD "sensitivity 0", 2, "not `sensitivity QUALITY_PER_NAT`" },
	{ HEAD "sensitivity 1\nsensitivity 1", 3,
	  "a second line `sensitivity`" },
	{ HEAD "kept 1 1", 2,
	  "neither `task`, `damage`, `dropped` nor `sensitivity`" },
};

#define N_BAD ((int)(sizeof(bad) / sizeof(bad[0])))

START_TEST(bad_text_is_refused_with_its_line)
{
	struct task t = { .name = "untouched" };
	struct task_fault fault = { 0 };

	ck_assert_int_eq(parse(bad[_i].text, &t, &fault), -EINVAL);
	ck_assert_str_eq(fault.what, bad[_i].what);
	ck_assert_uint_eq(fault.line, bad[_i].line);
	ck_assert_str_eq(t.name, "untouched");
}
END_TEST

START_TEST(a_byte_less_is_never_more)
{
	struct task t;
	struct task_fault fault;

	/* Copies, so that a sanitizer sees their ends. */
	for (size_t n = 0; n < strlen(GOOD); n++) {
		char *text = malloc(n ? n : 1);

		memcpy(text, GOOD, n);
		if (task_parse(text, n, &t, &fault) == 0)
			ck_assert_ptr_null(damage_fault(&t.damage));
		free(text);
	}
}
END_TEST

static const char *samples_path;

static void expect_near(double got, double want)
{
	ck_assert_double_eq_tol(got, want, 0.01 * want);
}

START_TEST(what_is_built_in_fits_its_samples)
{
	static char text[1 << 16];
	const struct damage *want = task_built_in("continue");
	struct task_sample *all;
	struct task_fault fault;
	struct damage d;
	double factor;
	size_t n;
	FILE *in = fopen(samples_path, "r");

	ck_assert_ptr_nonnull(in);
	size_t len = fread(text, 1, sizeof(text), in);
	fclose(in);
	ck_assert_int_eq(task_fit_parse(text, len, &all, &n, &fault), 0);
	ck_assert_ptr_null(task_fit(all, n, &d, &factor));
	free(all);
	expect_near(d.k_gain, want->k_gain);
	expect_near(d.v_gain, want->v_gain);
	expect_near(d.dropped_gain, want->dropped_gain);
	expect_near(d.dropped_power, want->dropped_power);
}
END_TEST

/* Samples that a curve made give the curve. */
START_TEST(a_fit_finds_what_made_the_samples)
{
	const struct damage made = { 0.7, 1, 0.22, 1, 0.2, 1.5, 1 };
	struct task_sample all[8];
	struct damage d;
	double factor;

	for (unsigned i = 0; i < 8; i++) {
		double e = i < 4 ? 0.01 * (i + 1) : 0;
		double share = i < 3 ? 0 : 0.1 * i;

		all[i] =
		    (struct task_sample){ e, e, share,
					  damage_nats(&made, e, e) +
					      damage_dropped(&made, share) };
	}
	ck_assert_ptr_null(task_fit(all, 8, &d, &factor));
	expect_near(d.k_gain, made.k_gain);
	expect_near(d.dropped_gain, made.dropped_gain);
	expect_near(d.dropped_power, made.dropped_power);
	expect_near(factor, 1);
	ck_assert_ptr_null(task_fit(all, 3, &d, &factor));
	ck_assert(!damage_drops(&d));
	ck_assert_ptr_nonnull(task_fit(all, 4, &d, &factor));
	ck_assert_ptr_nonnull(task_fit(all + 4, 4, &d, &factor));
	ck_assert_ptr_nonnull(task_fit(all, 0, &d, &factor));
}
END_TEST

START_TEST(bad_samples_are_refused_with_their_line)
{
	static const char *const texts[] = {
		"#\n0 0 0 0",   "#\n1 1 1",     "#\n0 0 1.1 1",
		"#\n0 0 0 1 1", "#\nnan 0 0 1", "#\n0 0 0 1e999",
	};
	struct task_sample *all = NULL;
	struct task_fault fault;
	size_t n;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ck_assert_int_eq(task_fit_parse(texts[i], strlen(texts[i]),
						&all, &n, &fault),
				 -EINVAL);
		ck_assert_uint_eq(fault.line, 2);
	}
	ck_assert_ptr_null(all);
}
END_TEST

START_TEST(an_unknown_task_has_the_default_curve)
{
	struct task own = { .name = "own", .damage = DAMAGE_CONTINUE };
	struct profiles p = { .tasks = &own, .n_tasks = 1 };

	ck_assert_ptr_eq(profiles_damage(&p, "own"), &own.damage);
	ck_assert_ptr_eq(profiles_damage(&p, "continue"), &DAMAGE_CONTINUE);
	ck_assert_ptr_eq(profiles_damage(&p, "none"), &DAMAGE_DEFAULT);
	strcpy(own.name, "continue");
	ck_assert_ptr_eq(profiles_damage(&p, "continue"), &own.damage);
}
END_TEST

int main(int argc, char **argv)
{
	TCase *t = tcase_create("task");
	Suite *s = suite_create("task");

	samples_path = argc == 2 ? argv[1] : "";

	tcase_add_test(t, what_is_said_holds);
	tcase_add_loop_test(t, what_is_printed_is_read, 0, 2);
	tcase_add_loop_test(t, bad_text_is_refused_with_its_line, 0, N_BAD);
	tcase_add_test(t, a_byte_less_is_never_more);
	tcase_add_test(t, what_is_built_in_fits_its_samples);
	tcase_add_test(t, a_fit_finds_what_made_the_samples);
	tcase_add_test(t, bad_samples_are_refused_with_their_line);
	tcase_add_test(t, an_unknown_task_has_the_default_curve);
	suite_add_tcase(s, t);
	return run_suite(s);
}
