/*
 * test_grid.c - the grid codec: exact, on its grid, the same on every ISA
 */
#include <errno.h>
#include <math.h>

#include "tests/unit/grid_case.h"

static uint8_t back[MAX_LEN], other[MAX_LEN], coded2[2 * MAX_LEN];

static void test_round_trip(const struct shape *s, float step)
{
	struct coded c;
	size_t len = shape_bytes(s);
	int r = test_encode(s, step, coded, &c);

	if (r == -E2BIG)
		return;
	ck_assert_int_eq(r, 0);
	struct coded_view v = test_view(coded, &c, N_LAYERS);

	back[len] = GUARD;
	ck_assert_int_eq(grid_decode(s, &v, ws, back), 0);
	ck_assert_mem_eq(plain, back, len);
	ck_assert_uint_eq(back[len], GUARD);
}

START_TEST(exact_comes_back)
{
	enum content kind;
	struct shape s = test_case(_i, &kind);

	static const float steps[] = { 0,    0.05f, 0.25f, 0.36f,
				       0.5f, 0.75f, 1.5f,  8 };

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		test_round_trip(&s, steps[i]);
}
END_TEST

START_TEST(ordinary_tiles_are_taken)
{
	static const enum content kinds[] = { CONTENT_GAUSS, CONTENT_TURNING,
					      CONTENT_HUGE_MEAN };
	struct shape s = shapes[0];
	struct coded c;

	s.elem = _i % 2 ? ELEM_BF16 : ELEM_F16;
	test_fill(kinds[_i / 2], &s, plain);
	ck_assert_int_eq(test_encode(&s, 0, coded, &c), 0);
	ck_assert_uint_lt(test_coded_len(&c), shape_bytes(&s));
}
END_TEST

START_TEST(unaligned_buffers_are_taken)
{
	struct shape s = shapes[2];
	struct coded c;

	s.elem = ELEM_F16;
	test_fill(CONTENT_GAUSS, &s, plain + 1);
	struct out out = { .at = coded + 1, .end = coded + sizeof(coded) };

	ck_assert_int_eq(grid_encode(&s, plain + 1, ws, &out, &c), 0);
	struct coded_view v = test_view(coded + 1, &c, N_LAYERS);

	ck_assert_int_eq(grid_decode(&s, &v, ws, back + 1), 0);
	ck_assert_mem_eq(plain + 1, back + 1, shape_bytes(&s));
}
END_TEST

/* A channel's shift, as the head has it. */
static int test_shift(const struct shape *s, size_t c)
{
	size_t means = s->cols << (coded[1] >> 1 & 1);

	if (!(coded[1] & 4))
		return 0;
	return coded[GRID_HEAD + means + c / 4] >> c % 4 * 2 & 3;
}

/* No value is farther from what is decoded than half a cell and rounding. */
static void test_on_grid(const struct shape *s, unsigned level)
{
	double r2 = coded[1] & 1 ? 4 : 3;
	double ulp = s->elem == ELEM_BF16 ? 0x1p-8 : 0x1p-11;
	double worst = 0;

	for (size_t i = 0; i < shape_bytes(s) / 2; i++) {
		int k = (int8_t)coded[2] + test_shift(s, i % s->cols);
		double half = ldexp(level == LAYER_REFINE1 ? r2 / 2 : 0.5, k);
		double x = test_value(load16(plain + 2 * i), s->elem);
		double y = test_value(load16(back + 2 * i), s->elem);
		double bound = half + (fabs(x) + half) * ulp + 0x1p-25;

		worst = fmax(worst, fabs(x - y) / bound);
	}
	ck_assert_double_le(worst, 1);
}

START_TEST(prefixes_lie_on_the_grid)
{
	enum content kind;
	struct shape s = test_case(_i, &kind);
	struct coded c;

	if (test_encode(&s, 0, coded, &c))
		return;
	for (unsigned l = LAYER_REFINE1; l < LAYER_EXACT; l++) {
		struct coded_view v = test_view(coded, &c, l + 1);

		ck_assert_int_eq(grid_decode(&s, &v, ws, back), 0);
		test_on_grid(&s, l);
	}
}
END_TEST

/* What grid.h says a value reads as, from x and its channel's mean. */
static double test_reference(double x, int m, int k, const uint8_t *head,
			     unsigned level)
{
	int r2 = head[1] & 1 ? 4 : 3, f = 3 * r2;
	double j = floor(ldexp(fabs(x), -k));
	double n = signbit(x) ? -j - 1 : j;
	double u = n - m + f / 2, q = floor(u / f);
	double d1 = floor((u - f * q) / r2), v = m;

	if (level == LAYER_BASE)
		v = head[6] / 2.0 * q + m + f / 2.0 - f / 2;
	if (level == LAYER_REFINE1)
		v = f * q + r2 * d1 + m + r2 / 2.0 - f / 2;
	if (level == LAYER_REFINE2)
		v = n + 0.5;
	return ldexp(v, k);
}

static void test_compare(const struct shape *s, unsigned level)
{
	const uint8_t *means = coded + GRID_HEAD;
	int r2 = coded[1] & 1 ? 4 : 3;
	size_t n_sink = coded[3] * (size_t)s->cols, wrong = 0;
	double ulp = s->elem == ELEM_BF16 ? 0x1p-8 : 0x1p-11;

	for (size_t i = n_sink; i < shape_bytes(s) / 2; i++) {
		size_t c = i % s->cols;
		int m = coded[1] & 2 ? (int16_t)load16(means + 2 * c)
				     : (int8_t)means[c];
		double x = test_value(load16(plain + 2 * i), s->elem);
		double y = test_value(load16(back + 2 * i), s->elem);
		int k = (int8_t)coded[2] + test_shift(s, c);
		double want = test_reference(x, m * r2, k, coded, level);

		wrong += fabs(y - want) > fabs(want) * ulp + 0x1p-25;
	}
	ck_assert_uint_eq(wrong, 0);
}

START_TEST(prefixes_match_the_reference)
{
	enum content kind;
	struct shape s = test_case(_i, &kind);
	struct coded c;

	s.role = ROLE_V; /* means that stay */
	if (test_encode(&s, 0, coded, &c))
		return;
	for (unsigned l = LAYER_HEAD; l < LAYER_EXACT; l++) {
		struct coded_view v = test_view(coded, &c, l + 1);

		ck_assert_int_eq(grid_decode(&s, &v, ws, back), 0);
		test_compare(&s, l);
	}
}
END_TEST

START_TEST(errors_are_measured)
{
	struct shape s = shapes[0];
	struct coded c;

	s.elem = ELEM_F16;
	s.role = ROLE_V;
	test_fill(CONTENT_GAUSS, &s, plain);
	ck_assert_int_eq(test_encode(&s, 0, coded, &c), 0);
	for (unsigned l = 0; l < N_LAYERS; l++) {
		struct coded_view v = test_view(coded, &c, l + 1);
		double sum = 0, n = (double)(s.rows - 4) * s.cols;

		ck_assert_int_eq(grid_decode(&s, &v, ws, back), 0);
		for (size_t i = 0; i < shape_bytes(&s); i += 2) {
			double d = test_value(load16(plain + i), s.elem) -
				   test_value(load16(back + i), s.elem);

			sum += d * d;
		}
		/* the samples' variance is 1 */
		ck_assert_double_ge((double)c.error[l] * 1.1, sum / n);
		ck_assert_double_le((double)c.error[l], sum / n * 1.1);
	}
}
END_TEST

START_TEST(isas_agree)
{
	enum isa isa = ISA_AVX2 + (enum isa)(_i / N_CASES);
	enum content kind;
	struct shape s = test_case(_i % (int)N_CASES, &kind);
	size_t len = shape_bytes(&s);
	struct coded a, b;

	if (!dispatch_force(isa))
		return; /* not on this machine */
	int r = test_encode(&s, 0, coded, &a);

	dispatch_force(ISA_SCALAR);
	ck_assert_int_eq(test_encode(&s, 0, coded2, &b), r);
	for (unsigned l = 0; !r && l < N_LAYERS; l++) {
		struct coded_view v = test_view(coded, &a, l + 1);

		ck_assert_uint_eq(a.len[l], b.len[l]);
		ck_assert(a.error[l] == b.error[l]);
		ck_assert_int_eq(grid_decode(&s, &v, ws, back), 0);
		dispatch_force(isa);
		ck_assert_int_eq(grid_decode(&s, &v, ws, other), 0);
		dispatch_force(ISA_SCALAR);
		ck_assert_mem_eq(back, other, len);
	}
	if (!r)
		ck_assert_mem_eq(coded, coded2, test_coded_len(&a));
	dispatch_force(ISA_AVX2);
}
END_TEST

/* Decodes a copy that ends where its memory does. */
static int test_decode_copy(const struct shape *s, const uint8_t *p,
			    const struct coded *c, unsigned n_layers)
{
	struct coded_view v = { .n_layers = n_layers };
	uint8_t *copy[N_LAYERS] = { 0 };

	for (unsigned l = 0; l < n_layers; l++) {
		copy[l] = malloc(c->len[l] ? c->len[l] : 1);
		memcpy(copy[l], p, c->len[l]);
		v.layer[l] = copy[l];
		v.len[l] = c->len[l];
		p += c->len[l];
	}
	int r = grid_decode(s, &v, ws, back);

	for (unsigned l = 0; l < n_layers; l++)
		free(copy[l]);
	return r;
}

START_TEST(damage_is_survived)
{
	struct shape s = shapes[(size_t)_i % N_SHAPES];
	uint64_t seed = (uint64_t)_i + 1;
	struct coded c, cut;

	s.elem = _i % 2 ? ELEM_BF16 : ELEM_F16;
	test_fill(_i % 3 ? CONTENT_UNEVEN : CONTENT_TURNING, &s, plain);
	if (test_encode(&s, _i % 4 ? 0 : 0.25f, coded, &c))
		return;
	for (int i = 0; i < 60; i++) {
		unsigned l = run_random(&seed) % N_LAYERS;
		size_t at = 0;

		if (l == LAYER_WINDOW)
			l = LAYER_HEAD; /* it has no bytes */
		for (unsigned k = 0; k < l; k++)
			at += c.len[k];
		at += run_random(&seed) % (i % 2 ? c.len[l] : 64) % c.len[l];
		cut = c;
		uint8_t was = coded[at];

		coded[at] ^= (uint8_t)(1u << run_random(&seed) % 8);
		if (i % 3 == 0)
			cut.len[l] = run_random(&seed) % (c.len[l] + 1);
		back[shape_bytes(&s)] = GUARD;
		int r =
		    test_decode_copy(&s, coded, &cut, i % 5 ? N_LAYERS : l + 1);

		ck_assert(r == 0 || r == -EBADMSG);
		ck_assert_uint_eq(back[shape_bytes(&s)], GUARD);
		coded[at] = was;
	}
}
END_TEST

START_TEST(too_small_a_budget_is_refused)
{
	struct shape s = shapes[0];
	struct coded c;

	s.elem = ELEM_F16;
	test_fill(CONTENT_GAUSS, &s, plain);
	ck_assert_int_eq(test_encode(&s, 0, coded2, &c), 0);
	size_t len = test_coded_len(&c);

	memset(coded, GUARD, sizeof(coded));
	ck_assert_int_eq(codec_grid.encode(&s, plain, ws, coded, len - 1, &c),
			 -E2BIG);
	ck_assert_uint_eq(coded[len - 1], GUARD);
	ck_assert_int_eq(codec_grid.encode(&s, plain, ws, coded, len, &c), 0);
	ck_assert_mem_eq(coded, coded2, len);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grid");
	TCase *tc = tcase_create("grid");

	tcase_add_checked_fixture(tc, test_setup, test_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, exact_comes_back, 0, N_CASES);
	tcase_add_loop_test(tc, ordinary_tiles_are_taken, 0, 6);
	tcase_add_test(tc, unaligned_buffers_are_taken);
	tcase_add_loop_test(tc, prefixes_lie_on_the_grid, 0, N_CASES);
	tcase_add_loop_test(tc, prefixes_match_the_reference, 0, N_CASES);
	tcase_add_test(tc, errors_are_measured);
	tcase_add_loop_test(tc, damage_is_survived, 0, 78);
	tcase_add_test(tc, too_small_a_budget_is_refused);
	suite_add_tcase(suite, tc);
	tc = tcase_create("isas"); /* chosen alone where time is short */
	tcase_add_checked_fixture(tc, test_setup, test_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, isas_agree, 0, (N_ISAS - ISA_AVX2) * N_CASES);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
