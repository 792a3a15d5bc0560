/* test_tool_bench.c - the verb bench: files as a scheme leaves them, figures */
#include "tests/unit/run.h"
#include "tests/unit/tool_kit.h"
#include "tools/refquant.h"

static const uint8_t elems[] = { ELEM_F16, ELEM_BF16 };

/* The tensors differ, and nothing else. */
START_TEST(a_written_file_has_other_tensors_alone)
{
	struct tool_file plain = tool_llama(elems[_i]), got;
	size_t each = 2ull * TOOL_TOKENS * TOOL_COLS;
	const struct ref_scheme *s;

	tool_write("plain", plain.at, plain.len);
	for (unsigned k = 0; (s = ref_scheme_at(k)); k++) {
		ck_assert_int_eq(TOOL(verb_bench, "codec", tool_path("plain"),
				      "--scheme", s->name, "--write",
				      tool_path("out"), "--head-dim", "64"),
				 0);
		got = tool_read("out");
		ck_assert_uint_eq(got.len, plain.len);
		for (unsigned i = 0; i < 2 * TOOL_LAYERS; i++) {
			size_t at = tool_tensor(&plain, i);

			ck_assert(memcmp(got.at + at, plain.at + at, each));
			memcpy(got.at + at, plain.at + at, each);
		}
		ck_assert(!memcmp(got.at, plain.at, got.len));
		free(got.at);
	}
	free(plain.at);
}
END_TEST

START_TEST(bad_usage_is_2_and_failure_is_1)
{
	char *plain = tool_path("plain"), *out = tool_path("out");

	tool_write("plain", "no tensors", 10);
	ck_assert_int_eq(TOOL(verb_bench, "codec"), 2);
	ck_assert_int_eq(TOOL(verb_bench, "--json"), 2);
	ck_assert_int_eq(TOOL(verb_bench, "nonsense", plain), 2);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, "--scheme", "q3_0",
			      "--write", out),
			 2);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, "--write", out), 2);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, plain, "--scheme",
			      "q4_0", "--write", out),
			 2);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, "--head-dim", "0"),
			 2);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, "--scheme", "q4_0",
			      "--write", out),
			 1);
	ck_assert_int_eq(
	    TOOL(verb_bench, "codec", out, "--scheme", "q4_0", "--write", out),
	    1);
	ck_assert(!tool_exists("out"));
	ck_assert_int_eq(TOOL(verb_bench, "codec", "--scheme", "list"), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tool_bench");
	TCase *c = tcase_create("bench");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, tool_begin, tool_end);
	tcase_add_loop_test(c, a_written_file_has_other_tensors_alone, 0, 2);
	tcase_add_test(c, bad_usage_is_2_and_failure_is_1);
	suite_add_tcase(suite, c);
	return run_suite(suite);
}
