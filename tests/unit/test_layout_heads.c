/* test_layout_heads.c - tensors behind a head of their own: LMCache, NumPy */
#include <stdbool.h>

#include "codec/codec.h"
#include "tests/unit/bytes.h"
#include "tests/unit/run.h"

enum {
	ID_LMCACHE = 6,
	ID_NPY = 7,
};

enum {
	DTYPE_F16 = 2,
	DTYPE_BF16 = 3,
	DTYPE_F32 = 4,
	DTYPE_F64 = 5,
	DTYPE_FP8 = 7,
};

/* A chunk of LMCache; n_data bytes behind the heads of the groups. */
struct chunk {
	const char *label;
	uint32_t format;
	uint32_t n_groups;
	uint32_t group[2][5]; /* dtype, shape */
	uint32_t n_data;
	size_t n;
	struct extent want[4];
};

static const struct chunk chunks[] = {
	{ "K plane, V plane",
	  1,
	  1,
	  { { DTYPE_BF16, 2, 2, 3, 8 } },
	  192,
	  4,
	  { { 28, 48, ELEM_BF16, ROLE_K, 0, 8 },
	    { 76, 48, ELEM_BF16, ROLE_K, 1, 8 },
	    { 124, 48, ELEM_BF16, ROLE_V, 0, 8 },
	    { 172, 48, ELEM_BF16, ROLE_V, 1, 8 } } },
	{ "K and V of a token",
	  2,
	  1,
	  { { DTYPE_F16, 3, 2, 8, 1 } },
	  96,
	  1,
	  { { 28, 96, ELEM_F16, ROLE_K, 0, 16 } } },
	{ "one layer",
	  3,
	  1,
	  { { DTYPE_F32, 2, 3, 8, 0 } },
	  192,
	  2,
	  { { 28, 96, ELEM_F32, ROLE_K, 0, 8 },
	    { 124, 96, ELEM_F32, ROLE_V, 0, 8 } } },
	{ "latent",
	  6,
	  1,
	  { { DTYPE_BF16, 1, 2, 3, 8 } },
	  96,
	  2,
	  { { 28, 48, ELEM_BF16, ROLE_K, 0, 8 },
	    { 76, 48, ELEM_BF16, ROLE_K, 1, 8 } } },
	{ "two groups",
	  1,
	  2,
	  { { DTYPE_BF16, 2, 1, 3, 8 }, { DTYPE_F16, 2, 1, 3, 4 } },
	  144,
	  4,
	  { { 48, 48, ELEM_BF16, ROLE_K, 0, 8 },
	    { 96, 48, ELEM_BF16, ROLE_V, 0, 8 },
	    { 144, 24, ELEM_F16, ROLE_K, 0, 4 },
	    { 168, 24, ELEM_F16, ROLE_V, 0, 4 } } },
	{ "quantised", 1, 1, { { DTYPE_FP8, 2, 2, 3, 8 } }, 96, 0, { { 0 } } },
	{ "double", 1, 1, { { DTYPE_F64, 2, 2, 3, 1 } }, 96, 0, { { 0 } } },
};

#define N_CHUNKS ((int)(sizeof(chunks) / sizeof(chunks[0])))

static void make_chunk(struct bytes *b, const struct chunk *c)
{
	b->len = 0;
	bytes_u32(b, c->n_data);
	bytes_u32(b, c->format);
	for (uint32_t g = 0; g < c->n_groups; g++)
		for (int i = 0; i < 5; i++)
			bytes_u32(b, c->group[g][i]);
	bytes_zeros(b, c->n_data);
}

START_TEST(chunks_are_known)
{
	static struct bytes b;
	const struct chunk *c = &chunks[_i];
	struct extents list;

	make_chunk(&b, c);
	ck_assert_msg(bytes_recognise(&b, b.len, &list) == ID_LMCACHE, "%s",
		      c->label);
	bytes_check_extents(&list, b.len);
	bytes_check_list(c->label, &list, c->want, c->n);
	extents_done(&list);

	bytes_zeros(&b, 1);
	for (size_t len = 0; len <= b.len; len++) {
		if (len == b.len - 1)
			continue;
		ck_assert_msg(bytes_recognise(&b, len, &list) == LAYOUT_NONE,
			      "%s: %zu bytes", c->label, len);
		ck_assert_uint_eq(list.n, 0);
	}
}
END_TEST

static const struct chunk strange_chunks[] = {
	{ "made by a codec",
	  4,
	  1,
	  { { DTYPE_BF16, 2, 2, 3, 8 } },
	  .n_data = 192 },
	{ "hidden states", 8, 1, { { DTYPE_F32, 6, 8, 1, 1 } }, .n_data = 192 },
	{ "format 0", 0, 1, { { DTYPE_BF16, 2, 2, 3, 8 } }, .n_data = 192 },
	{ "format 9", 9, 1, { { DTYPE_BF16, 2, 2, 3, 8 } }, .n_data = 192 },
	{ "format -1",
	  UINT32_MAX,
	  1,
	  { { DTYPE_BF16, 2, 2, 3, 8 } },
	  .n_data = 192 },
	{ "dtype 0", 1, 1, { { 0, 2, 2, 3, 8 } }, .n_data = 192 },
	{ "dtype 9", 1, 1, { { 9, 2, 2, 3, 8 } }, .n_data = 192 },
	{ "three planes", 1, 1, { { DTYPE_BF16, 3, 2, 3, 8 } }, .n_data = 288 },
	{ "two latents", 6, 1, { { DTYPE_BF16, 2, 2, 3, 8 } }, .n_data = 192 },
	{ "a fourth dimension",
	  2,
	  1,
	  { { DTYPE_F16, 3, 2, 8, 2 } },
	  .n_data = 192 },
	{ "shape too small",
	  1,
	  1,
	  { { DTYPE_BF16, 2, 2, 3, 7 } },
	  .n_data = 192 },
	{ "shape too large",
	  1,
	  1,
	  { { DTYPE_BF16, 2, 2, 3, 9 } },
	  .n_data = 192 },
	{ "shape of nothing",
	  1,
	  1,
	  { { DTYPE_BF16, 2, 0, 3, 8 } },
	  .n_data = 0 },
	{ "shape -1",
	  1,
	  1,
	  { { DTYPE_BF16, 2, UINT32_MAX, 3, 8 } },
	  .n_data = 192 },
	{ "shape beyond counting",
	  1,
	  1,
	  { { DTYPE_BF16, 2, 0x80000000, 0x80000000, 4 } },
	  .n_data = 0 },
	{ "second group too large",
	  1,
	  2,
	  { { DTYPE_BF16, 2, 1, 3, 8 }, { DTYPE_F16, 2, 1, 3, 5 } },
	  .n_data = 144 },
};

START_TEST(strange_chunks_are_not_known)
{
	static struct bytes b;
	struct extents list;

	make_chunk(&b, &strange_chunks[_i]);
	ck_assert_msg(bytes_recognise(&b, b.len, &list) == LAYOUT_NONE, "%s",
		      strange_chunks[_i].label);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

static const struct {
	const char *label, *text;
	uint32_t n_data;
	bool known;
	struct extent want; /* off counted from the data; len 0: none */
} arrays[] = {
	{ "f16",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 4), }",
	  24,
	  true,
	  { 0, 24, ELEM_F16, ROLE_NONE, 0, 4 } },
	{ "f32",
	  "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 2, 4), }",
	  288,
	  true,
	  { 0, 288, ELEM_F32, ROLE_NONE, 0, 8 } },
	{ "one dimension",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }",
	  6,
	  true,
	  { 0, 6, ELEM_F16, ROLE_NONE, 0, 1 } },
	{ "scalar",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (), }",
	  2,
	  true,
	  { 0, 2, ELEM_F16, ROLE_NONE, 0, 1 } },
	{ "blanks",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }     \n",
	  6,
	  true,
	  { 0, 6, ELEM_F16, ROLE_NONE, 0, 1 } },
	{ "nothing",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (0, 4), }",
	  0,
	  true,
	  { 0 } },
	{ "Fortran's order",
	  "{'descr': '<f2', 'fortran_order': True, 'shape': (3, 4), }",
	  24,
	  true,
	  { 0 } },
	{ "big-endian",
	  "{'descr': '>f2', 'fortran_order': False, 'shape': (3, 4), }",
	  24,
	  true,
	  { 0 } },
	{ "two bytes of something",
	  "{'descr': '|V2', 'fortran_order': False, 'shape': (3, 4), }",
	  24,
	  true,
	  { 0 } },
	{ "bytes",
	  "{'descr': '|u1', 'fortran_order': False, 'shape': (24,), }",
	  24,
	  true,
	  { 0 } },
	{ "double",
	  "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }",
	  24,
	  true,
	  { 0 } },
	{ "characters",
	  "{'descr': '<U2', 'fortran_order': False, 'shape': (3,), }",
	  24,
	  true,
	  { 0 } },
	{ "too short",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 4), }",
	  23,
	  false,
	  { 0 } },
	{ "too long",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 4), }",
	  25,
	  false,
	  { 0 } },
	{ "records",
	  "{'descr': [('a', '<f2')], 'fortran_order': False, 'shape': (1,), }",
	  2,
	  false,
	  { 0 } },
	{ "other order",
	  "{'fortran_order': False, 'descr': '<f2', 'shape': (3,), }",
	  6,
	  false,
	  { 0 } },
	{ "no comma",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (3 4), }",
	  24,
	  false,
	  { 0 } },
	{ "negative",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (-3,), }",
	  24,
	  false,
	  { 0 } },
	{ "beyond counting",
	  "{'descr': '<f2', 'fortran_order': False, "
	  "'shape': (4294967296, 4294967296), }",
	  0,
	  false,
	  { 0 } },
	{ "33 dimensions",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,"
	  "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1), }",
	  2,
	  false,
	  { 0 } },
	{ "more behind",
	  "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), } x",
	  6,
	  false,
	  { 0 } },
};

#define N_ARRAYS ((int)(sizeof(arrays) / sizeof(arrays[0])))

/* Versions 1 to 3 differ in the length; returns where the data is. */
static size_t make_array(struct bytes *b, int i, uint8_t version)
{
	uint32_t len = (uint32_t)strlen(arrays[i].text);

	b->len = 0;
	bytes_text(b, "\x93NUMPY");
	bytes_zeros(b, 2);
	b->at[6] = version;
	bytes_u32(b, len);
	if (version == 1)
		b->len -= 2;
	bytes_text(b, arrays[i].text);
	bytes_zeros(b, arrays[i].n_data);
	return b->len - arrays[i].n_data;
}

START_TEST(arrays_are_known)
{
	static struct bytes b;
	struct extents list;

	for (uint8_t version = 1; version <= 3; version++) {
		size_t at = make_array(&b, _i, version);
		struct extent want = arrays[_i].want;
		bool known = bytes_recognise(&b, b.len, &list) == ID_NPY;

		want.off += at;
		ck_assert_msg(known == arrays[_i].known, "%s",
			      arrays[_i].label);
		bytes_check_extents(&list, b.len);
		bytes_check_list(arrays[_i].label, &list, &want, want.len != 0);
		extents_done(&list);
		for (size_t len = 0; len < b.len && known; len++)
			ck_assert_uint_eq(bytes_recognise(&b, len, &list),
					  LAYOUT_NONE);
	}
	make_array(&b, _i, 4);
	ck_assert_uint_eq(bytes_recognise(&b, b.len, &list), LAYOUT_NONE);
}
END_TEST

START_TEST(forged_heads_do_no_harm)
{
	static struct bytes b;
	uint64_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		struct extents list;
		size_t head = 28;

		if (i % 2)
			make_chunk(&b, &chunks[i / 2 % N_CHUNKS]);
		else
			head = make_array(&b, i / 2 % N_ARRAYS, 1);
		for (int k = 0; k < 2; k++)
			b.at[run_random(&seed) % head] =
			    (uint8_t)(i % 4 < 2 ? run_random(&seed) % 5 - 2
						: run_random(&seed) % 128);
		bytes_recognise(&b, b.len, &list);
		bytes_check_extents(&list, b.len);
		extents_done(&list);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout_heads");
	TCase *tc = tcase_create("layout_heads");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, chunks_are_known, 0, N_CHUNKS);
	tcase_add_loop_test(
	    tc, strange_chunks_are_not_known, 0,
	    (int)(sizeof(strange_chunks) / sizeof(strange_chunks[0])));
	tcase_add_loop_test(tc, arrays_are_known, 0, N_ARRAYS);
	tcase_add_test(tc, forged_heads_do_no_harm);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
