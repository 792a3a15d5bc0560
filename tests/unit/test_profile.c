/* test_profile.c - a profile says a step per layer, and no bytes fool it */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/head.h"
#include "codec/profile.h"
#include "tests/unit/run.h"

#define GOOD                                                                   \
	"adaptcache-profile 2\n# of a small model\n\nmodel 2 64 32\n"          \
	"damage 0.35 1 0.11 1.2\n"                                             \
	"layer 0 k 0.5 1.5 v 2 0\n\tlayer 1  k 1 0.5 v 64 2\r\n"

static int parse(const char *text, struct profile *ret,
		 struct profile_fault *fault)
{
	/* of just this size, so that a sanitizer sees its end */
	size_t len = strlen(text);
	char *copy = malloc(len + !len);

	memcpy(copy, text, len);
	int r = profile_parse(copy, len, ret, fault);

	free(copy);
	return r;
}

START_TEST(a_profile_is_read)
{
	struct profile p;
	struct profile_fault fault = { 0 };

	ck_assert_int_eq(parse(GOOD, &p, &fault), 0);
	ck_assert_uint_eq(p.n_layers, 2);
	ck_assert_uint_eq(p.k_cols, 64);
	ck_assert_uint_eq(p.v_cols, 32);
	ck_assert_double_eq(p.v_power, 1.2);
	ck_assert_float_eq(p.layer[0].k.step, 0.5f);
	ck_assert_float_eq(p.layer[0].k.weight, 1.5f);
	ck_assert_float_eq(p.layer[1].v.step, 64);
	ck_assert_float_eq(p.layer[1].v.weight, 2);
	ck_assert_uint_eq(fault.line, 0);
}
END_TEST

#define HEAD         "adaptcache-profile 1\n"
#define HEAD_2       "adaptcache-profile 2\nmodel 1 4 4\n"
#define SHIFTS_USAGE "not `shifts N DIGITS`, K_COLS of 0 to 3"

static const struct bad_case {
	const char *text;
	uint32_t line;
	const char *what;
} BAD[] = {
	{ "", 1, "not a profile" },
	{ "\n\n", 3, "not a profile" },
	{ "hello\n", 1, "not a profile" },
	{ "adaptcache-profile 1 x\n", 1, "not a profile" },
	{ "adaptcache-profile 3\n", 1, "a profile of another version" },
	{ HEAD, 2, "no line `model`" },
	{ HEAD "model 2 64\n", 2, "not `model N_LAYERS K_COLS V_COLS`" },
	{ HEAD "model 0 64 64", 2, "not `model N_LAYERS K_COLS V_COLS`" },
	{ HEAD "model 513 64 64", 2, "not `model N_LAYERS K_COLS V_COLS`" },
	{ HEAD "model 1.5 64 64", 2, "not `model N_LAYERS K_COLS V_COLS`" },
	{ HEAD "model 1 64 0", 2, "not `model N_LAYERS K_COLS V_COLS`" },
	{ HEAD "model 1 1 1\nmodel 1 1 1", 3, "a second line `model`" },
	{ HEAD "model 1 1 1\n", 3, "no line `damage`" },
	{ HEAD "damage 1 1 1 nan", 2,
	  "not `damage K_GAIN K_POWER V_GAIN V_POWER`" },
	{ HEAD "damage 1 0 1 1", 2,
	  "not `damage K_GAIN K_POWER V_GAIN V_POWER`" },
	{ HEAD "damage 1 1 1 1\ndamage 1 1 1 1", 3, "a second line `damage`" },
	{ HEAD "layer 0 k 1 1 v 1 1", 2, "a layer before the line `model`" },
	{ HEAD "model 1 1 1\nlayer 1 k 1 1 v 1 1", 3, "not the next layer" },
	{ HEAD "model 1 1 1\nlayer 0 k 1 1 v 1 1\nlayer 1 k 1 1 v 1 1", 4,
	  "more layers than the model has" },
	{ HEAD "model 1 1 1\nlayer 0 v 1 1 k 1 1", 3,
	  "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 1 1 1\nlayer 0 k 0 1 v 1 1", 3,
	  "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 1 1 1\nlayer 0 k 65 1 v 1 1", 3,
	  "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 1 1 1\nlayer 0 k 1 -1 v 1 1", 3,
	  "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 1 1 1\nlayer 0 k 1 inf v 1 1", 3,
	  "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 1 1 1\nlayer 0 k 1x 1 v 1 1", 3,
	  "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 1 1 1\nlayer 0 k 1 1 v 1 1 1", 3,
	  "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 1 1 1\nlayer 0 k 1 1 v 1 "
	       "0.1000000000000000000000000000000000"
	       "0000000000000000000000000000000000",
	  3, "not `layer N k STEP WEIGHT v STEP WEIGHT`" },
	{ HEAD "model 2 1 1\ndamage 1 1 1 1\nlayer 0 k 1 1 v 1 1\n", 5,
	  "fewer layers than the model has" },
	{ HEAD "steps 1 1", 2,
	  "neither `model`, `damage`, `layer` nor `shifts`" },
	{ HEAD "shifts 0 11", 2, "shifts before the line `model`" },
	{ HEAD "model 1 4 4\nshifts 0 1111", 3,
	  "shifts, which version 1 has not" },
	{ HEAD_2 "shifts 0 111", 3, SHIFTS_USAGE },
	{ HEAD_2 "shifts 0 11111", 3, SHIFTS_USAGE },
	{ HEAD_2 "shifts 0 1141", 3, SHIFTS_USAGE },
	{ HEAD_2 "shifts 0 11 11", 3, SHIFTS_USAGE },
	{ HEAD_2 "shifts 1 1111", 3, SHIFTS_USAGE },
	{ HEAD_2 "shifts 0", 3, SHIFTS_USAGE },
	{ HEAD "damagedamagedamagedamagedamagedamage"
	       "damagedamagedamagedamagedamagedamage",
	  2, "a word that is too long" },
};

START_TEST(bad_text_is_refused_with_its_line)
{
	const struct bad_case *c = &BAD[_i];
	struct profile p = { .n_layers = 77 };
	struct profile_fault fault = { 0 };

	ck_assert_int_eq(parse(c->text, &p, &fault), -EINVAL);
	ck_assert_str_eq(fault.what, c->what);
	ck_assert_uint_eq(fault.line, c->line);
	ck_assert_uint_eq(p.n_layers, 77);
}
END_TEST

START_TEST(every_cut_is_refused_or_whole)
{
	struct profile p;
	struct profile_fault fault;

	for (size_t len = 0; len < strlen(GOOD); len++) {
		char *copy = malloc(len + !len);

		memcpy(copy, GOOD, len);
		int r = profile_parse(copy, len, &p, &fault);

		/* all but the end of the last line is needed */
		ck_assert(r == -EINVAL || len + 2 >= strlen(GOOD));
		free(copy);
	}
}
END_TEST

START_TEST(steps_follow_layer_and_role)
{
	static const struct {
		uint16_t layer;
		uint8_t role;
		float base, step;
	} cases[] = {
		{ 0, ROLE_K, 1.08f, 0.54f },
		{ 0, ROLE_V, 1.08f, 2.16f },
		{ 1, ROLE_K, 1.08f, 1.08f },
		{ 1, ROLE_V, 1.08f, SHAPE_STEP_MAX },
		{ 0, ROLE_K, 0.06f, SHAPE_STEP_MIN },
		{ 0, ROLE_NONE, 1.08f, 1.08f },
		{ 2, ROLE_K, 1.08f, 1.08f },
		{ UINT16_MAX, ROLE_V, 1.08f, 1.08f },
	};
	struct profile p;
	struct profile_fault fault;

	ck_assert_int_eq(parse(GOOD, &p, &fault), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shape s = { .role = cases[i].role, .cols = 64 };

		profile_shape(&p, cases[i].layer, cases[i].base, &s);
		ck_assert_float_eq_tol(s.step, cases[i].step, 1e-6f);
		ck_assert_ptr_null(s.shift);
	}
}
END_TEST

START_TEST(shifts_are_of_k_and_its_layer)
{
	static const char text[] =
	    "adaptcache-profile 2\nmodel 2 4 4\ndamage 0 1 0 1\n"
	    "layer 0 k 1 1 v 1 1\nlayer 1 k 1 1 v 1 1\nshifts 1 0123\n";
	struct profile p;
	struct profile_fault fault;
	struct shape s = { .role = ROLE_K, .cols = 4 };

	ck_assert_int_eq(parse(text, &p, &fault), 0);
	profile_shape(&p, 1, 1, &s);
	ck_assert_mem_eq(s.shift, "\0\1\2\3", 4);
	profile_shape(&p, 0, 1, &s);
	ck_assert_mem_eq(s.shift, "\2\2\2\2", 4);
	s.cols = 8; /* K and V beside each other, perhaps */
	profile_shape(&p, 1, 1, &s);
	ck_assert_ptr_null(s.shift);
	s.cols = 4;
	s.role = ROLE_V;
	profile_shape(&p, 1, 1, &s);
	ck_assert_ptr_null(s.shift);
	profile_done(&p);
}
END_TEST

START_TEST(only_its_own_model_matches)
{
	static const struct {
		struct head_extent at[4];
		size_t n;
		bool matches;
	} cases[] = {
#define T(r, l, c) { .elem = ELEM_F16, .role = r, .model_layer = l, .cols = c }
		{ { T(ROLE_K, 0, 64), T(ROLE_K, 1, 64), T(ROLE_V, 0, 32),
		    T(ROLE_V, 1, 32) },
		  4,
		  true },
		{ { { .elem = ELEM_U8, .cols = 1 }, T(ROLE_K, 1, 64) },
		  2,
		  true },
		{ { T(ROLE_K, 0, 64) }, 1, false },
		{ { T(ROLE_K, 0, 64), T(ROLE_K, 2, 64) }, 2, false },
		{ { T(ROLE_K, 1, 32) }, 1, false },
		{ { T(ROLE_V, 1, 64) }, 1, false },
		{ { T(ROLE_NONE, 1, 64) }, 1, false },
		{ { { 0 } }, 0, false },
#undef T
	};
	struct profile p;
	struct profile_fault fault;

	ck_assert_int_eq(parse(GOOD, &p, &fault), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(profile_matches(&p, cases[i].at, cases[i].n),
				 cases[i].matches);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("profile");
	TCase *tc = tcase_create("profile");

	tcase_add_test(tc, a_profile_is_read);
	tcase_add_loop_test(tc, bad_text_is_refused_with_its_line, 0,
			    sizeof(BAD) / sizeof(BAD[0]));
	tcase_add_test(tc, every_cut_is_refused_or_whole);
	tcase_add_test(tc, steps_follow_layer_and_role);
	tcase_add_test(tc, shifts_are_of_k_and_its_layer);
	tcase_add_test(tc, only_its_own_model_matches);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
