/* test_declare.c - what an owner declares is read strictly and believed */
#include <stdbool.h>

#include "codec/codec.h"
#include "codec/layout/declare.h"
#include "tests/unit/bytes.h"
#include "tests/unit/run.h"

#define ID_DECLARED 4

static const struct {
	const char *key, *value;
	int r;
} values[] = {
	{ "dtype", "bf16", 0 },
	{ "dtype", "f16", 0 },
	{ "dtype", "f32", 0 },
	{ "dtype", "fp8e4m3", 0 },
	{ "dtype", "fp8e5m2", 0 },
	{ "dtype", "u8", 0 },
	{ "dtype", "", -EINVAL },
	{ "dtype", "BF16", -EINVAL },
	{ "dtype", "f1", -EINVAL },
	{ "dtype", "f166", -EINVAL },
	{ "dtype", " f16", -EINVAL },
	{ "axes", "T", 0 },
	{ "axes", "2LTHD", 0 },
	{ "axes", "WLBTC2HD", 0 },
	{ "axes", "", -EINVAL },
	{ "axes", "2LHD", -EINVAL },
	{ "axes", "LTT", -EINVAL },
	{ "axes", "2LTHX", -EINVAL },
	{ "axes", "2LtHD", -EINVAL },
	{ "axes", "WLBTC2HDT", -EINVAL },
	{ "dims", "T=1", 0 },
	{ "dims", "L=32,T=256,H=8,D=128", 0 },
	{ "dims", "T=?", 0 },
	{ "dims", "T=?,D=?", 0 }, /* declare_check's affair */
	{ "dims", "T=4294967295", 0 },
	{ "dims", "T=4294967296", -EINVAL },
	{ "dims", "T=99999999999999999999", -EINVAL },
	{ "dims", "", -EINVAL },
	{ "dims", "T", -EINVAL },
	{ "dims", "T=", -EINVAL },
	{ "dims", "T=0", -EINVAL },
	{ "dims", "T=01", -EINVAL },
	{ "dims", "T=-1", -EINVAL },
	{ "dims", "T=1x", -EINVAL },
	{ "dims", "T=??", -EINVAL },
	{ "dims", "T=1,", -EINVAL },
	{ "dims", "T=1,,D=2", -EINVAL },
	{ "dims", "T=1 D=2", -EINVAL },
	{ "dims", "T=1,T=2", -EINVAL },
	{ "dims", "2=2,T=1", -EINVAL },
	{ "dims", "X=2", -EINVAL },
	{ "header", "0", 0 },
	{ "header", "28", 0 },
	{ "header", "9223372036854775807", 0 },
	{ "header", "9223372036854775808", -EINVAL },
	{ "header", "18446744073709551620", -EINVAL },
	{ "header", "", -EINVAL },
	{ "header", "1k", -EINVAL },
	{ "header", "+1", -EINVAL },
	{ "quality", "lossless", -ENODATA },
	{ "", "", -ENODATA },
};

START_TEST(values_are_read_strictly)
{
	struct declaration d = { .header = 5, .given = DECLARE_HEADER };
	struct declaration was = d;
	int r = declare_set(&d, values[_i].key, values[_i].value,
			    strlen(values[_i].value));

	ck_assert_msg(r == values[_i].r, "%s=%s: %d", values[_i].key,
		      values[_i].value, r);
	if (r < 0)
		ck_assert_mem_eq(&d, &was, sizeof(d));
}
END_TEST

/* A declaration by its attributes; NULL: not given. */
struct said {
	const char *dtype, *axes, *dims, *header;
};

static void say(struct declaration *d, const struct said *said)
{
	const char *keys[] = { "dtype", "axes", "dims", "header" };
	const char *texts[] = { said->dtype, said->axes, said->dims,
				said->header };

	*d = (struct declaration){ 0 };
	for (unsigned i = 0; i < 4; i++)
		if (texts[i])
			ck_assert_int_eq(
			    declare_set(d, keys[i], texts[i], strlen(texts[i])),
			    0);
}

#define HUGE_DIMS "L=4294967295,T=4294967295,D=4294967295"

static const struct {
	struct said said;
	uint64_t size;
	int r;
} checks[] = {
	{ { 0 }, 77, 0 },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", NULL }, 192, 0 },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", NULL }, 191, -EINVAL },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", NULL }, 193, -EINVAL },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", NULL }, 384, -EINVAL },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", NULL }, 0, 0 },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", NULL }, DECLARE_NO_SIZE, 0 },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", "28" }, 220, 0 },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", "28" }, 192, -EINVAL },
	{ { "bf16", "2LTHD", "L=2,T=?,H=2,D=4", NULL }, 64, 0 },
	{ { "bf16", "2LTHD", "L=2,T=?,H=2,D=4", NULL }, 6400, 0 },
	{ { "bf16", "2LTHD", "L=2,T=?,H=2,D=4", NULL }, 6401, -EINVAL },
	{ { "bf16", "2LTHD", "L=?,T=?,H=2,D=4", NULL }, 64, -EINVAL },
	{ { "bf16", "2LTHD", "L=?,T=?,H=2,D=4", NULL }, 0, -EINVAL },
	{ { "bf16", "2LTHD", "L=2,T=3,H=2", NULL }, 0, -EINVAL },
	{ { NULL, "2LTHD", "L=2,T=3,H=2", NULL }, 0, -EINVAL },
	{ { NULL, "2LT", "L=2,T=3,H=2", NULL }, DECLARE_NO_SIZE, -EINVAL },
	{ { NULL, "2LTH", "L=2,T=3,H=2", NULL }, 48, 0 }, /* no dtype yet */
	{ { "f32", NULL, "L=2,T=3,H=2", NULL }, 47, 0 },
	{ { "f32", "LT", NULL, NULL }, 47, 0 },
	{ { NULL, NULL, NULL, "48" }, 47, -EINVAL },
	{ { NULL, NULL, NULL, "48" }, 48, 0 },
	{ { "u8", NULL, NULL, "48" }, 0, 0 },
	{ { "fp8e4m3", "LT", "L=2,T=3", NULL }, 6, 0 },
	{ { "fp8e4m3", "LT", "L=2,T=3", NULL }, 12, -EINVAL },
	{ { "f16", "LTD", HUGE_DIMS, NULL }, 12, -EINVAL },
	{ { "f16", "T", "T=?", "9223372036854775807" }, 12, -EINVAL },
	{ { "f16", "T", "T=?", "12" }, 12, -EINVAL },
};

#define N_CHECKS ((int)(sizeof(checks) / sizeof(checks[0])))

START_TEST(a_size_that_contradicts_is_refused)
{
	struct declaration d;

	say(&d, &checks[_i].said);

	int r = declare_check(&d, checks[_i].size);

	ck_assert_msg(r == checks[_i].r, "row %d: %d", _i, r);
}
END_TEST

/* Files that are declared, and where their tensors are. */
static const struct {
	const char *label;
	struct said said;
	size_t size, n;
	struct extent want[8];
} files[] = {
	{ "layer first",
	  { "bf16", "2LTHD", "L=2,T=3,H=2,D=4", "28" },
	  220,
	  4,
	  { { 28, 48, ELEM_BF16, ROLE_K, 0, 8 },
	    { 76, 48, ELEM_BF16, ROLE_K, 1, 8 },
	    { 124, 48, ELEM_BF16, ROLE_V, 0, 8 },
	    { 172, 48, ELEM_BF16, ROLE_V, 1, 8 } } },
	{ "page first",
	  { "f16", "2TLHD", "L=2,T=?,H=2,D=4", NULL },
	  192,
	  2,
	  { { 0, 96, ELEM_F16, ROLE_K, 0, 16 },
	    { 96, 96, ELEM_F16, ROLE_V, 0, 16 } } },
	{ "page by heads",
	  { "f16", "2HTLD", "L=2,T=3,H=2,D=4", NULL },
	  192,
	  4,
	  { { 0, 48, ELEM_F16, ROLE_K, 0, 8 },
	    { 48, 48, ELEM_F16, ROLE_K, 0, 8 },
	    { 96, 48, ELEM_F16, ROLE_V, 0, 8 },
	    { 144, 48, ELEM_F16, ROLE_V, 0, 8 } } },
	{ "K and V in each row",
	  { "f16", "LT2HD", "L=2,T=3,H=2,D=4", NULL },
	  192,
	  2,
	  { { 0, 96, ELEM_F16, ROLE_K, 0, 16 },
	    { 96, 96, ELEM_F16, ROLE_K, 1, 16 } } },
	{ "blocks of workers",
	  { "bf16", "WLBTC", "W=2,L=1,B=3,T=2,C=8", NULL },
	  192,
	  2,
	  { { 0, 96, ELEM_BF16, ROLE_K, 0, 8 },
	    { 96, 96, ELEM_BF16, ROLE_K, 0, 8 } } },
	{ "blocks outside of layers",
	  { "bf16", "BLTC", "L=1,B=3,T=2,C=8", NULL },
	  96,
	  3,
	  { { 0, 32, ELEM_BF16, ROLE_K, 0, 8 },
	    { 32, 32, ELEM_BF16, ROLE_K, 0, 8 },
	    { 64, 32, ELEM_BF16, ROLE_K, 0, 8 } } },
	{ "transposed",
	  { "f16", "2LHDT", "L=1,T=3,H=2,D=4", NULL },
	  96,
	  2,
	  { { 0, 48, ELEM_F16, ROLE_NONE, 0, 3 },
	    { 48, 48, ELEM_F16, ROLE_NONE, 0, 3 } } },
	{ "no dimension is one of many",
	  { "f32", "T", "T=?", NULL },
	  12,
	  1,
	  { { 0, 12, ELEM_F32, ROLE_K, 0, 1 } } },
	{ "bytes", { "fp8e5m2", "TC", "T=?,C=4", "4" }, 12, 0, { { 0 } } },
	{ "opaque", { "u8", NULL, NULL, NULL }, 12, 0, { { 0 } } },
};

#define N_FILES ((int)(sizeof(files) / sizeof(files[0])))

START_TEST(a_declared_file_is_what_it_was_declared)
{
	static struct bytes b;
	struct declaration d;
	struct source facts = { .declared = &d };
	struct extents list;

	say(&d, &files[_i].said);
	b.len = 0;
	bytes_zeros(&b, files[_i].size);
	ck_assert_msg(bytes_recognise_as(&b, b.len, &facts, &list) ==
			  ID_DECLARED,
		      "%s", files[_i].label);
	bytes_check_extents(&list, b.len);
	bytes_check_list(files[_i].label, &list, files[_i].want, files[_i].n);
	extents_done(&list);

	facts.checksummed = true;
	ck_assert_uint_eq(bytes_recognise_as(&b, b.len, &facts, &list),
			  LAYOUT_NONE);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(a_file_of_another_size_is_not)
{
	static struct bytes b;
	struct declaration d;
	struct source facts = { .declared = &d };
	struct extents list;

	say(&d, &files[0].said);
	b.len = 0;
	bytes_zeros(&b, 2 * files[0].size);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t id = bytes_recognise_as(&b, len, &facts, &list);

		ck_assert_uint_eq(id, len == files[0].size ? ID_DECLARED
							   : LAYOUT_NONE);
		extents_done(&list);
	}
}
END_TEST

START_TEST(more_extents_than_the_cap_are_none)
{
	static struct bytes b;
	struct declaration d;
	struct source facts = { .declared = &d };
	struct said said = { "f16", "LTC", "L=20000,T=1,C=1", NULL };
	struct said more = { "f16", "WLTC", "L=65537,W=1,T=1,C=1", NULL };
	struct axes axes = { 0 };
	struct extents list = { 0 };

	b.len = 0;
	bytes_zeros(&b, 40000);
	say(&d, &said);
	ck_assert_uint_eq(bytes_recognise_as(&b, b.len, &facts, &list),
			  ID_DECLARED);
	ck_assert_uint_eq(list.n, 20000);
	ck_assert_uint_eq(list.at[19999].model_layer, 19999);
	extents_done(&list);

	say(&d, &more);
	ck_assert_int_eq(declare_solve(&d, 2 * 65537, &axes), 0);
	ck_assert_int_eq(axes_list(&axes, ELEM_F16, 0, &list), -ENOENT);
	ck_assert_ptr_null(list.at);
}
END_TEST

/* A declaration that does not fit leaves the file to what its bytes say. */
START_TEST(the_bytes_decide_where_the_declaration_does_not_fit)
{
	static struct bytes b;
	struct declaration d;
	struct source facts = { .declared = &d };
	struct extents list;

	say(&d, &files[0].said);
	b.len = 0;
	bytes_u64(&b, 2);
	bytes_text(&b, "{}");
	ck_assert_uint_eq(bytes_recognise_as(&b, b.len, &facts, &list), 3);
	extents_done(&list);
	say(&d, &(struct said){ .dtype = "u8" });
	ck_assert_uint_eq(bytes_recognise_as(&b, b.len, &facts, &list),
			  ID_DECLARED);
	extents_done(&list);
}
END_TEST

START_TEST(forged_declarations_do_no_harm)
{
	static const char letters[] = "2LTHDCBWXT";
	static struct bytes b;
	uint64_t seed = 1;

	b.len = 0;
	bytes_zeros(&b, 4096);
	for (int i = 0; i < 20000; i++) {
		struct declaration d = { 0 };
		struct source facts = { .declared = &d };
		struct extents list;
		char dims[256], axes[16];
		size_t at = 0, n = run_random(&seed) % 6 + 1;

		for (size_t k = 0; k < n; k++) {
			axes[k] = letters[run_random(&seed) % 10];
			at += (size_t)snprintf(dims + at, sizeof(dims) - at,
					       "%s%c=%u", k ? "," : "", axes[k],
					       1u << run_random(&seed) %
							 (i % 2 ? 32 : 4));
		}
		declare_set(&d, "dtype", i % 3 ? "f16" : "f32", 3);
		declare_set(&d, "axes", axes, n);
		declare_set(&d, "dims", dims, at);
		bytes_recognise_as(&b, run_random(&seed) % 4096, &facts, &list);
		bytes_check_extents(&list, b.len);
		extents_done(&list);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("declare");
	TCase *tc = tcase_create("declare");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, values_are_read_strictly, 0,
			    (int)(sizeof(values) / sizeof(values[0])));
	tcase_add_loop_test(tc, a_size_that_contradicts_is_refused, 0,
			    N_CHECKS);
	tcase_add_loop_test(tc, a_declared_file_is_what_it_was_declared, 0,
			    N_FILES);
	tcase_add_test(tc, a_file_of_another_size_is_not);
	tcase_add_test(tc, more_extents_than_the_cap_are_none);
	tcase_add_test(tc, the_bytes_decide_where_the_declaration_does_not_fit);
	tcase_add_test(tc, forged_declarations_do_no_harm);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
