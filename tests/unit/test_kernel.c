/*
 * test_kernel.c - every form of the loops over rows does what scalar does
 */
#include <math.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"
#include "tests/unit/run.h"

#define ROWS  3
#define MAX_W 1040
#define ROOM  (ROWS * MAX_W + KERNEL_SLACK + 1)
#define GUARD 0xa5

/* Whole steps of 16 and 32 values, and steps cut short. */
static const size_t widths[] = { 16, 32, 48, 64, 80, 1024, MAX_W };
static const int scales[2][6] = {
	{ -24, -23, -20, -14, -6, 2 },
	{ -100, -30, -7, 0, 40, 100 },
};

#define N_WIDTHS (sizeof(widths) / sizeof(widths[0]))
#define N_SCALES (sizeof(scales[0]) / sizeof(scales[0][0]))
#define N_CASES  ((N_ISAS - ISA_AVX2) * 2 * N_WIDTHS * N_SCALES)

struct test_case {
	struct kernels k, scalar;
	bool bf16;
	int scale;
	size_t w, n; /* of a row, of all */
	unsigned r2;
	struct exact_rule rule;
};

/* What the loops read: of each column, of each value, streams of bits. */
static struct {
	int shift[MAX_W];
	float fine_scale[MAX_W], scale[2][MAX_W];
	uint8_t low_most[MAX_W], rest_most[MAX_W];
	uint16_t x[ROOM];
	int16_t fine[ROOM], mean[ROOM];
	uint8_t mag[ROOM], digit[ROOM], exponents[ROOM];
	uint8_t signs[ROOM], first[ROOM], second[ROOM], rest[ROOM],
	    nibbles[ROOM];
} in;

/* What they write. */
struct test_out {
	uint16_t x[ROOM];
	int16_t fine[ROOM];
	uint8_t mag[ROOM], d1[ROOM], d2[ROOM], signs[ROOM], first[ROOM],
	    second[ROOM], rest[ROOM], nibbles[ROOM], exponents[ROOM];
	unsigned max_q;
	struct quantise quantise;
	struct cut cut;
	struct dequantise dequantise;
};

static struct test_out want, got;

/* False: not on this machine. */
static bool test_choose(int i, struct test_case *t)
{
	size_t width = (size_t)i / 2 % N_WIDTHS;
	size_t scale = (size_t)i / 2 / N_WIDTHS % N_SCALES;
	size_t isa = (size_t)i / 2 / N_WIDTHS / N_SCALES;

	t->bf16 = i % 2;
	t->scale = scales[t->bf16][scale];
	t->w = widths[width];
	t->n = ROWS * t->w;
	t->r2 = (width + scale) % 2 ? 3 : 4;
	struct grid g = { .k = t->scale, .bf16 = t->bf16 };
	/* No columns: theirs are of any kind. */
	struct arena none = { .at = in.mag, .end = in.mag + ROOM };

	ck_assert_int_eq(exact_rule_init(&g, &none, &t->rule), 0);
	t->rule.low_most = in.low_most;
	t->rule.rest_most = in.rest_most;
	kernels_for(ISA_SCALAR, &t->scalar);
	return kernels_for(ISA_AVX2 + (enum isa)isa, &t->k);
}

/* Of either sign, below 2^15 steps of 2^k, subnormals among them. */
static uint16_t test_value(const struct test_case *t, int k, uint64_t *seed)
{
	int m = t->bf16 ? 7 : 10, bias = t->bf16 ? 127 : 15;
	int most = t->bf16 ? 254 : 30;
	int e = bias + k + 14 - (int)(run_random(seed) % 20);
	uint32_t bits = run_random(seed);

	e = bits >> 28 == 0 || e < 0 ? 0 : e;
	e = e > most ? most : e;
	return (uint16_t)((bits & 0x8000) | (unsigned)e << m |
			  (bits & ((1u << m) - 1)));
}

/* Small as a rule, anything now and then. */
static unsigned test_small(uint64_t *seed)
{
	uint32_t v = run_random(seed);

	return v % 16 ? v >> 8 & 3 : v >> 8;
}

static void test_fill_columns(const struct test_case *t, uint64_t *seed)
{
	for (size_t c = 0; c < MAX_W; c++) {
		int shift = (int)(run_random(seed) % 4);

		in.shift[c] = shift;
		in.fine_scale[c] = ldexpf(1, -(t->scale + shift));
		for (int half = 0; half < 2; half++)
			in.scale[half][c] = ldexpf(1, t->scale + shift - half);
		in.low_most[c] = (uint8_t)((1u << run_random(seed) % 5) - 1);
		in.rest_most[c] = (uint8_t)((1u << run_random(seed) % 8) - 1);
	}
}

static void test_fill(const struct test_case *t, int i)
{
	uint64_t seed = (uint64_t)i;

	test_fill_columns(t, &seed);
	for (size_t c = 0; c < ROOM; c++) {
		int n = (int)test_small(&seed), m = (int)test_small(&seed);

		int k = t->scale + in.shift[c % t->w];

		in.x[c] = test_value(t, k, &seed);
		in.fine[c] = (int16_t)(n % 2 ? ~n : n);
		in.mean[c] = (int16_t)(m % 2 ? 50 * m : -m);
		in.mag[c] = (uint8_t)test_small(&seed);
		in.digit[c] = (uint8_t)(run_random(&seed) % 16);
		in.signs[c] = (uint8_t)run_random(&seed);
		in.first[c] = (uint8_t)run_random(&seed);
		in.second[c] = (uint8_t)run_random(&seed);
		in.rest[c] = (uint8_t)run_random(&seed);
		in.nibbles[c] = (uint8_t)run_random(&seed);
		in.exponents[c] = (uint8_t)run_random(&seed);
	}
	memset(&want, GUARD, sizeof(want));
	memset(&got, GUARD, sizeof(got));
}

/* Nothing is written beyond the slack either. */
static void test_same(const void *a, const void *b, size_t len)
{
	ck_assert_mem_eq(a, b, len);
	ck_assert_uint_eq(((const uint8_t *)b)[len + KERNEL_SLACK], GUARD);
}

static void test_same_bits(const struct bit_writer *a, const uint8_t *a0,
			   const struct bit_writer *b, const uint8_t *b0)
{
	ck_assert_int_eq(a->dst - a0, b->dst - b0);
	ck_assert_uint_eq(a->n, b->n);
	ck_assert_uint_eq(a->acc, b->acc);
	test_same(a0, b0, (size_t)(a->dst - a0));
}

static void test_quantise(const struct kernels *k, const struct test_case *t,
			  struct test_out *to)
{
	struct quantise s = { .w = t->w,
			      .scale = in.fine_scale,
			      .r2 = t->r2,
			      .signs.dst = to->signs,
			      .first = to->first,
			      .second.dst = to->second };

	to->max_q = 0;
	for (size_t at = 0; at < t->n; at += t->w) {
		s.mean = in.mean + at;
		s.fine = to->fine + at;
		s.mag = to->mag + at;
		s.d1 = to->d1 + at;
		s.d2 = to->d2 + at;
		to->max_q =
		    1000 * to->max_q + k->quantise[t->bf16](&s, in.x + at);
	}
	to->quantise = s;
}

START_TEST(quantised_alike)
{
	struct test_case t;

	if (!test_choose(_i, &t))
		return;
	test_fill(&t, _i);
	test_quantise(&t.scalar, &t, &want);
	test_quantise(&t.k, &t, &got);
	test_same(want.fine, got.fine, 2 * t.n);
	test_same(want.mag, got.mag, t.n);
	test_same(want.d1, got.d1, t.n);
	test_same(want.d2, got.d2, t.n);
	test_same_bits(&want.quantise.signs, want.signs, &got.quantise.signs,
		       got.signs);
	ck_assert_int_eq(got.quantise.first - got.first, t.n / 8);
	test_same(want.first, got.first, t.n / 8);
	test_same_bits(&want.quantise.second, want.second, &got.quantise.second,
		       got.second);
	ck_assert_uint_eq(want.max_q, got.max_q);
	ck_assert_uint_eq(want.quantise.max_j, got.quantise.max_j);
	ck_assert_uint_eq(want.quantise.base_error, got.quantise.base_error);
	ck_assert_uint_eq(want.quantise.refine1_error,
			  got.quantise.refine1_error);
	ck_assert_int_eq(want.quantise.q_offset, got.quantise.q_offset);
	ck_assert_uint_eq(want.quantise.q_square, got.quantise.q_square);
}
END_TEST

static void test_cut(const struct kernels *k, const struct test_case *t,
		     struct test_out *to)
{
	struct cut s = { .w = t->w,
			 .rule = &t->rule,
			 .rest.dst = to->rest,
			 .nibbles = to->nibbles,
			 .exponents = to->exponents };

	for (size_t at = 0; at < t->n; at += t->w)
		k->cut[t->bf16](&s, in.x + at, in.fine + at);
	to->cut = s;
}

START_TEST(cut_alike)
{
	struct test_case t;

	if (!test_choose(_i, &t))
		return;
	test_fill(&t, _i);
	test_cut(&t.scalar, &t, &want);
	test_cut(&t.k, &t, &got);
	test_same_bits(&want.cut.rest, want.rest, &got.cut.rest, got.rest);
	ck_assert_int_eq(got.cut.nibbles - got.nibbles, t.bf16 ? 0 : t.n / 2);
	test_same(want.nibbles, got.nibbles, t.bf16 ? 0 : t.n / 2);
	size_t n = (size_t)(want.cut.exponents - want.exponents);

	ck_assert_int_eq(got.cut.exponents - got.exponents, n);
	test_same(want.exponents, got.exponents, n);
}
END_TEST

/* What a row's sums are made of, beside q and mean. */
enum test_parts {
	TEST_DIGIT = 1,
	TEST_PLANES = 2,
	TEST_ALL_PARTS = 3,
};

static void test_dequantise(const struct kernels *k, const struct test_case *t,
			    bool exact, unsigned parts, struct test_out *to)
{
	struct dequantise s = { .w = t->w,
				.scale = in.scale[!exact],
				.q_times = 3 * t->r2,
				.first_times = t->r2 << !exact,
				.digit_times = exact ? 1 : t->r2,
				.signs.src = in.signs,
				.first = parts & TEST_PLANES ? in.first : NULL,
				.second.src = in.second,
				.rule = &t->rule,
				.rest.src = in.rest,
				.nibbles = in.nibbles,
				.exponents = in.exponents };

	for (size_t at = 0; at < t->n; at += t->w) {
		s.mag = in.mag + at;
		s.digit = parts & TEST_DIGIT ? in.digit + at : NULL;
		s.mean = in.mean + at;
		if (exact)
			k->exact[t->bf16](&s, to->x + at);
		else
			k->dequantise[t->bf16](&s, to->x + at);
	}
	to->dequantise = s;
}

static void test_same_rows(const struct test_case *t)
{
	const struct dequantise *a = &want.dequantise, *b = &got.dequantise;

	test_same(want.x, got.x, 2 * t->n);
	ck_assert_uint_eq(a->signs.at, b->signs.at);
	ck_assert_ptr_eq(a->first, b->first);
	ck_assert_uint_eq(a->second.at, b->second.at);
	ck_assert_uint_eq(a->rest.at, b->rest.at);
	ck_assert_ptr_eq(a->nibbles, b->nibbles);
	ck_assert_ptr_eq(a->exponents, b->exponents);
}

START_TEST(dequantised_alike)
{
	struct test_case t;

	if (!test_choose(_i, &t))
		return;
	test_fill(&t, _i);
	for (unsigned parts = 0; parts <= TEST_ALL_PARTS; parts++) {
		test_dequantise(&t.scalar, &t, false, parts, &want);
		test_dequantise(&t.k, &t, false, parts, &got);
		test_same_rows(&t);
	}
}
END_TEST

START_TEST(exact_alike)
{
	struct test_case t;

	if (!test_choose(_i, &t))
		return;
	test_fill(&t, _i);
	for (unsigned parts = TEST_DIGIT; parts <= TEST_ALL_PARTS; parts += 2) {
		test_dequantise(&t.scalar, &t, true, parts, &want);
		test_dequantise(&t.k, &t, true, parts, &got);
		test_same_rows(&t);
	}
}
END_TEST

START_TEST(avx512_runs_when_asked_for)
{
	const char *asked = getenv("ADAPTCACHE_ISA");
	struct kernels k;

	if (!kernels_for(ISA_AVX512, &k))
		return; /* not on this machine */
	ck_assert_int_eq(dispatch_kernels()->exact[0] == k.exact[0],
			 asked && !strcmp(asked, "avx512"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel");
	TCase *tc = tcase_create("kernel");

	tcase_add_loop_test(tc, quantised_alike, 0, N_CASES);
	tcase_add_loop_test(tc, cut_alike, 0, N_CASES);
	tcase_add_loop_test(tc, dequantised_alike, 0, N_CASES);
	tcase_add_loop_test(tc, exact_alike, 0, N_CASES);
	tcase_add_test(tc, avx512_runs_when_asked_for);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
