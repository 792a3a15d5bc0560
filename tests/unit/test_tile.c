/* test_tile.c - the face of the codecs: sizes, choice, refusal */
#include <check.h>
#include <errno.h>

#include "codec/scratch.h"
#include "codec/tile.h"
#include "tests/unit/sample.h"

START_TEST(a_tile_has_whole_rows_and_a_cap)
{
	static const struct {
		uint8_t elem;
		uint32_t cols, want;
	} rows[] = {
		{ ELEM_U8, 1, 262144 },  { ELEM_F16, 1, 262144 },
		{ ELEM_F16, 192, 1024 }, { ELEM_F16, 256, 1024 },
		{ ELEM_BF16, 512, 512 }, { ELEM_F16, 1024, 256 },
		{ ELEM_F16, 2048, 256 }, { ELEM_F16, 2049, 128 },
		{ ELEM_F32, 1024, 256 }, { ELEM_F16, 524288, 1 },
		{ ELEM_F16, 524289, 0 }, { ELEM_F32, UINT32_MAX, 0 },
		{ ELEM_F16, 0, 0 },      { 4, 1, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t n = tile_rows(rows[i].elem, rows[i].cols);
		struct shape s = { .elem = rows[i].elem,
				   .rows = n,
				   .cols = rows[i].cols };

		ck_assert_uint_eq(n, rows[i].want);
		ck_assert(shape_valid(&s) == (n > 0));
	}
}
END_TEST

START_TEST(shapes_that_hold_nothing_or_too_much_are_refused)
{
	static const struct shape bad[] = {
		{ .elem = ELEM_U8, .rows = 0, .cols = 1 },
		{ .elem = ELEM_U8, .rows = 1, .cols = 2 },
		{ .elem = ELEM_U8, .rows = TILE_MAX_BYTES + 1, .cols = 1 },
		{ .elem = ELEM_F16, .rows = 1, .cols = 0 },
		{ .elem = ELEM_F16, .rows = 1u << 31, .cols = 1u << 31 },
		{ .elem = ELEM_F32, .rows = 65537, .cols = 4 },
		{ .elem = 4, .rows = 1, .cols = 1 },
		{ .elem = ELEM_F16, .role = 3, .rows = 1, .cols = 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert(!shape_valid(&bad[i]));
	for (size_t i = 0; i < N_SAMPLE_SHAPES; i++)
		ck_assert(shape_valid(&sample_shapes[i]));
}
END_TEST

/* Layers lie back to back from bytes. */
static struct coded_view view_of(const uint8_t *bytes, const struct coded *c)
{
	struct coded_view view = { .n_layers = N_LAYERS };

	for (size_t i = 0; i < N_LAYERS; i++) {
		view.layer[i] = bytes;
		view.len[i] = c->len[i];
		bytes += c->len[i];
	}
	return view;
}

START_TEST(every_tile_fits_its_bound_and_comes_back)
{
	const struct shape *s = &sample_shapes[_i];
	struct scratch *ws = scratch_new();
	size_t len = shape_bytes(s);
	size_t cap = tile_bound(s);
	auto_free uint8_t *src = malloc(len);
	auto_free uint8_t *dst = malloc(cap);
	auto_free uint8_t *back = malloc(len);

	for (int kind = 0; kind < N_SAMPLES; kind++) {
		struct coded coded = { 0 };
		uint8_t id = 255;

		sample_fill(kind, s, src);
		ck_assert_int_eq(tile_encode(s, src, ws, dst, cap, &id, &coded),
				 0);

		struct coded_view in = view_of(dst, &coded);
		size_t total = 0;

		for (size_t i = 0; i < N_LAYERS; i++)
			total += coded.len[i];
		ck_assert_uint_le(total, cap);
		if (id != CODEC_RAW)
			ck_assert_uint_le(total, len - len / 16);
		ck_assert_int_eq(tile_decode(id, s, &in, ws, back), 0);
		ck_assert_mem_eq(src, back, len);
	}
	scratch_free(ws);
}
END_TEST

/* A recent tile is read at its base as soon as the window is there. */
START_TEST(a_recent_tile_reads_at_its_base_before_others)
{
	struct shape s = { .elem = ELEM_F16,
			   .role = ROLE_K,
			   .rows = 256,
			   .cols = 64,
			   .step = 1 };
	struct scratch *ws = scratch_new();
	size_t len = shape_bytes(&s);
	auto_free uint8_t *src = malloc(len);
	auto_free uint8_t *dst = malloc(len);
	auto_free uint8_t *want = malloc(len);
	auto_free uint8_t *got = malloc(len);
	struct coded older, recent;
	uint8_t id;

	sample_fill(SAMPLE_NORMAL, &s, src);
	ck_assert_int_eq(tile_encode(&s, src, ws, dst, len, &id, &older), 0);
	ck_assert(tile_drops(id, older.len));
	recent = older;
	tile_recent(id, &recent);
	ck_assert(!tile_drops(id, recent.len));
	ck_assert(older.error[LAYER_WINDOW] == older.error[LAYER_HEAD]);
	ck_assert(recent.error[LAYER_WINDOW] == older.error[LAYER_BASE]);
	for (unsigned n = 1; n <= N_LAYERS; n++) {
		struct coded_view as = view_of(dst, &older);
		struct coded_view in = view_of(dst, &recent);

		in.n_layers = n;
		as.n_layers = n == LAYER_WINDOW + 1 ? LAYER_BASE + 1 : n;
		ck_assert_int_eq(tile_decode(id, &s, &as, ws, want), 0);
		ck_assert_int_eq(tile_decode(id, &s, &in, ws, got), 0);
		ck_assert_mem_eq(want, got, len);
		as.n_layers = n == LAYER_WINDOW + 1 ? LAYER_HEAD + 1 : n;
		ck_assert_int_eq(tile_decode(id, &s, &as, ws, want), 0);
		as.n_layers = n;
		ck_assert_int_eq(tile_decode(id, &s, &as, ws, got), 0);
		ck_assert_mem_eq(want, got, len);
	}

	struct coded_view both = view_of(dst, &recent);

	both.len[LAYER_BASE] = both.len[LAYER_WINDOW];
	both.layer[LAYER_BASE] = both.layer[LAYER_WINDOW];
	ck_assert_int_eq(tile_decode(id, &s, &both, ws, got), -EBADMSG);
	scratch_free(ws);
}
END_TEST

START_TEST(an_unknown_codec_is_not_damage)
{
	struct shape s = sample_shapes[0];
	struct coded_view in = { .n_layers = N_LAYERS };
	uint8_t dst;

	ck_assert_int_eq(tile_decode(200, &s, &in, NULL, &dst), -EOPNOTSUPP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tile");
	TCase *tc = tcase_create("tile");

	tcase_add_test(tc, a_tile_has_whole_rows_and_a_cap);
	tcase_add_test(tc, shapes_that_hold_nothing_or_too_much_are_refused);
	tcase_add_loop_test(tc, every_tile_fits_its_bound_and_comes_back, 0,
			    (int)N_SAMPLE_SHAPES);
	tcase_add_test(tc, a_recent_tile_reads_at_its_base_before_others);
	tcase_add_test(tc, an_unknown_codec_is_not_damage);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
