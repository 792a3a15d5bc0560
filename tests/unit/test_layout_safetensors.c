/* test_layout_safetensors.c - the container and its clients' ways with it */
#include <stdbool.h>

#include "codec/codec.h"
#include "tests/unit/bytes.h"
#include "tests/unit/run.h"

#define ID_SAFETENSORS 3

#define TWO_TENSORS                                                            \
	"{\"__metadata__\":{\"format\":\"pt\"},"                               \
	"\"b\":{\"dtype\":\"BF16\",\"shape\":[8,2,4],"                         \
	"\"data_offsets\":[24,152]},"                                          \
	"\"a\":{\"dtype\":\"I64\",\"shape\":[3],\"data_offsets\":[0,24]}}"

static const struct {
	const char *head;
	uint32_t n_data;
	bool known;
	size_t n_extents;
	uint32_t cols;
} heads[] = {
	{ "{}", 0, true, 0, 0 },
	{ TWO_TENSORS, 152, true, 1, 8 },
	{ TWO_TENSORS "    ", 152, true, 1, 8 },
	{ TWO_TENSORS, 153, false, 0, 0 },
	{ TWO_TENSORS, 151, false, 0, 0 },
	{ TWO_TENSORS "x", 152, false, 0, 0 },
	{ "{}", 8, false, 0, 0 },
	{ "[]", 0, false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[4,8,2],"
	  "\"data_offsets\":[0,128]}}",
	  128, true, 1, 2 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[0,2]}}", 2,
	  true, 1, 1 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[0,9],"
	  "\"data_offsets\":[0,0]}}",
	  0, true, 0, 0 },
	{ " {\"a\":{\"dtype\":\"F32\",\"shape\":[9],"
	  "\"data_offsets\":[0,36]}}",
	  36, false, 0, 0 },
	{ "{\"a\\\"\":{\"dtype\":\"F8_E4M3\",\"shape\":[9],"
	  "\"data_offsets\":[0,9]}}",
	  9, true, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,6]}}", 6,
	  false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[2,6]}}", 6,
	  false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"x\":[2]}}", 4, false, 0,
	  0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"dtype\":\"F16\",\"shape\":[2],"
	  "\"data_offsets\":[0,4]}}",
	  4, false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[18446744073709551615,2],"
	  "\"data_offsets\":[0,4]}}",
	  4, false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[18446744073709551616],"
	  "\"data_offsets\":[0,4]}}",
	  4, false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[-2],\"data_offsets\":[0,4]}}",
	  4, false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0]}}", 4,
	  false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
	  "1,1],\"data_offsets\":[0,2]}}",
	  2, false, 0, 0 },
	{ "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
	  "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[2,6]}}",
	  6, false, 0, 0 },
};

#define N_HEADS ((int)(sizeof(heads) / sizeof(heads[0])))

static void make_safetensors(struct bytes *b, int i)
{
	b->len = 0;
	bytes_u64(b, strlen(heads[i].head));
	bytes_text(b, heads[i].head);
	bytes_zeros(b, heads[i].n_data);
}

START_TEST(safetensors_are_known)
{
	static struct bytes b;
	struct extents list;

	make_safetensors(&b, _i);

	uint8_t id = bytes_recognise(&b, b.len, &list);

	ck_assert_msg((id == ID_SAFETENSORS) == heads[_i].known, "%s",
		      heads[_i].head);
	ck_assert_uint_eq(list.n, heads[_i].n_extents);
	bytes_check_extents(&list, b.len);
	if (list.n)
		ck_assert_uint_eq(list.at[0].cols, heads[_i].cols);
	extents_done(&list);

	for (size_t cut = 0; cut < b.len && heads[_i].known; cut++)
		ck_assert_uint_eq(bytes_recognise(&b, cut, &list), LAYOUT_NONE);
}
END_TEST

START_TEST(forged_safetensors_do_no_harm)
{
	static struct bytes b;
	uint64_t seed = (uint64_t)_i;

	for (int i = 0; i < 500; i++) {
		struct extents list;

		make_safetensors(&b, _i);

		size_t at = run_random(&seed) % b.len;

		b.at[at] = (uint8_t)("0129[]{}\",:\\ "[run_random(&seed) % 13]);
		bytes_recognise(&b, b.len, &list);
		bytes_check_extents(&list, b.len);
		extents_done(&list);
	}
}
END_TEST

#define GDS(dtype, shape, fmt, end)                                            \
	"{\"kvcache\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],"         \
	"\"data_offsets\":[0," #end "],\"__metadata__\":"                      \
	"{\"lmcache_version\":\"1\",\"fmt\":" fmt "}}}"
#define VLLM(shape, end)                                                       \
	"{\"kv_cache\":{\"dtype\":\"BF16\",\"shape\":[" shape "],"             \
	"\"data_offsets\":[0," #end "]}}"

/* What clients write; extents counted from the end of the JSON. */
static const struct {
	const char *label, *head;
	uint32_t pad; /* the head to this length with blanks */
	uint32_t n_data;
	size_t n;
	struct extent want[4];
} files[] = {
	{ "LMCache's, padded",
	  GDS("BF16", "2,2,3,8", "1", 192),
	  4088,
	  192,
	  4,
	  { { 0, 48, ELEM_BF16, ROLE_K, 0, 8 },
	    { 48, 48, ELEM_BF16, ROLE_K, 1, 8 },
	    { 96, 48, ELEM_BF16, ROLE_V, 0, 8 },
	    { 144, 48, ELEM_BF16, ROLE_V, 1, 8 } } },
	{ "LMCache's, token by token",
	  GDS("F16", "3,2,8", "\"2\"", 96),
	  4088,
	  96,
	  1,
	  { { 0, 96, ELEM_F16, ROLE_K, 0, 16 } } },
	{ "LMCache's latents",
	  GDS("F16", "1,2,3,8", "6", 96),
	  4088,
	  96,
	  2,
	  { { 0, 48, ELEM_F16, ROLE_K, 0, 8 },
	    { 48, 48, ELEM_F16, ROLE_K, 1, 8 } } },
	{ "LMCache's hidden states",
	  GDS("F32", "3,8", "8", 96),
	  4088,
	  96,
	  1,
	  { { 0, 96, ELEM_F32, ROLE_NONE, 0, 8 } } },
	{ "LMCache's quantised",
	  GDS("F8E4M3FN", "2,2,3,8", "1", 96),
	  4088,
	  96,
	  0,
	  { { 0 } } },
	{ "LMCache's, no format",
	  GDS("F16", "2,2,3,8", "\"KV\"", 192),
	  4088,
	  192,
	  1,
	  { { 0, 192, ELEM_F16, ROLE_NONE, 0, 8 } } },
	{ "vLLM's layer",
	  VLLM("9,2,4", 144),
	  0,
	  144,
	  1,
	  { { 0, 144, ELEM_BF16, ROLE_K, 0, 8 } } },
	{ "vLLM's planes",
	  VLLM("2,3,2,4", 96),
	  0,
	  96,
	  2,
	  { { 0, 48, ELEM_BF16, ROLE_K, 0, 8 },
	    { 48, 48, ELEM_BF16, ROLE_V, 0, 8 } } },
	{ "vLLM's latents",
	  VLLM("3,8", 48),
	  0,
	  48,
	  1,
	  { { 0, 48, ELEM_BF16, ROLE_K, 0, 8 } } },
	{ "vLLM's, another shape",
	  VLLM("3,3,2,4", 144),
	  0,
	  144,
	  1,
	  { { 0, 144, ELEM_BF16, ROLE_NONE, 0, 8 } } },
	{ "MLX's, data at an odd place",
	  "{\"0.0\":{\"dtype\":\"F16\",\"shape\":[1,2,3,4],"
	  "\"data_offsets\":[0,48]},"
	  "\"0.1\":{\"dtype\":\"F16\",\"shape\":[1,2,3,4],"
	  "\"data_offsets\":[48,96]},"
	  "\"__metadata__\":{\"0\":\"\",\"fmt\":\"mlx\"}}",
	  171,
	  96,
	  2,
	  { { 0, 48, ELEM_F16, ROLE_NONE, 0, 4 },
	    { 48, 48, ELEM_F16, ROLE_NONE, 0, 4 } } },
	{ "MLX's quantised",
	  "{\"0.0.0\":{\"dtype\":\"U32\",\"shape\":[1,2,3,1],"
	  "\"data_offsets\":[0,24]},"
	  "\"0.0.1\":{\"dtype\":\"F16\",\"shape\":[1,2,3,1],"
	  "\"data_offsets\":[24,36]}}",
	  0,
	  36,
	  0,
	  { { 0 } } },
	{ "a dtype of the future",
	  "{\"a\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[0,4]},"
	  "\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[4,8]}}",
	  0,
	  8,
	  0,
	  { { 0 } } },
};

#define N_FILES ((int)(sizeof(files) / sizeof(files[0])))

static size_t make_file(struct bytes *b, int i)
{
	size_t len = strlen(files[i].head);
	size_t pad = files[i].pad > len ? files[i].pad - len : 0;

	b->len = 0;
	bytes_u64(b, len + pad);
	bytes_text(b, files[i].head);
	bytes_zeros(b, pad);
	memset(b->at + b->len - pad, ' ', pad);
	bytes_zeros(b, files[i].n_data);
	return b->len - files[i].n_data;
}

START_TEST(clients_tensors_are_known_by_their_names)
{
	static struct bytes b;
	struct extent want[4];
	struct extents list;
	size_t at = make_file(&b, _i);

	memcpy(want, files[_i].want, sizeof(want));
	for (size_t i = 0; i < files[_i].n; i++)
		want[i].off += at;
	ck_assert_msg(bytes_recognise(&b, b.len, &list) == ID_SAFETENSORS, "%s",
		      files[_i].label);
	bytes_check_extents(&list, b.len);
	bytes_check_list(files[_i].label, &list, want, files[_i].n);
	extents_done(&list);

	bytes_zeros(&b, 1);
	for (size_t len = 0; len <= b.len; len++)
		if (len != b.len - 1)
			ck_assert_uint_eq(bytes_recognise(&b, len, &list),
					  LAYOUT_NONE);
}
END_TEST

/* LMCache's sidecar: the head alone. */
START_TEST(a_head_without_its_tensor_is_opaque)
{
	static struct bytes b;
	struct extents list;
	size_t at = make_file(&b, 0);

	ck_assert_uint_eq(bytes_recognise(&b, at, &list), LAYOUT_NONE);
}
END_TEST

START_TEST(forged_clients_files_do_no_harm)
{
	static struct bytes b;
	uint64_t seed = (uint64_t)_i;

	for (int i = 0; i < 500; i++) {
		struct extents list;

		make_file(&b, _i);

		size_t at = run_random(&seed) % (strlen(files[_i].head) + 8);

		b.at[at] = (uint8_t)("0129[]{}\",:\\ "[run_random(&seed) % 13]);
		bytes_recognise(&b, b.len, &list);
		bytes_check_extents(&list, b.len);
		extents_done(&list);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout_safetensors");
	TCase *tc = tcase_create("layout_safetensors");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, safetensors_are_known, 0, N_HEADS);
	tcase_add_loop_test(tc, forged_safetensors_do_no_harm, 0, N_HEADS);
	tcase_add_loop_test(tc, clients_tensors_are_known_by_their_names, 0,
			    N_FILES);
	tcase_add_test(tc, a_head_without_its_tensor_is_opaque);
	tcase_add_loop_test(tc, forged_clients_files_do_no_harm, 0, N_FILES);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
