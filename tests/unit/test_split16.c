/* test_split16.c - what split16 must reach, and its two planes of bytes */
#include <check.h>
#include <errno.h>

#include "codec/codec.h"
#include "codec/entropy.h"
#include "codec/plane16.h"
#include "codec/scratch.h"
#include "tests/unit/sample.h"

#define GUARD 0xa5

static const size_t lengths[] = { 0, 1, 15, 16, 17, 31, 32, 33, 100, 4096 };

#define N_LENGTHS ((int)(sizeof(lengths) / sizeof(lengths[0])))

START_TEST(split_and_merge_are_inverse)
{
	size_t n = lengths[_i];
	struct shape s = { .elem = ELEM_F16, .rows = (uint32_t)n, .cols = 1 };
	auto_free uint8_t *src = malloc(2 * n + 1);
	auto_free uint8_t *back = malloc(2 * n + 1);
	auto_free uint8_t *high = malloc(n + 1);
	auto_free uint8_t *low = malloc(n + 1);

	sample_fill(SAMPLE_RANDOM, &s, src);
	high[n] = low[n] = back[2 * n] = GUARD;
	plane16_split(src, n, high, low);
	for (size_t i = 0; i < n; i++) {
		unsigned v = load16(src + 2 * i);

		ck_assert_uint_eq(high[i], v >> 7 & 255);
		ck_assert_uint_eq(low[i], (v << 1 & 255) | v >> 15);
	}
	plane16_merge(high, low, n, back);
	ck_assert_mem_eq(src, back, 2 * n);
	ck_assert_uint_eq(high[n], GUARD);
	ck_assert_uint_eq(low[n], GUARD);
	ck_assert_uint_eq(back[2 * n], GUARD);
}
END_TEST

START_TEST(columns_go_to_their_places)
{
	size_t rows = lengths[_i / N_LENGTHS];
	size_t cols = lengths[_i % N_LENGTHS];
	size_t n = rows * cols;
	uint64_t seed = (uint64_t)_i;

	if (n > 65536)
		return;

	auto_free uint32_t *place = malloc(cols * sizeof(*place) + 1);
	auto_free uint8_t *src = calloc(1, n + 1);
	auto_free uint8_t *dst = calloc(1, n + 1);
	auto_free uint8_t *back = calloc(1, n + 1);

	for (size_t c = 0; c < cols; c++)
		place[c] = (uint32_t)(cols - 1 - c);
	for (size_t i = 0; i < n; i++)
		src[i] = (uint8_t)run_random(&seed);
	dst[n] = back[n] = GUARD;

	plane16_to_columns(src, rows, cols, place, dst);
	for (size_t i = 0; i < n; i++)
		if (src[i] != dst[place[i % cols] * rows + i / cols])
			ck_abort_msg("%zu x %zu at %zu", rows, cols, i);
	plane16_from_columns(dst, rows, cols, place, back);
	ck_assert_mem_eq(src, back, n);
	ck_assert_uint_eq(dst[n], GUARD);
	ck_assert_uint_eq(back[n], GUARD);
}
END_TEST

/* Bytes of a tile as a share of the plain ones; 1 when over budget. */
static double share(const struct shape *s, const uint8_t *src)
{
	const struct codec *c = codec_by_name("split16");
	struct scratch *ws = scratch_new();
	size_t len = shape_bytes(s);
	auto_free uint8_t *dst = malloc(len);
	struct coded coded = { 0 };
	int r = c->encode(s, src, ws, dst, len, &coded);

	scratch_free(ws);
	return r < 0 ? 1 : (double)coded.len[LAYER_EXACT] / (double)len;
}

START_TEST(makes_tiles_small)
{
	static const struct {
		uint8_t elem;
		enum sample_kind kind;
		double at_most;
	} rows[] = {
		{ ELEM_F16, SAMPLE_NORMAL, 0.86 },
		{ ELEM_BF16, SAMPLE_NORMAL, 0.68 },
		{ ELEM_F16, SAMPLE_ZEROS, 0.01 },
		{ ELEM_F16, SAMPLE_CONSTANT, 0.01 },
		{ ELEM_BF16, SAMPLE_SPECIALS, 0.5 },
	};
	struct shape s = { .elem = rows[_i].elem, .rows = 512, .cols = 192 };
	auto_free uint8_t *src = malloc(shape_bytes(&s));

	sample_fill(rows[_i].kind, &s, src);
	ck_assert_double_le(share(&s, src), rows[_i].at_most);
}
END_TEST

/* f16 that was bf16 once: three bits of mantissa are zero in every value. */
START_TEST(takes_out_dead_mantissa_bits)
{
	struct shape s = { .elem = ELEM_F16, .rows = 512, .cols = 192 };
	size_t len = shape_bytes(&s);
	auto_free uint8_t *src = malloc(len);

	sample_fill(SAMPLE_NORMAL, &s, src);
	for (size_t i = 0; i < len; i += 2)
		src[i] &= 0xf8;
	ck_assert_double_le(share(&s, src), 0.86 - 2.5 / 16);
}
END_TEST

START_TEST(codes_literals_alone)
{
	struct scratch *ws = scratch_new();
	uint8_t src[4096], dst[8192], back[4096];
	uint64_t seed = 3;
	size_t len = 0;

	/* Four even symbols: two bits each, and a table. */
	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(run_random(&seed) % 4 * 60);
	ck_assert(!entropy_is_noise(src, sizeof(src)));
	ck_assert_int_eq(
	    entropy_encode(ws, src, sizeof(src), dst, sizeof(dst), &len), 0);
	ck_assert_uint_le(len, sizeof(src) / 4 + 64);
	ck_assert_int_eq(entropy_decode(ws, dst, len, back, sizeof(back)), 0);
	ck_assert_mem_eq(src, back, sizeof(src));
	ck_assert_int_eq(entropy_decode(ws, dst, len, back, sizeof(back) - 1),
			 -EBADMSG);
	scratch_free(ws);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("split16");
	TCase *tc = tcase_create("split16");

	tcase_add_loop_test(tc, split_and_merge_are_inverse, 0, N_LENGTHS);
	tcase_add_loop_test(tc, columns_go_to_their_places, 0,
			    N_LENGTHS * N_LENGTHS);
	tcase_add_loop_test(tc, makes_tiles_small, 0, 5);
	tcase_add_test(tc, takes_out_dead_mantissa_bits);
	tcase_add_test(tc, codes_literals_alone);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
