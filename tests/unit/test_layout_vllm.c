/* test_layout_vllm.c - raw blocks are known by the configuration beside them */
#include <stdbool.h>

#include "codec/codec.h"
#include "tests/unit/bytes.h"
#include "tests/unit/run.h"

#define ID_VLLM 5

#define DIR     "kv/vllm/org_model_0123456789ab"
#define CONFIG  DIR "/config.json"
#define BLOCK   DIR "_r0/0a1/b2_g0/0a1b2c3d4e5f6789.bin"
#define GROUP_1 DIR "_r0/0a1/b2_g1/0a1b2c3d4e5f6789.bin"

#define ATTN(i) "\"model.layers." #i ".self_attn.attn\""
#define GROUP(tokens, layers)                                                  \
	"{\"layer_names\": [" layers "], \"tokens_per_block\": " #tokens "}"

/* tokens_per_hash, blocks_per_file and what else is told apart. */
#define HEAD(dtype, more)                                                      \
	"{\n  \"blocks_per_file\": 2,\n  \"dcp_size\": 1,\n"                   \
	"  \"dtype\": \"" dtype                                                \
	"\",\n  \"inference_engine\": \"vllm\",\n" more
#define TAIL(tp, hash)                                                         \
	",\n  \"model_name\": \"org/model\",\n  \"pcp_size\": 1,\n"            \
	"  \"pp_size\": 1,\n  \"tokens_per_hash\": " #hash ",\n"               \
	"  \"tp_size\": " #tp "\n}\n"
#define AGNOSTIC     "\"parallel_agnostic\": false, "
#define GROUPS(list) "\"kv_cache_groups\": [" list "]"

#define TWO   ATTN(0) ", " ATTN(1)
#define PLAIN HEAD("bfloat16", AGNOSTIC GROUPS(GROUP(16, TWO))) TAIL(1, 16)

/* Two layers of 2 blocks of 16 tokens: 64 rows. */
#define K_ROWS 64u

static const struct {
	const char *label, *name, *config;
	size_t size, n;
	struct extent want[4];
} files[] = {
	{ "one worker",
	  BLOCK,
	  PLAIN,
	  K_ROWS * 512,
	  2,
	  { { 0, 16384, ELEM_BF16, ROLE_K, 0, 256 },
	    { 16384, 16384, ELEM_BF16, ROLE_K, 1, 256 } } },
	{ "being written",
	  BLOCK "_1234567890.tmp",
	  PLAIN,
	  K_ROWS * 512,
	  2,
	  { { 0, 16384, ELEM_BF16, ROLE_K, 0, 256 },
	    { 16384, 16384, ELEM_BF16, ROLE_K, 1, 256 } } },
	{ "padded",
	  BLOCK,
	  HEAD("bfloat16", AGNOSTIC GROUPS(GROUP(33, TWO))) TAIL(1, 33),
	  77824,
	  2,
	  { { 0, 38016, ELEM_BF16, ROLE_K, 0, 288 },
	    { 38016, 38016, ELEM_BF16, ROLE_K, 1, 288 } } },
	{ "two workers",
	  BLOCK,
	  HEAD("float16", AGNOSTIC GROUPS(GROUP(16, ATTN(0)))) TAIL(2, 16),
	  K_ROWS * 512,
	  2,
	  { { 0, 16384, ELEM_F16, ROLE_K, 0, 256 },
	    { 16384, 16384, ELEM_F16, ROLE_K, 0, 256 } } },
	{ "workers unknown",
	  BLOCK,
	  HEAD("float16", GROUPS(GROUP(16, TWO))) TAIL(1, 16),
	  K_ROWS * 512,
	  2,
	  { { 0, 16384, ELEM_F16, ROLE_NONE, 0, 256 },
	    { 16384, 16384, ELEM_F16, ROLE_NONE, 1, 256 } } },
	{ "two groups",
	  GROUP_1,
	  HEAD("float16", AGNOSTIC GROUPS(GROUP(32, ATTN(0)) ", " GROUP(
			      32, ATTN(1)))) TAIL(1, 16),
	  K_ROWS * 512,
	  1,
	  { { 0, 32768, ELEM_F16, ROLE_K, 0, 256 } } },
};

#define N_FILES ((int)(sizeof(files) / sizeof(files[0])))

static uint8_t recognise(struct bytes *b, const char *name, const char *config,
			 size_t size, struct extents *ret)
{
	struct source facts = { .name = name };

	b->len = 0;
	bytes_zeros(b, size);
	b->beside_name = CONFIG;
	b->beside = config;
	return bytes_recognise_as(b, size, &facts, ret);
}

START_TEST(blocks_are_known)
{
	static struct bytes b;
	struct extents list;

	ck_assert_msg(recognise(&b, files[_i].name, files[_i].config,
				files[_i].size, &list) == ID_VLLM,
		      "%s", files[_i].label);
	bytes_check_extents(&list, files[_i].size);
	bytes_check_list(files[_i].label, &list, files[_i].want, files[_i].n);
	extents_done(&list);

	for (int d = -1; d <= 1; d += 2) {
		ck_assert_uint_eq(recognise(&b, files[_i].name,
					    files[_i].config,
					    files[_i].size + d, &list),
				  LAYOUT_NONE);
		ck_assert_uint_eq(list.n, 0);
	}
}
END_TEST

static const struct {
	const char *label, *name, *config;
	size_t size;
} strangers[] = {
	{ "no name", NULL, PLAIN, K_ROWS * 512 },
	{ "no configuration", BLOCK, NULL, K_ROWS * 512 },
	{ "other folder", "other_0123_r0/0a1/b2_g0/0a1b2c3d4e5f6789.bin", PLAIN,
	  K_ROWS * 512 },
	{ "no rank", DIR "/0a1/b2_g0/0a1b2c3d4e5f6789.bin", PLAIN,
	  K_ROWS * 512 },
	{ "other hash", DIR "_r0/0a1/b3_g0/0a1b2c3d4e5f6789.bin", PLAIN,
	  K_ROWS * 512 },
	{ "no group", DIR "_r0/0a1/b2/0a1b2c3d4e5f6789.bin", PLAIN,
	  K_ROWS * 512 },
	{ "other suffix", DIR "_r0/0a1/b2_g0/0a1b2c3d4e5f6789.dat", PLAIN,
	  K_ROWS * 512 },
	{ "at the root", "0a1b2c3d4e5f6789.bin", PLAIN, K_ROWS * 512 },
	{ "no folders", "/0a1/b2_g0/0a1b2c3d4e5f6789.bin", PLAIN,
	  K_ROWS * 512 },
	{ "fp8", BLOCK,
	  HEAD("fp8", AGNOSTIC GROUPS(GROUP(16, TWO))) TAIL(1, 16),
	  K_ROWS * 512 },
	{ "recurrent", BLOCK,
	  HEAD("bfloat16", AGNOSTIC GROUPS(GROUP(16, TWO) ", " GROUP(
			       16, ATTN(2) ", \"model.layers.3.linear_attn\"")))
	      TAIL(1, 16),
	  K_ROWS * 512 },
	{ "uneven groups", BLOCK,
	  HEAD("bfloat16", AGNOSTIC GROUPS(GROUP(16, TWO) ", " GROUP(
			       16, ATTN(2)))) TAIL(1, 16),
	  K_ROWS * 512 },
	{ "no groups", BLOCK, HEAD("bfloat16", AGNOSTIC GROUPS("")) TAIL(1, 16),
	  K_ROWS * 512 },
	{ "canonical", BLOCK,
	  HEAD("bfloat16", "\"canonical_format\": \"v2-hnd\"," AGNOSTIC GROUPS(
			       GROUP(16, TWO))) TAIL(1, 16),
	  K_ROWS * 512 },
	{ "older", BLOCK,
	  "{\"hash_block_size\": 16, \"blocks_per_file\": 2, \"tp_size\": 1,"
	  "\"pp_size\": 1, \"pcp_size\": 1, \"dcp_size\": 1,"
	  "\"dtype\": \"bfloat16\", " GROUPS(GROUP(16, TWO)) "}",
	  K_ROWS * 512 },
	{ "pipeline", BLOCK,
	  "{\"tokens_per_hash\": 16, \"blocks_per_file\": 2, \"tp_size\": 1,"
	  "\"pp_size\": 2, \"pcp_size\": 1, \"dcp_size\": 1,"
	  "\"dtype\": \"bfloat16\", " GROUPS(GROUP(16, TWO)) "}",
	  K_ROWS * 512 },
	{ "zero tokens", BLOCK,
	  HEAD("bfloat16", AGNOSTIC GROUPS(GROUP(0, TWO))) TAIL(1, 16),
	  K_ROWS * 512 },
	{ "tokens beyond counting", BLOCK,
	  HEAD("bfloat16", AGNOSTIC GROUPS(GROUP(9223372036854775807, TWO)))
	      TAIL(1, 16),
	  K_ROWS * 512 },
	{ "row not whole", BLOCK, PLAIN, K_ROWS * 520 },
	{ "empty", BLOCK, PLAIN, 0 },
	/* Rows of 64 or of 128 bytes: padded, both are 4,096. */
	{ "row ambiguous", BLOCK,
	  HEAD("bfloat16", AGNOSTIC GROUPS(GROUP(4, TWO))) TAIL(1, 4), 4096 },
	{ "behind the end", BLOCK, PLAIN "x", K_ROWS * 512 },
};

START_TEST(what_is_not_sure_is_opaque)
{
	static struct bytes b;
	struct extents list;

	ck_assert_msg(recognise(&b, strangers[_i].name, strangers[_i].config,
				strangers[_i].size, &list) == LAYOUT_NONE,
		      "%s", strangers[_i].label);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

START_TEST(cut_and_forged_configurations_do_no_harm)
{
	static const char marks[] = "0129[]{}\",:\\ ";
	static struct bytes b;
	static char config[sizeof(PLAIN)];
	uint64_t seed = 1;

	for (size_t i = 0; i < 20 * sizeof(PLAIN); i++) {
		struct extents list;
		size_t cut = i % sizeof(PLAIN);

		memcpy(config, PLAIN, sizeof(PLAIN));
		if (i < sizeof(PLAIN))
			config[cut] = 0;
		else
			config[run_random(&seed) % (sizeof(PLAIN) - 1)] =
			    marks[run_random(&seed) % 13];
		recognise(&b, BLOCK, config, K_ROWS * 512, &list);
		bytes_check_extents(&list, b.len);
		/* Only blanks are behind the last brace. */
		if (i + 2 < sizeof(PLAIN))
			ck_assert_uint_eq(list.n, 0);
		extents_done(&list);
	}
}
END_TEST

START_TEST(a_deep_configuration_is_refused)
{
	static struct bytes b;
	static char config[1 << 16];
	struct extents list;

	memset(config, '[', sizeof(config) - 1);
	memcpy(config, "{\"a\":", 5);
	ck_assert_uint_eq(recognise(&b, BLOCK, config, 4096, &list),
			  LAYOUT_NONE);
}
END_TEST

START_TEST(a_checksummed_block_stays_opaque)
{
	static struct bytes b = { .beside_name = CONFIG, .beside = PLAIN };
	struct source facts = { .name = BLOCK, .checksummed = true };
	struct extents list;

	bytes_zeros(&b, K_ROWS * 512);
	ck_assert_uint_eq(bytes_recognise_as(&b, b.len, &facts, &list),
			  LAYOUT_NONE);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout_vllm");
	TCase *tc = tcase_create("layout_vllm");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, blocks_are_known, 0, N_FILES);
	tcase_add_loop_test(tc, what_is_not_sure_is_opaque, 0,
			    (int)(sizeof(strangers) / sizeof(strangers[0])));
	tcase_add_test(tc, cut_and_forged_configurations_do_no_harm);
	tcase_add_test(tc, a_deep_configuration_is_refused);
	tcase_add_test(tc, a_checksummed_block_stays_opaque);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
