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

/* The verb's standard output goes to the file "out". */
static int run_to_out(const char *const *words)
{
	int was,
	    fd = open(tool_path("out"), O_CREAT | O_TRUNC | O_WRONLY, 0600);

	ck_assert_int_ge(fd, 0);
	fflush(stdout);
	was = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	close(fd);

	int status = tool_run(verb_bench, words);

	fflush(stdout);
	dup2(was, STDOUT_FILENO);
	close(was);
	return status;
}

/* A number behind "name" and some, in the JSON of this row. */
static double figure(const char *json, const char *row, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"name\": \"%s\"", row);
	const char *at = strstr(json, text);
	ck_assert_msg(at, "no row %s", row);
	snprintf(text, sizeof(text), "\"%s\": ", name);
	at = strstr(at, text);
	ck_assert_msg(at, "no %s of %s", name, row);
	return strtod(at + strlen(text), NULL);
}

START_TEST(a_layer_more_is_bits_more_and_error_less)
{
	static const char *const layers[] = { "grid head", "grid base",
					      "grid refine1", "grid refine2",
					      "grid exact" };
	struct tool_file plain = tool_llama(elems[_i]), got;
	const char *words[] = { "bench",  "codec", tool_path("plain"),
				"--runs", "1",     "--json",
				NULL };

	tool_write("plain", plain.at, plain.len);
	ck_assert_int_eq(run_to_out(words), 0);
	got = tool_read("out");
	char *json = (char *)got.at;

	json[got.len] = 0;
	for (size_t l = 1; l < 5; l++)
		for (int k = 0; k < 2; k++) {
			const char *bits = k ? "bits_k" : "bits_v";
			const char *error = k ? "error_k" : "error_v";

			ck_assert_double_gt(figure(json, layers[l], bits),
					    figure(json, layers[l - 1], bits));
			ck_assert_double_lt(figure(json, layers[l], error),
					    figure(json, layers[l - 1], error));
		}
	ck_assert_double_eq(figure(json, "grid exact", "error_k"), 0);
	ck_assert_double_lt(figure(json, "grid exact", "bits"), 16);
	ck_assert_double_lt(figure(json, "split16", "bits"), 16);
	ck_assert_double_eq(figure(json, "memcpy", "bits"), 16);
	ck_assert_double_eq(figure(json, "memcpy", "decode_of_memcpy"), 1);
	ck_assert_double_eq(figure(json, "q8_0", "bits"), 8.5);
	ck_assert_double_gt(figure(json, "kivi2", "encode_gb_s"), 0);
	free(got.at);
	free(plain.at);
}
END_TEST

/* Neither grid nor a scheme takes them. */
START_TEST(values_of_32_bits_have_rows_of_their_own)
{
	struct tool_file plain = tool_llama(ELEM_F32), got;
	const char *words[] = { "bench",  "codec", tool_path("plain"),
				"--runs", "1",     "--json",
				NULL };

	tool_write("plain", plain.at, plain.len);
	ck_assert_int_eq(run_to_out(words), 0);
	got = tool_read("out");
	char *json = (char *)got.at;

	json[got.len] = 0;
	ck_assert_ptr_nonnull(strstr(json, "\"elem\": \"f32\""));
	ck_assert_double_eq(figure(json, "memcpy", "bits"), 32);
	ck_assert_double_lt(figure(json, "split32", "bits"),
			    figure(json, "zstd -1", "bits"));
	ck_assert_ptr_null(strstr(json, "grid"));
	ck_assert_ptr_null(strstr(json, "q8_0"));
	free(got.at);
	free(plain.at);
}
END_TEST

/* A container's bytes are what the table says of it. */
START_TEST(bits_are_those_of_a_container)
{
	struct tool_file plain = tool_llama(ELEM_F16), got, packed;
	const char *words[] = { "bench",    "codec", tool_path("plain"),
				"--runs",   "1",     "--json",
				"--scheme", "q4_0",  NULL };

	tool_write("plain", plain.at, plain.len);
	ck_assert_int_eq(TOOL(verb_pack, tool_path("plain"),
			      tool_path("container"), "--codec", "grid"),
			 0);
	packed = tool_read("container");
	ck_assert_int_eq(run_to_out(words), 0);
	got = tool_read("out");
	got.at[got.len] = 0;

	double values = 2.0 * TOOL_LAYERS * TOOL_TOKENS * TOOL_COLS;
	double bytes =
	    figure((char *)got.at, "grid exact", "bits") * values / 8;

	/* but for the file's own head, and six digits: at most as it is */
	ck_assert_double_lt(bytes, (double)packed.len * (1 + 5e-6));
	ck_assert_double_gt(bytes + 16.0 * TOOL_TOKENS + 4 * 4096,
			    (double)packed.len);
	ck_assert_ptr_null(strstr((char *)got.at, "kivi2"));
	free(packed.at);
	free(got.at);
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
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, "--runs", "0"), 2);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, "--step", "99"), 2);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain), 1);
	ck_assert_int_eq(TOOL(verb_bench, "codec", plain, "--scheme", "q4_0",
			      "--write", out),
			 1);
	ck_assert_int_eq(
	    TOOL(verb_bench, "codec", out, "--scheme", "q4_0", "--write", out),
	    1);
	ck_assert(!tool_exists("out"));
	const char *words[] = { "bench", "codec", "--scheme", "list", NULL };
	ck_assert_int_eq(run_to_out(words), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tool_bench");
	TCase *c = tcase_create("bench");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, tool_begin, tool_end);
	tcase_add_loop_test(c, a_written_file_has_other_tensors_alone, 0, 2);
	tcase_add_loop_test(c, a_layer_more_is_bits_more_and_error_less, 0, 2);
	tcase_add_test(c, values_of_32_bits_have_rows_of_their_own);
	tcase_add_test(c, bits_are_those_of_a_container);
	tcase_add_test(c, bad_usage_is_2_and_failure_is_1);
	suite_add_tcase(suite, c);
	return run_suite(suite);
}
