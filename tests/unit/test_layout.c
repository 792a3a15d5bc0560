/* test_layout.c - client files are known by their bytes, to the last one */
#include <stdbool.h>

#include "codec/codec.h"
#include "tests/unit/bytes.h"
#include "tests/unit/run.h"

enum {
	ID_SEQ = 1,
	ID_SESSION = 2,
	ID_SAFETENSORS = 3,
};

/* ggml's numbers; a row of 68 bytes is whole in all of them. */
enum {
	F32 = 0,
	F16 = 1,
	Q8_0 = 8,
	BF16 = 30,
};

#define ROW_BYTES 68u

#define N_CELLS 3u
#define N_MODEL 2u /* layers */

/* A llama.cpp file as it may be written; type is ggml's number. */
struct made {
	const char *label;
	uint8_t id; /* ID_SEQ or ID_SESSION */
	uint32_t version, type;
	bool outputs, no_streams, padded, v_trans, no_v, empty;
	uint32_t states[3]; /* lengths of rows of recurrent state; 0: none */
	uint32_t more_streams, more_caches, extension;
	size_t n_extents;
	uint32_t cols; /* of the first extent */
};

static const struct made made[] = {
	{ "version 2", ID_SEQ, 2, F16, .n_extents = 4, .cols = 34 },
	{ "version 3", ID_SEQ, 3, BF16, .n_extents = 4, .cols = 34 },
	{ "ple heads", ID_SEQ, 3, F16, .extension = 12, .n_extents = 4,
	  .cols = 34 },
	{ "version 4", ID_SEQ, 4, F16, .padded = true, .n_extents = 4,
	  .cols = 34 },
	{ "positions", ID_SEQ, 4, F16, .padded = true, .extension = 8,
	  .n_extents = 4, .cols = 34 },
	{ "early 2025", ID_SEQ, 2, F16, .no_streams = true, .n_extents = 4,
	  .cols = 34 },
	{ "early 2025, or recurrent", ID_SEQ, 2, F32, .no_streams = true,
	  .n_extents = 0 },
	{ "hybrid", ID_SEQ, 2, F16, .states = { 12, 40 }, .n_extents = 4,
	  .cols = 34 },
	{ "hybrid, version 4", ID_SEQ, 4, BF16, .padded = true,
	  .states = { 12, 12 }, .n_extents = 4, .cols = 34 },
	{ "hybrid of windows", ID_SEQ, 3, F16, .more_caches = 1,
	  .states = { 40, 12, 8 }, .n_extents = 8, .cols = 34 },
	{ "hybrid session", ID_SESSION, 11, F16, .padded = true, .no_v = true,
	  .states = { 12, 40 }, .n_extents = 2, .cols = 34 },
	{ "f32", ID_SEQ, 3, F32, .n_extents = 4, .cols = 17 },
	{ "turned V", ID_SEQ, 3, F16, .v_trans = true, .n_extents = 4,
	  .cols = 34 },
	{ "K alone", ID_SEQ, 3, F16, .no_v = true, .n_extents = 2, .cols = 34 },
	{ "windows", ID_SEQ, 3, F16, .more_caches = 1, .n_extents = 8,
	  .cols = 34 },
	{ "streams", ID_SEQ, 3, F16, .more_streams = 2, .n_extents = 12,
	  .cols = 34 },
	{ "quantised", ID_SEQ, 3, Q8_0, .n_extents = 0 },
	{ "empty", ID_SEQ, 4, F16, .empty = true },
	{ "session", ID_SESSION, 9, F16, .n_extents = 4, .cols = 34 },
	{ "outputs", ID_SESSION, 9, F16, .outputs = true, .n_extents = 4,
	  .cols = 34 },
	{ "session 11", ID_SESSION, 11, F16, .padded = true, .v_trans = true,
	  .n_extents = 4, .cols = 34 },
};

#define N_MADE ((int)(sizeof(made) / sizeof(made[0])))

static void make_stream(struct bytes *b, const struct made *m)
{
	bytes_u32(b, m->empty ? 0 : N_CELLS);
	if (m->empty)
		return;
	for (uint32_t i = 0; i < N_CELLS; i++) {
		bytes_u32(b, i + 7);
		bytes_u32(b, 1);
		bytes_zeros(b, m->extension);
		bytes_u32(b, 0);
	}
	bytes_u32(b, m->v_trans);
	bytes_u32(b, N_MODEL);
	if (m->padded)
		bytes_u64(b, 0);
	for (uint32_t i = 0; i < N_MODEL * (m->no_v ? 1 : 2); i++) {
		bytes_u32(b, m->type);
		if (i >= N_MODEL && m->v_trans) {
			bytes_u32(b, 2);
			bytes_u32(b, ROW_BYTES / 2);
		} else {
			bytes_u64(b, ROW_BYTES);
		}
		for (uint32_t k = 0; k < N_CELLS * ROW_BYTES; k += 4)
			bytes_u32(b, 0x3c013c01);
	}
}

/* Of two recurrent layers among more of the model, for one cell. */
static void make_states(struct bytes *b, const struct made *m)
{
	if (!m->states[0])
		return;
	bytes_u32(b, 1);
	bytes_u32(b, N_CELLS);
	bytes_u32(b, 0);
	bytes_u32(b, 0);
	bytes_u32(b, 7);
	for (int kind = 0; kind < 3 && m->states[kind]; kind++)
		for (int i = 0; i < 2; i++) {
			bytes_u32(b, F32);
			bytes_u64(b, m->states[kind]);
			for (uint32_t k = 0; k < m->states[kind]; k += 4)
				bytes_u32(b, 0x3f9d70a4);
		}
}

static void make(struct bytes *b, const struct made *m)
{
	b->len = 0;
	bytes_text(b, m->id == ID_SEQ ? "qsgg" : "nsgg");
	bytes_u32(b, m->version);
	bytes_u32(b, 2);
	bytes_u64(b, 0x123400004321);
	if (m->id == ID_SESSION) {
		bytes_u32(b, 5);
		bytes_text(b, "llama");
	}
	if (m->outputs) {
		bytes_u32(b, 2);
		bytes_u64(b, 1);
		bytes_u64(b, 3);
		bytes_zeros(b, 12);
		bytes_u64(b, 0);
	}
	for (uint32_t i = 0; i <= m->more_caches; i++) {
		if (!m->no_streams)
			bytes_u32(b, m->more_streams + 1);
		for (uint32_t k = 0; k <= m->more_streams; k++)
			make_stream(b, m);
	}
	make_states(b, m);
}

START_TEST(llama_files_are_known)
{
	static struct bytes b;
	const struct made *m = &made[_i];
	struct extents list;

	make(&b, m);
	ck_assert_msg(bytes_recognise(&b, b.len, &list) == m->id, "%s",
		      m->label);
	ck_assert_msg(list.n == m->n_extents, "%s: %zu", m->label, list.n);
	bytes_check_extents(&list, b.len);
	if (list.n) {
		const struct extent *last = &list.at[list.n - 1];

		ck_assert_uint_eq(list.at[0].cols, m->cols);
		ck_assert_uint_eq(list.at[0].role,
				  m->no_streams ? ROLE_NONE : ROLE_K);
		ck_assert_uint_eq(last->model_layer, N_MODEL - 1);
		if (!m->states[0])
			ck_assert_uint_eq(last->off + last->len, b.len);
		if (m->v_trans)
			ck_assert_uint_eq(last->role, ROLE_NONE);
	}
	extents_done(&list);
}
END_TEST

/*
 * A file that ends where its V begins is one of a model without V, and one that
 * ends between two caches has one cache; where one kind of recurrent state ends
 * there may be no more, and two layers of a kind may be two kinds.  Every other
 * cut is found.
 */
static bool cut_is_whole(const struct made *m, size_t cut)
{
	static struct bytes b;
	struct made less = *m;

	for (unsigned i = 0; i < 2 * (m->more_caches + 1); i++) {
		less.more_caches = i / 2;
		less.no_v = m->no_v || i % 2;
		less.states[0] = 0;
		make(&b, &less);
		if (b.len == cut && !m->more_streams)
			return true;
	}
	less = *m;
	for (int kind = 2; kind > 0; kind--) {
		less.states[kind] = 0;
		make(&b, &less);
		if (b.len == cut && m->states[0])
			return true;
	}
	return false;
}

START_TEST(cut_llama_files_are_not_known)
{
	static struct bytes b;
	const struct made *m = &made[_i];
	struct extents list;

	make(&b, m);
	for (size_t cut = 0; cut < b.len; cut++) {
		if (cut_is_whole(m, cut))
			continue;
		ck_assert_msg(bytes_recognise(&b, cut, &list) == LAYOUT_NONE,
			      "%s cut at %zu of %zu", m->label, cut, b.len);
		ck_assert_uint_eq(list.n, 0);
	}
	bytes_u32(&b, 0x01010101);
	ck_assert_uint_eq(bytes_recognise(&b, b.len, &list), LAYOUT_NONE);
}
END_TEST

START_TEST(forged_llama_files_do_no_harm)
{
	static struct bytes b;
	const struct made *m = &made[_i];
	uint64_t seed = (uint64_t)_i;

	for (int i = 0; i < 2000; i++) {
		struct extents list;

		make(&b, m);
		for (int k = 0; k < 3; k++) {
			size_t at = run_random(&seed) % b.len;

			b.at[at] = (uint8_t)(run_random(&seed) % 5 - 2);
		}
		bytes_recognise(&b, b.len, &list);
		bytes_check_extents(&list, b.len);
		extents_done(&list);
	}
}
END_TEST

START_TEST(a_checksummed_file_stays_opaque)
{
	static struct bytes b;
	struct source facts = { .checksummed = true };
	struct extents list;

	make(&b, &made[_i]);
	ck_assert_uint_eq(bytes_recognise_as(&b, b.len, &facts, &list),
			  LAYOUT_NONE);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

static int read_fails(void *ctx, uint64_t off, void *dst, size_t len)
{
	(void)ctx, (void)off, (void)dst, (void)len;
	return -EIO;
}

START_TEST(a_failed_read_is_not_another_format)
{
	struct source src = { .size = 100, .read = read_fails };
	const struct layout *layout;
	struct extents list;

	ck_assert_int_eq(layout_recognise(&src, &layout, &list), -EIO);
}
END_TEST

START_TEST(layouts_have_names)
{
	ck_assert_str_eq(layout_name(LAYOUT_NONE), "none");
	ck_assert_str_eq(layout_name(ID_SEQ), "llama-seq");
	ck_assert_str_eq(layout_name(ID_SESSION), "llama-session");
	ck_assert_str_eq(layout_name(ID_SAFETENSORS), "safetensors");
	ck_assert_str_eq(layout_name(200), "unknown");
}
END_TEST

START_TEST(extents_have_a_cap)
{
	struct extents list = { 0 };
	struct extent e = { .len = 1, .cols = 1 };

	for (size_t i = 0; i < EXTENTS_MAX; i++)
		ck_assert_int_eq(extents_add(&list, &e), 0);
	ck_assert_int_eq(extents_add(&list, &e), -ENOENT);
	extents_done(&list);
	ck_assert_ptr_null(list.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("layout");
	TCase *tc = tcase_create("layout");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, llama_files_are_known, 0, N_MADE);
	tcase_add_loop_test(tc, cut_llama_files_are_not_known, 0, N_MADE);
	tcase_add_loop_test(tc, forged_llama_files_do_no_harm, 0, N_MADE);
	tcase_add_loop_test(tc, a_checksummed_file_stays_opaque, 0, N_MADE);
	tcase_add_test(tc, a_failed_read_is_not_another_format);
	tcase_add_test(tc, layouts_have_names);
	tcase_add_test(tc, extents_have_a_cap);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
