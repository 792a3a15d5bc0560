/* test_planes.c - what split16 and split32 must reach, and planes of bytes */
#include <check.h>
#include <errno.h>

#include "codec/codec.h"
#include "codec/entropy.h"
#include "codec/plane16.h"
#include "codec/plane32.h"
#include "codec/scratch.h"
#include "tests/unit/sample.h"

#define GUARD 0xa5

static const size_t lengths[] = { 0, 1, 15, 16, 17, 31, 32, 33, 100, 4096 };

#define N_LENGTHS ((int)(sizeof(lengths) / sizeof(lengths[0])))

START_TEST(split16_and_merge_are_inverse)
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

/* Plane 0: exponent; 1: sign, mantissa; 2 and 3: mantissa. */
START_TEST(split32_and_merge_are_inverse)
{
	size_t n = lengths[_i];
	struct shape s = { .elem = ELEM_F32, .rows = (uint32_t)n, .cols = 1 };
	auto_free uint8_t *src = malloc(4 * n + 1);
	auto_free uint8_t *back = malloc(4 * n + 1);
	auto_free uint8_t *at = malloc(PLANE32_N * (n + 1));
	uint8_t *plane[PLANE32_N];
	const uint8_t *in[PLANE32_N];

	sample_fill(SAMPLE_RANDOM, &s, src);
	back[4 * n] = GUARD;
	for (size_t p = 0; p < PLANE32_N; p++) {
		in[p] = plane[p] = at + p * (n + 1);
		plane[p][n] = GUARD;
	}
	plane32_split(src, n, plane);
	for (size_t i = 0; i < n; i++) {
		uint32_t v = load32(src + 4 * i);

		ck_assert_uint_eq(plane[0][i], v >> 23 & 255);
		ck_assert_uint_eq(plane[1][i],
				  (v >> 31) << 7 | (v >> 16 & 127));
		ck_assert_uint_eq(plane[2][i], v >> 8 & 255);
		ck_assert_uint_eq(plane[3][i], v & 255);
	}
	plane32_merge(in, n, back);
	ck_assert_mem_eq(src, back, 4 * n);
	for (size_t p = 0; p < PLANE32_N; p++)
		ck_assert_uint_eq(plane[p][n], GUARD);
	ck_assert_uint_eq(back[4 * n], GUARD);
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
	const struct codec *c =
	    codec_by_name(s->elem == ELEM_F32 ? "split32" : "split16");
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
		{ ELEM_F32, SAMPLE_NORMAL, 0.84 },
		{ ELEM_F32, SAMPLE_CONSTANT, 0.01 },
	};
	struct shape s = { .elem = rows[_i].elem, .rows = 512, .cols = 192 };
	auto_free uint8_t *src = malloc(shape_bytes(&s));

	sample_fill(rows[_i].kind, &s, src);
	ck_assert_double_le(share(&s, src), rows[_i].at_most);
}
END_TEST

/* Mantissa bits that are zero in every value since it had fewer once. */
START_TEST(takes_out_dead_mantissa_bits)
{
	static const struct {
		uint8_t elem;
		uint32_t mask;
		double at_most;
	} rows[] = {
		{ ELEM_F16, 0xfff8, 0.86 - 2.5 / 16 }, /* was bf16 */
		{ ELEM_F32, 0xffff0000, 11.0 / 32 },   /* was bf16 */
		{ ELEM_F32, 0xffffe000, 14.0 / 32 },   /* was f16 */
		{ ELEM_F32, 0xfffffff0, 23.5 / 32 },   /* some are left */
	};
	struct shape s = { .elem = rows[_i].elem, .rows = 512, .cols = 192 };
	size_t len = shape_bytes(&s), each = elem_bytes(s.elem);
	auto_free uint8_t *src = malloc(len);

	sample_fill(SAMPLE_NORMAL, &s, src);
	for (size_t i = 0; i < len; i++)
		src[i] &= (uint8_t)(rows[_i].mask >> 8 * (i % each));
	ck_assert_double_le(share(&s, src), rows[_i].at_most);
}
END_TEST

/* Lengths of low planes that say too much; each byte of the tile is there. */
START_TEST(refuses_forged_lengths)
{
	static const struct {
		unsigned plane;
		uint32_t len;
	} rows[] = {
		{ 0, 0 },   { 0, 1 },          { 0, 1023 }, { 0, 1025 },
		{ 1, 0 },   { 2, 0 },          { 2, 1023 }, { 2, 1025 },
		{ 2, ~0u }, { 0, 0x80000000 },
	};
	const struct codec *c = codec_by_name("split32");
	struct shape s = { .elem = ELEM_F32, .rows = 64, .cols = 16 };
	struct scratch *ws = scratch_new();
	uint8_t src[4096], dst[8192], back[4096];
	struct coded coded = { 0 };

	sample_fill(SAMPLE_NORMAL, &s, src);
	ck_assert_int_eq(c->encode(&s, src, ws, dst, sizeof(dst), &coded), 0);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_uint_eq(load32(dst + 4 * i), 1024);
	store32(dst + 4 * rows[_i].plane, rows[_i].len);

	uint32_t len = coded.len[LAYER_EXACT];
	auto_free uint8_t *tight = malloc(len);
	struct coded_view in = { .layer[LAYER_EXACT] = tight,
				 .len[LAYER_EXACT] = len,
				 .n_layers = N_LAYERS };

	memcpy(tight, dst, len);
	ck_assert_int_eq(c->decode(&s, &in, ws, back), -EBADMSG);
	scratch_free(ws);
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
	Suite *suite = suite_create("planes");
	TCase *tc = tcase_create("planes");

	tcase_add_loop_test(tc, split32_and_merge_are_inverse, 0, N_LENGTHS);
	tcase_add_loop_test(tc, split16_and_merge_are_inverse, 0, N_LENGTHS);
	tcase_add_loop_test(tc, columns_go_to_their_places, 0,
			    N_LENGTHS * N_LENGTHS);
	tcase_add_loop_test(tc, makes_tiles_small, 0, 7);
	tcase_add_loop_test(tc, takes_out_dead_mantissa_bits, 0, 4);
	tcase_add_loop_test(tc, refuses_forged_lengths, 0, 10);
	tcase_add_test(tc, codes_literals_alone);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
