/* test_codec.c - every codec gives back every tile, and nothing to forgers */
#include <check.h>
#include <errno.h>
#include <stdbool.h>

#include "codec/codec.h"
#include "codec/scratch.h"
#include "tests/unit/sample.h"

#define GUARD 0xa5

static const char *const names[] = { "raw", "lz4", "zstd", "split16",
				     "split32" };

#define N_NAMES (sizeof(names) / sizeof(names[0]))
#define N_CASES ((int)(N_NAMES * N_SAMPLE_SHAPES))

static struct scratch *ws;

static void setup(void)
{
	ws = scratch_new();
	ck_assert_ptr_nonnull(ws);
}

static void teardown(void)
{
	ws = scratch_free(ws);
}

static bool takes(const struct codec *c, const struct shape *s)
{
	if (!strcmp(c->name, "split32"))
		return s->elem == ELEM_F32;
	return strcmp(c->name, "split16") != 0 || elem_bytes(s->elem) == 2;
}

static struct coded_view view_of(const uint8_t *layer, uint32_t len)
{
	return (struct coded_view){ .layer[LAYER_EXACT] = layer,
				    .len[LAYER_EXACT] = len,
				    .n_layers = N_LAYERS };
}

START_TEST(gives_back_every_tile)
{
	const struct codec *c = codec_by_name(names[_i % N_NAMES]);
	const struct shape *s = &sample_shapes[_i / N_NAMES];
	size_t len = shape_bytes(s);
	size_t cap = len + len / 4 + 4096;
	auto_free uint8_t *src = malloc(len);
	auto_free uint8_t *dst = malloc(cap + 1);
	auto_free uint8_t *back = malloc(len + 1);

	for (int kind = 0; kind < N_SAMPLES; kind++) {
		struct coded coded = { 0 };

		sample_fill(kind, s, src);
		dst[cap] = GUARD;
		back[len] = GUARD;

		int r = c->encode(s, src, ws, dst, cap, &coded);

		if (!takes(c, s)) {
			ck_assert_int_eq(r, -E2BIG);
			continue;
		}
		ck_assert_int_eq(r, 0);
		ck_assert_uint_eq(dst[cap], GUARD);

		struct coded_view in = view_of(dst, coded.len[LAYER_EXACT]);

		ck_assert_int_eq(c->decode(s, &in, ws, back), 0);
		ck_assert_mem_eq(src, back, len);
		ck_assert_uint_eq(back[len], GUARD);
	}
}
END_TEST

/* One byte less than needed is over budget, and not a byte more is written. */
START_TEST(keeps_to_its_budget)
{
	const struct codec *c = codec_by_name(names[_i % N_NAMES]);
	const struct shape *s = &sample_shapes[_i / N_NAMES];
	size_t len = shape_bytes(s);
	size_t cap = len + len / 4 + 4096;
	auto_free uint8_t *src = malloc(len);
	auto_free uint8_t *dst = malloc(cap);
	struct coded coded = { 0 };

	if (!takes(c, s))
		return;

	sample_fill(SAMPLE_NORMAL, s, src);
	ck_assert_int_eq(c->encode(s, src, ws, dst, cap, &coded), 0);

	size_t need = coded.len[LAYER_EXACT];
	size_t budgets[] = { 0, 1, need / 2, need - 1 };

	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		size_t b = budgets[i] < need ? budgets[i] : need - 1;

		/* The sanitizer watches the end of an exact allocation. */
		auto_free uint8_t *tight = malloc(b ? b : 1);

		int r = c->encode(s, src, ws, tight, b, &coded);

		ck_assert(r == -E2BIG || (r == 0 && b >= need));
	}
}
END_TEST

START_TEST(encodes_the_same_twice)
{
	const struct codec *c = codec_by_name(names[_i]);
	struct shape shape = sample_shapes[14], *s = &shape;

	if (!takes(c, s))
		s->elem = ELEM_F32;

	size_t len = shape_bytes(s);
	auto_free uint8_t *src = malloc(len);
	auto_free uint8_t *a = malloc(2 * len);
	auto_free uint8_t *b = malloc(2 * len);
	struct scratch *fresh = scratch_new();
	struct coded coded_a, coded_b;

	sample_fill(SAMPLE_NORMAL, s, src);
	ck_assert_int_eq(c->encode(s, src, ws, a, 2 * len, &coded_a), 0);
	ck_assert_int_eq(c->encode(s, src, fresh, b, 2 * len, &coded_b), 0);
	scratch_free(fresh);
	ck_assert_uint_eq(coded_a.len[LAYER_EXACT], coded_b.len[LAYER_EXACT]);
	ck_assert_mem_eq(a, b, coded_a.len[LAYER_EXACT]);
}
END_TEST

/* Decodes len forged bytes from an allocation of just that size. */
static int decode_forged(const struct codec *c, const struct shape *s,
			 const uint8_t *bytes, uint32_t len, uint8_t *back)
{
	auto_free uint8_t *tight = malloc(len ? len : 1);

	memcpy(tight, bytes, len);

	struct coded_view in = view_of(tight, len);

	return c->decode(s, &in, ws, back);
}

START_TEST(survives_forged_bytes)
{
	const struct codec *c = codec_by_name(names[_i % N_NAMES]);
	struct shape s = sample_shapes[_i / N_NAMES];
	uint64_t seed = (uint64_t)_i;

	if (!takes(c, &s) || shape_bytes(&s) > 65536)
		return;

	size_t len = shape_bytes(&s);
	size_t cap = len + len / 4 + 4096;
	auto_free uint8_t *src = malloc(len);
	auto_free uint8_t *dst = malloc(cap);
	auto_free uint8_t *back = malloc(len);
	struct coded coded;

	sample_fill(SAMPLE_NORMAL, &s, src);
	ck_assert_int_eq(c->encode(&s, src, ws, dst, cap, &coded), 0);

	uint32_t n = coded.len[LAYER_EXACT];

	for (uint32_t cut = 0; cut < n; cut += 1 + n / 97)
		ck_assert_int_eq(decode_forged(c, &s, dst, cut, back),
				 -EBADMSG);
	for (int i = 0; i < 200; i++) {
		uint32_t at = run_random(&seed) % n;
		uint8_t was = dst[at];

		dst[at] ^= (uint8_t)(1u << run_random(&seed) % 8);

		int r = decode_forged(c, &s, dst, n, back);

		ck_assert(r == 0 || r == -EBADMSG);
		dst[at] = was;
	}

	struct coded_view none = { .n_layers = 0 };

	ck_assert_int_eq(c->decode(&s, &none, ws, back), -EBADMSG);
}
END_TEST

START_TEST(finds_codecs_by_id_and_name)
{
	static const uint8_t ids[N_NAMES] = { 0, 1, 2, 3, 6 };

	for (size_t i = 0; i < N_NAMES; i++) {
		ck_assert_ptr_eq(codec_by_name(names[i]), codec_by_id(ids[i]));
		ck_assert_str_eq(codec_by_id(ids[i])->name, names[i]);
	}
	ck_assert_ptr_null(codec_by_id(255));
	ck_assert_ptr_null(codec_by_name("no such codec"));
}
END_TEST

START_TEST(chooses_what_suits)
{
	static const struct {
		uint8_t elem;
		enum sample_kind kind;
		const char *want;
	} rows[] = {
		{ ELEM_U8, SAMPLE_RANDOM, "raw" },
		{ ELEM_U8, SAMPLE_TEXT, "zstd" },
		{ ELEM_U8, SAMPLE_ZEROS, "zero" },
		{ ELEM_F32, SAMPLE_ZEROS, "zero" },
		{ ELEM_F32, SAMPLE_NORMAL, "split32" },
		{ ELEM_F16, SAMPLE_NORMAL, "split16" },
		{ ELEM_BF16, SAMPLE_NORMAL, "split16" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shape s = { .elem = rows[i].elem,
				   .rows = 8192,
				   .cols = 1 };
		auto_free uint8_t *src = malloc(shape_bytes(&s));

		sample_fill(rows[i].kind, &s, src);
		ck_assert_str_eq(codec_choose(&s, src)->name, rows[i].want);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("codec");
	TCase *tc = tcase_create("codec");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, gives_back_every_tile, 0, N_CASES);
	tcase_add_loop_test(tc, keeps_to_its_budget, 0, N_CASES);
	tcase_add_loop_test(tc, encodes_the_same_twice, 0, (int)N_NAMES);
	tcase_add_loop_test(tc, survives_forged_bytes, 0, N_CASES);
	tcase_add_test(tc, finds_codecs_by_id_and_name);
	tcase_add_test(tc, chooses_what_suits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
