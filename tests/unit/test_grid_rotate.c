/*
 * test_grid_rotate.c - means that turn: found, made right, taken off exactly
 */
#include "tests/unit/grid_case.h"

struct turning {
	uint32_t theta, dims, cols, rows;
	unsigned pairing;
};

static const struct turning turnings[] = {
	{ 10000, 64, 192, 256, GRID_INTERLEAVED },
	{ 100000, 64, 192, 252, GRID_INTERLEAVED },
	{ 10000, 128, 256, 256, GRID_HALVES },
	{ 500000, 128, 1024, 256, GRID_HALVES },
	{ 1000000, 128, 512, 200, GRID_HALVES },
	{ 10000, 80, 80, 300, GRID_HALVES },
	{ 10000, 96, 96, 256, GRID_HALVES },
	{ 1000000, 256, 256, 512, GRID_HALVES },
};

#define N_TURNINGS (sizeof(turnings) / sizeof(turnings[0]))

/* 1 MiB of tile: more than the other tests' buffers hold. */
static uint8_t big[1 << 20], big_back[1 << 20], big_coded[1 << 21];

/* A mean of radius 2 that turns, and noise. */
static void turning_fill(const struct turning *k, uint8_t elem, uint8_t *dst)
{
	uint64_t seed = 5;

	for (uint32_t t = 0; t < k->rows; t++) {
		for (uint32_t c = 0; c < k->cols; c++, dst += 2) {
			uint32_t i = c % k->dims;
			bool second = k->pairing ? i >= k->dims / 2 : i % 2;
			uint32_t pair = k->pairing ? i % (k->dims / 2) : i / 2;
			double w = pow(k->theta, -2.0 * pair / k->dims);
			double phase = pair + 3 * (c / k->dims) + w * t;
			double v = 2 * (second ? sin(phase) : cos(phase));

			v += sample_gauss(&seed);
			store16(dst, sample_half(elem, v));
		}
	}
}

static struct shape turning_shape(const struct turning *k, int i)
{
	return (struct shape){ .elem = i % 2 ? ELEM_BF16 : ELEM_F16,
			       .role = ROLE_K,
			       .rows = k->rows,
			       .cols = k->cols,
			       .first_row = 256 };
}

static int turning_encode(const struct shape *s, struct coded *ret)
{
	return codec_grid.encode(s, big, ws, big_coded, sizeof(big_coded), ret);
}

START_TEST(rotation_is_found)
{
	const struct turning *k = &turnings[_i / 2];
	struct shape s = turning_shape(k, _i);
	struct coded c;

	turning_fill(k, s.elem, big);
	ck_assert_int_eq(turning_encode(&s, &c), 0);
	ck_assert_uint_gt(big_coded[4], 0);
	const struct grid_turn *found = &grid_turns[big_coded[4] - 1];

	ck_assert_uint_eq(found->dims, k->dims);
	ck_assert_uint_eq(found->theta, k->theta);
	ck_assert_uint_eq(big_coded[5], k->pairing);

	struct coded_view v = test_view(big_coded, &c, N_LAYERS);

	ck_assert_int_eq(codec_grid.decode(&s, &v, ws, big_back), 0);
	ck_assert_mem_eq(big, big_back, shape_bytes(&s));
}
END_TEST

START_TEST(rotation_gains)
{
	const struct turning *k = &turnings[_i / 2];
	struct shape s = turning_shape(k, _i);
	struct coded turned, still;

	turning_fill(k, s.elem, big);
	ck_assert_int_eq(turning_encode(&s, &turned), 0);
	s.role = ROLE_V;
	ck_assert_int_eq(turning_encode(&s, &still), 0);
	ck_assert_uint_eq(big_coded[4], 0);
	ck_assert_uint_lt(turned.len[LAYER_BASE], still.len[LAYER_BASE]);
	ck_assert(turned.error[LAYER_HEAD] < still.error[LAYER_HEAD]);
}
END_TEST

START_TEST(noise_does_not_turn)
{
	struct shape s = shapes[1];
	struct coded c;

	s.elem = _i ? ELEM_BF16 : ELEM_F16;
	test_fill(CONTENT_GAUSS, &s, big);
	ck_assert_int_eq(turning_encode(&s, &c), 0);
	ck_assert_uint_eq(big_coded[4], 0);
}
END_TEST

/* Turned means against libm's, over the rows of the longest tile. */
START_TEST(means_turn_as_they_should)
{
	const struct grid_turn *turn = &grid_turns[_i / 2];
	unsigned halves = (unsigned)_i % 2;
	uint32_t half = turn->dims / 2;
	struct grid g = { .cols = turn->dims,
			  .w = turn->dims,
			  .turn = (unsigned)_i / 2 + 1,
			  .pairing = halves };
	struct turner s;
	struct arena mem = { big, big + sizeof(big) };
	int16_t m[GRID_MAX_DIMS];
	double worst = 0;

	for (uint32_t c = 0; c < g.w; c++)
		m[c] = (int16_t)(c * 37 % 801 - 400);
	ck_assert_int_eq(turner_init(&s, &g, dispatch_kernels(), &mem), 0);
	ck_assert_uint_le((size_t)(mem.at - big), turner_room(&g));
	turner_start(&s, m, 0, 5);
	for (uint32_t t = 0; t < 2000; t++) {
		const int16_t *row = turner_row(&s, t);

		for (uint32_t i = 0; i < half; i++) {
			uint32_t a = halves ? i : 2 * i;
			uint32_t b = halves ? i + half : 2 * i + 1;
			double w = pow(turn->theta, -(double)i / half) * t;
			double x = m[a] * cos(w) - m[b] * sin(w) + 5;
			double y = m[b] * cos(w) + m[a] * sin(w) + 5;

			worst = fmax(worst, fabs(row[a] - x));
			worst = fmax(worst, fabs(row[b] - y));
		}
	}
	ck_assert_double_le(worst, 2.5);
}
END_TEST

START_TEST(large_tiles_come_back)
{
	static const struct shape large[] = {
		{ .rows = 512, .cols = 1024, .role = ROLE_K },
		{ .rows = 64, .cols = 8192, .first_row = 3 },
		{ .rows = 32768, .cols = 16, .first_row = 3 },
		{ .rows = 16, .cols = 32768, .first_row = 3 },
		{ .rows = 909, .cols = 576, .role = ROLE_K },
	};
	struct shape s = large[_i / 2];
	struct coded c;

	s.elem = _i % 2 ? ELEM_BF16 : ELEM_F16;
	test_fill(_i % 3 ? CONTENT_GAUSS : CONTENT_TURNING, &s, big);
	ck_assert_int_eq(turning_encode(&s, &c), 0);
	for (unsigned l = 1; l <= N_LAYERS; l++) {
		struct coded_view v = test_view(big_coded, &c, l);

		ck_assert_int_eq(codec_grid.decode(&s, &v, ws, big_back), 0);
	}
	ck_assert_mem_eq(big, big_back, shape_bytes(&s));
}
END_TEST

/* Values that need no libm: a turner's means, and noise. */
static void golden_fill(const struct shape *s, uint8_t *dst)
{
	struct grid g = { .cols = s->cols, .w = s->cols, .turn = 2 };
	struct arena mem = { big_back, big_back + sizeof(big_back) };
	struct turner turner;
	uint64_t seed = 11;
	int16_t m[192];

	for (uint32_t c = 0; c < g.w; c++)
		m[c] = (int16_t)(c * 37 % 801 - 400);
	ck_assert_int_eq(turner_init(&turner, &g, dispatch_kernels(), &mem), 0);
	turner_start(&turner, m, 0, 0);
	for (uint32_t t = 0; t < s->rows; t++) {
		const int16_t *row = turner_row(&turner, t);

		for (uint32_t c = 0; c < s->cols; c++, dst += 2) {
			double v = row[c] + 150 * sample_gauss(&seed);

			store16(dst, sample_half(s->elem, v / 256));
		}
	}
}

/* FNV-1a. */
static uint32_t golden_hash(const uint8_t *p, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

/* Some of each; not alike in a pair, for the codec to make them so. */
static const uint8_t *golden_shifts(void)
{
	static uint8_t shift[192];

	for (unsigned c = 0; c < 192; c++)
		shift[c] = (uint8_t)(c * c / 7 % 4);
	return shift;
}

/* What is on disk must not change: not by compiler, machine or time. */
START_TEST(bytes_are_as_ever)
{
	static const uint32_t want[] = { 782952136u, 2722770511u, 2386242189u,
					 3464474569u };
	struct shape s = { .elem = _i % 2 ? ELEM_BF16 : ELEM_F16,
			   .role = ROLE_K,
			   .rows = 300,
			   .cols = 192,
			   .shift = _i / 2 ? golden_shifts() : NULL };
	struct coded c;
	size_t len = 0;

	golden_fill(&s, big);
	ck_assert_int_eq(turning_encode(&s, &c), 0);
	ck_assert_uint_eq(big_coded[4], 2);
	for (unsigned l = 0; l < N_LAYERS; l++)
		len += c.len[l];
	ck_assert_uint_eq(golden_hash(big_coded, len), want[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("grid_rotate");
	TCase *tc = tcase_create("grid_rotate");

	tcase_add_checked_fixture(tc, test_setup, test_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, rotation_is_found, 0, 2 * N_TURNINGS);
	tcase_add_loop_test(tc, rotation_gains, 0, 2 * N_TURNINGS);
	tcase_add_loop_test(tc, noise_does_not_turn, 0, 2);
	tcase_add_loop_test(tc, means_turn_as_they_should, 0,
			    2 * (int)grid_n_turns);
	tcase_add_loop_test(tc, bytes_are_as_ever, 0, 4);
	tcase_add_loop_test(tc, large_tiles_come_back, 0, 10);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
