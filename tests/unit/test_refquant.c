/*
 * test_refquant.c - the reference schemes: blocks worked out by hand, the bits
 * that are published, bounds on the error, and matrices of every shape
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "codec/mem.h"
#include "tests/unit/run.h"
#include "tests/unit/sample.h"
#include "tools/ref_schemes.h"

#define ROWS 256u
#define COLS 64u

static uint8_t src[2 * ROWS * COLS], dst[2 * ROWS * COLS];
static float in[ROWS * COLS], out[ROWS * COLS];

static struct ref_matrix matrix(uint8_t role, uint32_t rows, uint32_t cols)
{
	return (struct ref_matrix){
		.src = src,
		.elem = ELEM_F16,
		.role = role,
		.rows = rows,
		.cols = cols,
		.head_dim = cols,
		.n_layers = 1,
	};
}

static struct ref_how how(const char *text)
{
	struct ref_how h;

	ck_assert_int_eq(ref_parse(text, &h), 0);
	return h;
}

/* in, through the scheme, to out; the bits. */
static uint64_t quantise(const char *text, const struct ref_matrix *m)
{
	struct ref_how h = how(text);
	size_t n = (size_t)m->rows * m->cols;
	uint64_t bits;

	ref_from_float(m->elem, in, n, src);
	ref_to_float(m->elem, src, n, in);
	ck_assert_int_eq(ref_quantise(&h, m, dst, &bits), 0);
	ref_to_float(m->elem, dst, n, out);
	return bits;
}

static void normal(const struct ref_matrix *m)
{
	struct shape s = { .elem = m->elem, .rows = m->rows, .cols = m->cols };

	sample_normal(&s, src);
	ref_to_float(m->elem, src, (size_t)m->rows * m->cols, in);
}

START_TEST(names_are_read)
{
	static const struct {
		const char *text;
		int r;
		double x;
		bool sinks;
	} T[] = {
		{ "q4_0", 0, 0, false },
		{ "q4_0+sinks", 0, 0, true },
		{ "kivi2", 0, 128, false },
		{ "kivi2:64+sinks", 0, 64, true },
		{ "window", 0, 0.5, true },
		{ "window:0.25", 0, 0.25, true },
		{ "cachegen:2", 0, 2, false },
		{ "q4_0:1", -EINVAL, 0, false },
		{ "q4", -EINVAL, 0, false },
		{ "q4_0x", -EINVAL, 0, false },
		{ "q4_0+sink", -EINVAL, 0, false },
		{ "window:1.5", -EINVAL, 0, false },
		{ "window:", -EINVAL, 0, false },
		{ "window:nan", -EINVAL, 0, false },
		{ "", -EINVAL, 0, false },
	};

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++) {
		struct ref_how h;

		ck_assert_int_eq(ref_parse(T[i].text, &h), T[i].r);
		if (T[i].r)
			continue;
		ck_assert_double_eq(h.x, T[i].x);
		ck_assert_int_eq(h.sinks, T[i].sinks);
	}
}
END_TEST

START_TEST(sixteen_bits_go_to_floats_and_back)
{
	static const uint8_t elems[] = { ELEM_F16, ELEM_BF16 };

	for (size_t e = 0; e < 2; e++)
		for (uint32_t h = 0; h < 65536; h++) {
			uint32_t top = elems[e] == ELEM_F16 ? 0x7c00 : 0x7f80;
			uint8_t bytes[2], back[2];
			float f;

			store16(bytes, (uint16_t)h);
			ref_to_float(elems[e], bytes, 1, &f);
			ref_from_float(elems[e], &f, 1, back);
			if ((h & top) == top)
				h |= top | 0x1ff; /* on to the next that is */
			else if (memcmp(bytes, back, 2))
				ck_abort_msg("%04x comes back as %02x%02x", h,
					     back[1], back[0]);
		}
	ck_assert(ref_f16(1.0f + 0x1p-11f) == 1.0f); /* ties to even */
	ck_assert(ref_f16(1.0f + 0x1.8p-10f) == 1.0f + 0x1p-9f);
	ck_assert(ref_f16(0x1p-25f) == 0 && ref_f16(0x1.8p-24f) == 0x1p-23f);
	ck_assert(ref_f16(1e9f) == 65504.0f && ref_f16(-1e9f) == -65504.0f);
}
END_TEST

/* Blocks whose values are whole steps: nothing is lost. */
START_TEST(whole_steps_are_exact)
{
	static const struct {
		const char *scheme;
		int from, n; /* from ... from + n - 1, over and over */
		uint64_t bits;
	} T[] = {
		{ "q8_0", -127, 255, 34 * 8 }, { "q5_0", -16, 32, 22 * 8 },
		{ "q4_0", -8, 16, 18 * 8 },    { "kivi4:0", 3, 16, 20 * 8 },
		{ "kivi2:0", -1, 4, 12 * 8 },
	};
	static const uint8_t roles[] = { ROLE_K, ROLE_V };

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++)
		for (size_t k = 0; k < 2; k++) {
			/* one group: of a token, or of a channel */
			bool column =
			    roles[k] == ROLE_K && T[i].scheme[0] == 'k';
			struct ref_matrix m =
			    matrix(roles[k], column ? 32 : 1, column ? 1 : 32);

			for (int v = 0; v < 32; v++)
				in[v] = 0.25f * (float)(T[i].from +
							v * 8 % 255 % T[i].n);
			in[31] = 0.25f * (float)T[i].from;
			in[30] = 0.25f * (float)(T[i].from + T[i].n - 1);
			ck_assert_uint_eq(quantise(T[i].scheme, &m), T[i].bits);
			for (int v = 0; v < 32; v++)
				ck_assert_float_eq(in[v], out[v]);
		}
}
END_TEST

/* The largest is +8 steps of -1: what lies 8 below zero is out of reach. */
START_TEST(a_block_of_q4_0_by_hand)
{
	static const float v[8] = { 8, -8, -7, 7, 0, 0.4f, 0.6f, -3.4f };
	static const float want[8] = { 8, -7, -7, 7, 0, 0, 1, -3 };
	struct ref_matrix m = matrix(ROLE_V, 1, 32);

	memset(in, 0, sizeof(in));
	memcpy(in, v, sizeof(v));
	quantise("q4_0", &m);
	for (int i = 0; i < 32; i++)
		ck_assert_float_eq(out[i], i < 8 ? want[i] : 0);
}
END_TEST

/* 0 ... 3 in steps of 1: 0.4 and 2.6 go to the nearest. */
START_TEST(a_group_of_kivi_by_hand)
{
	struct ref_matrix k = matrix(ROLE_K, 64, 2);

	for (uint32_t r = 0; r < 64; r++) {
		in[2 * r] = r == 0 ? 0 : r == 31 ? 3 : r % 2 ? 0.4f : 2.6f;
		in[2 * r + 1] = r < 32 ? 5 : (float)(r % 4) * 10;
	}
	/* 4 groups of 32: two channels, twice 32 tokens */
	ck_assert_uint_eq(quantise("kivi2:0", &k), 4 * (32 + 64));
	for (uint32_t r = 0; r < 64; r++) {
		if (r < 32)
			ck_assert_float_eq(out[2 * r], roundf(in[2 * r]));
		ck_assert_float_eq(out[2 * r + 1], in[2 * r + 1]);
	}
}
END_TEST

START_TEST(bits_are_those_published)
{
	static const struct {
		const char *scheme;
		double bits; /* a value of 256 tokens of 64 channels */
	} T[] = {
		{ "q8_0", 8.5 },
		{ "q5_0", 5.5 },
		{ "q4_0", 4.5 },
		{ "q4_0-had", 4.5 },
		{ "kivi4:0", 5 },
		{ "kivi2:0", 3 },
		{ "kivi4", (5 + 16) / 2. }, /* 128 of 256 exact */
		{ "kivi2:64", (3 * 3 + 16) / 4. },
		{ "kivi2:999", 16 },
		{ "q4_0+sinks", (252 * 4.5 + 4 * 16) / 256 },
		/* 128 + 4 tokens exact, and 16 bits a channel */
		{ "window", (132 * 16 + 16) / 256. },
		{ "window:1", 16 },
	};

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++)
		for (uint8_t role = ROLE_K; role <= ROLE_V; role++) {
			struct ref_matrix m = matrix(role, ROWS, COLS);

			normal(&m);
			ck_assert_double_eq_tol(
			    (double)quantise(T[i].scheme, &m) / (ROWS * COLS),
			    T[i].bits, 1e-9);
		}
}
END_TEST

static float span(const float *v, uint32_t n, uint32_t stride, bool absolute)
{
	float lo = absolute ? 0 : INFINITY, hi = absolute ? 0 : -INFINITY;

	for (uint32_t i = 0; i < n; i++) {
		float x = absolute ? fabsf(v[i * stride]) : v[i * stride];

		lo = fminf(lo, x);
		hi = fmaxf(hi, x);
	}
	return hi - lo;
}

/* No value is further off than its group's step allows. */
START_TEST(errors_are_within_a_step)
{
	static const struct {
		const char *scheme;
		bool absolute;
		float steps, most; /* of the span, and how many of them off */
	} T[] = {
		{ "q8_0", true, 127, 0.63f },   { "q5_0", true, 16, 1.01f },
		{ "q4_0", true, 8, 1.01f },     { "kivi4:0", false, 15, 0.52f },
		{ "kivi2:0", false, 3, 0.51f },
	};

	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++)
		for (uint8_t role = ROLE_K; role <= ROLE_V; role++) {
			struct ref_matrix m = matrix(role, ROWS, COLS);
			bool column = role == ROLE_K && !T[i].absolute;

			normal(&m);
			quantise(T[i].scheme, &m);
			for (uint32_t v = 0; v < ROWS * COLS; v++) {
				uint32_t r = v / COLS, c = v % COLS;
				uint32_t at = column ? r / 32 * 32 * COLS + c
						     : v / 32 * 32;
				float step =
				    span(in + at, 32, column ? COLS : 1,
					 T[i].absolute) /
				    T[i].steps;

				if (fabsf(in[v] - out[v]) > T[i].most * step)
					ck_abort_msg("%s at %u", T[i].scheme,
						     v);
			}
		}
}
END_TEST

static double squares(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
	return sum;
}

/* A head that is constant has one coefficient; one outlier is spread. */
START_TEST(a_rotation_spreads_an_outlier)
{
	struct ref_matrix m = matrix(ROLE_K, ROWS, COLS);
	double plain;

	for (size_t i = 0; i < ROWS * COLS; i++)
		in[i] = 1.5f;
	quantise("q4_0-had", &m);
	for (size_t i = 0; i < ROWS * COLS; i++)
		ck_assert_float_eq_tol(out[i], 1.5f, 0.001f);

	normal(&m);
	for (uint32_t r = 0; r < ROWS; r++)
		in[r * COLS + 11] *= 30;
	quantise("q4_0", &m);
	plain = squares(in, out, ROWS * COLS);
	quantise("q4_0-had", &m);
	ck_assert_double_lt(squares(in, out, ROWS * COLS), plain / 2);
}
END_TEST

START_TEST(exact_rows_are_exact)
{
	for (unsigned i = 0; ref_scheme_at(i); i++) {
		struct ref_matrix m = matrix(ROLE_V, ROWS, COLS);
		size_t sinks = (size_t)2 * REF_SINKS * COLS;
		size_t half = sizeof(src) / 2;
		char name[32];

		snprintf(name, sizeof(name), "%s+sinks",
			 ref_scheme_at(i)->name);
		normal(&m);
		quantise(name, &m);
		ck_assert(!memcmp(src, dst, sinks));
		ck_assert(
		    memcmp(src + sinks, dst + sinks, sizeof(src) - sinks));
		if (ref_scheme_at(i)->tail)
			ck_assert(!memcmp(src + half, dst + half, half));
	}
}
END_TEST

START_TEST(a_dropped_token_reads_as_the_mean)
{
	struct ref_matrix m = matrix(ROLE_K, 20, 2);

	for (uint32_t r = 0; r < 20; r++) {
		in[2 * r] = (float)r;
		in[2 * r + 1] = r % 2 ? 1 : -1;
	}
	quantise("window:0.3", &m); /* 6 of 20 */
	for (uint32_t r = 0; r < 20; r++) {
		bool dropped = r >= 4 && r < 14;

		ck_assert_float_eq(out[2 * r], dropped ? 8.5f : in[2 * r]);
		ck_assert_float_eq(out[2 * r + 1], dropped ? 0 : in[2 * r + 1]);
	}
}
END_TEST

/* Counts that start at 1/2, one symbol after the other. */
static double adaptive(const int *symbols, int n, int n_symbols)
{
	double count[16], sum = 0.5 * n_symbols, bits = 0;

	for (int s = 0; s < n_symbols; s++)
		count[s] = 0.5;
	for (int i = 0; i < n; i++, sum++) {
		bits -= log2(count[symbols[i]] / sum);
		count[symbols[i]]++;
	}
	return bits;
}

/*
 * One channel of 40 tokens: anchors of 0, so that a difference is the value.
 * 36 values of -1, 0 or 1 steps; the step follows from the deviation.
 */
START_TEST(cachegen_counts_what_a_coder_spends)
{
	struct ref_matrix m = matrix(ROLE_K, 40, 1);
	int symbols[36], n = 0;
	double all = 0, want;

	for (int r = 0; r < 40; r++) {
		int s = r % 10 == 0 ? 0 : r % 10 <= 3 ? 1 : r % 3 ? 0 : -1;

		in[r] = (float)s;
		if (r % 10)
			symbols[n++] = s + 1;
	}
	for (int r = 0; r < 40; r++)
		all += (double)in[r];
	all = 40 * squares(in, (float[40]){ 0 }, 40) - all * all;

	char name[32];
	/* bins of half a deviation, times this, are 1 */
	snprintf(name, sizeof(name), "cachegen:%.9f", 2 / sqrt(all / 1600));
	want = adaptive(symbols, 36, 3) + 32; /* least and largest */
	want += 4 * 8 < adaptive((int[4]){ 0 }, 4, 1) + 32
		    ? 4 * 8
		    : adaptive((int[4]){ 0 }, 4, 1) + 32;
	ck_assert_uint_eq(quantise(name, &m),
			  32 + 4 * 16 + (uint64_t)ceil(want + 1));
	for (int r = 0; r < 40; r++)
		ck_assert_float_eq_tol(out[r], in[r], 0.001f);
}
END_TEST

START_TEST(cachegen_trades_bits_for_error)
{
	struct ref_matrix m = matrix(ROLE_K, ROWS, COLS);
	uint64_t bits[3];
	double error[3];
	static const char *const names[] = { "cachegen:0.25", "cachegen",
					     "cachegen:4" };

	m.n_layers = 3;
	for (int i = 0; i < 3; i++) {
		normal(&m);
		bits[i] = quantise(names[i], &m);
		error[i] = squares(in, out, ROWS * COLS);
	}
	ck_assert(bits[0] > bits[1] && bits[1] > bits[2]);
	ck_assert(error[0] < error[1] && error[1] < error[2]);
	for (m.layer = 0; m.layer < 3; m.layer++)
		bits[m.layer] = quantise("cachegen", &m);
	ck_assert(bits[0] > bits[1] && bits[1] > bits[2]);
}
END_TEST

/* Ragged groups, fewer rows than are exact, and values that are no numbers. */
START_TEST(every_shape_and_value_is_taken)
{
	static const struct {
		uint32_t rows, cols;
	} T[] = { { 1, 1 },   { 3, 7 },   { 4, 33 },   { 5, 31 },
		  { 33, 96 }, { 127, 3 }, { 131, 48 }, { 256, 64 } };
	static const uint8_t elems[] = { ELEM_F16, ELEM_BF16 };
	const struct ref_scheme *s;

	for (unsigned i = 0; (s = ref_scheme_at(i)); i++)
		for (size_t k = 0; k < sizeof(T) / sizeof(T[0]) * 24; k++) {
			struct ref_matrix m =
			    matrix(k / 8 % 2 ? ROLE_K : ROLE_V, T[k % 8].rows,
				   T[k % 8].cols);
			struct shape shape = { .rows = m.rows, .cols = m.cols };
			enum sample_kind kind = (enum sample_kind)(k / 32);
			struct ref_how h = { s, s->x, k % 2 };
			size_t n = (size_t)m.rows * m.cols;
			uint64_t bits;

			m.elem = shape.elem = elems[k / 16 % 2];
			sample_fill(kind, &shape, src);
			ck_assert_int_eq(ref_quantise(&h, &m, dst, &bits), 0);
			ck_assert(bits > 0 && bits < 272 * n + 300);
			ref_to_float(m.elem, src, n, in);
			ref_to_float(m.elem, dst, n, out);
			for (size_t v = 0; kind == SAMPLE_CONSTANT && v < n;
			     v++)
				ck_assert(fabsf(in[v] - out[v]) <=
					  0.51f * fabsf(in[v]));
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refquant");
	TCase *c = tcase_create("refquant");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, names_are_read);
	tcase_add_test(c, sixteen_bits_go_to_floats_and_back);
	tcase_add_test(c, whole_steps_are_exact);
	tcase_add_test(c, a_block_of_q4_0_by_hand);
	tcase_add_test(c, a_group_of_kivi_by_hand);
	tcase_add_test(c, bits_are_those_published);
	tcase_add_test(c, errors_are_within_a_step);
	tcase_add_test(c, a_rotation_spreads_an_outlier);
	tcase_add_test(c, exact_rows_are_exact);
	tcase_add_test(c, a_dropped_token_reads_as_the_mean);
	tcase_add_test(c, cachegen_counts_what_a_coder_spends);
	tcase_add_test(c, cachegen_trades_bits_for_error);
	tcase_add_test(c, every_shape_and_value_is_taken);
	suite_add_tcase(suite, c);
	return run_suite(suite);
}
