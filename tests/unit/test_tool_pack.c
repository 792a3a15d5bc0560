/* test_tool_pack.c - the verbs pack and unpack: there, back, and part of it */
#include <math.h>

#include "fs/store/container.h"
#include "tests/unit/run.h"
#include "tests/unit/tool_kit.h"
#include "tools/prefix.h"

static const char *const codecs[] = { "grid", "split16", "auto" };
static const uint8_t elems[] = { ELEM_F16, ELEM_BF16 };

static struct container *open_container(void)
{
	struct container *c = NULL;
	int fd = open(tool_path("container"), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(container_open(&io_real, fd, &c), 0);
	return c;
}

static void assert_file(const char *name, const struct tool_file *want)
{
	struct tool_file got = tool_read(name);

	ck_assert_uint_eq(got.len, want->len);
	ck_assert(!memcmp(got.at, want->at, got.len));
	free(got.at);
}

static void pack_grid(const struct tool_file *plain)
{
	tool_write("plain", plain->at, plain->len);
	ck_assert_int_eq(TOOL(verb_pack, tool_path("plain"),
			      tool_path("container"), "--codec", "grid"),
			 0);
}

static void assert_there_and_back(const struct tool_file *plain,
				  const char *codec)
{
	tool_write("plain", plain->at, plain->len);
	ck_assert_int_eq(TOOL(verb_pack, tool_path("plain"),
			      tool_path("container"), "--codec", codec),
			 0);
	ck_assert_int_eq(
	    TOOL(verb_unpack, tool_path("container"), tool_path("out")), 0);
	assert_file("out", plain);
}

START_TEST(every_codec_gives_the_bytes_back)
{
	struct tool_file plain = tool_llama(elems[_i]);

	for (size_t i = 0; i < 3; i++) {
		assert_there_and_back(&plain, codecs[i]);

		struct container *c = open_container();

		ck_assert_int_eq(c->head.layer_mask,
				 i == 0 ? 0x3d : 1 << LAYER_EXACT);
		container_close(c);
	}
	free(plain.at);
}
END_TEST

START_TEST(files_of_no_known_layout_come_back)
{
	static uint8_t bytes[300000];
	uint64_t seed = 3;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i < 100000   ? i % 7
				     : i < 200000 ? 0
						  : run_random(&seed));
	for (size_t len = 0; len <= sizeof(bytes); len = len * 600 + 1) {
		struct tool_file f = { bytes, len };

		assert_there_and_back(&f, codecs[len % 3]);
	}
	struct tool_file whole = { bytes, sizeof(bytes) };

	assert_there_and_back(&whole, "grid");
}
END_TEST

static double value_of(uint8_t elem, const uint8_t *at)
{
	uint16_t h = load16(at);
	uint32_t bits = (uint32_t)h << 16;
	float f;

	if (elem == ELEM_BF16) {
		memcpy(&f, &bits, 4);
		return (double)f;
	}

	int exponent = h >> 10 & 31;
	double m = (h & 0x3ff) | (exponent ? 0x400 : 0);

	return ldexp(h >> 15 ? -m : m, (exponent ? exponent : 1) - 25);
}

/* Mean square error of an extent, as a share of the channels' variance. */
static double measured_error(const struct head_extent *e, const uint8_t *a,
			     const uint8_t *b)
{
	size_t rows = e->len / 2 / e->cols;
	double error = 0, variance = 0;

	for (uint32_t c = 0; c < e->cols; c++) {
		double sum = 0, squares = 0;

		for (size_t r = 4; r < rows; r++) {
			size_t at = e->off + 2 * (r * e->cols + c);
			double x = value_of(e->elem, a + at);
			double off = x - value_of(e->elem, b + at);

			sum += x;
			squares += x * x;
			error += off * off;
		}
		variance += squares - sum * sum / (double)(rows - 4);
	}
	return error / variance;
}

/* Opaque bytes are exact; K and V are as far off as the head says. */
static void assert_prefix(const struct head *h, const struct tool_file *plain,
			  unsigned layer)
{
	struct tool_file got;

	ck_assert_int_eq(TOOL(verb_unpack, "--layers", prefix_names[layer],
			      tool_path("container"), tool_path("out")),
			 0);
	got = tool_read("out");
	ck_assert_uint_eq(got.len, plain->len);
	for (uint32_t i = 0; i < h->n_extents; i++) {
		const struct head_extent *e = &h->extents[i];
		double stated = (double)e->error[layer];

		if (layer == LAYER_EXACT || e->role == ROLE_NONE) {
			ck_assert(!memcmp(got.at + e->off, plain->at + e->off,
					  e->len));
			continue;
		}
		double error = measured_error(e, plain->at, got.at);

		ck_assert_double_gt(error, 0.85 * stated);
		ck_assert_double_lt(error, 1.15 * stated);
	}
	free(got.at);
}

START_TEST(a_prefix_is_as_far_off_as_the_head_says)
{
	struct tool_file plain = tool_llama(elems[_i]);

	pack_grid(&plain);
	struct container *c = open_container();

	for (unsigned l = 0; l < N_LAYERS; l++)
		assert_prefix(&c->head, &plain, l);
	container_close(c);
	free(plain.at);
}
END_TEST

/* Of three tiles a tensor, the first is not recent. */
START_TEST(a_window_drops_the_older_tokens_first)
{
	struct tool_file plain = tool_llama(elems[_i]);

	tool_write("plain", plain.at, plain.len);
	ck_assert_int_eq(TOOL(verb_pack, tool_path("plain"),
			      tool_path("container"), "--codec", "grid",
			      "--window"),
			 0);
	struct container *c = open_container();
	const struct head *h = &c->head;

	ck_assert_uint_eq(head_version(h), 2);
	for (unsigned l = 0; l < N_LAYERS; l++)
		assert_prefix(h, &plain, l);
	for (uint32_t i = 0; i < h->n_extents; i++) {
		const struct head_extent *e = &h->extents[i];

		if (e->role == ROLE_NONE)
			continue;
		ck_assert(e->error[LAYER_WINDOW] < e->error[LAYER_HEAD]);
		ck_assert(e->error[LAYER_WINDOW] > e->error[LAYER_BASE]);
		ck_assert_uint_eq(head_recent(e), 1);
		for (uint32_t t = 0; t < 3; t++)
			ck_assert_int_eq(
			    h->tiles[e->first_tile + t].len[LAYER_BASE] == 0,
			    t > 0);
	}
	container_close(c);
	free(plain.at);
}
END_TEST

START_TEST(a_smaller_step_leaves_a_smaller_error)
{
	static const char *const steps[] = { "2.5", "1.08", "0.3" };
	struct tool_file plain = tool_llama(ELEM_F16);
	float before = 1e9f;

	tool_write("plain", plain.at, plain.len);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(TOOL(verb_pack, tool_path("plain"),
				      tool_path("container"), "--codec", "grid",
				      "--step", steps[i]),
				 0);
		struct container *c = open_container();
		float error = c->head.extents[1].error[LAYER_BASE];

		ck_assert(error > 0 && error < before / 2);
		before = error;
		container_close(c);
	}
	free(plain.at);
}
END_TEST

static int pack_profiled(const char *profile)
{
	tool_write("out", profile, strlen(profile));
	return TOOL(verb_pack, tool_path("plain"), tool_path("container"),
		    "--codec", "grid", "--profile", tool_path("out"));
}

#define PROFILE(cols)                                                          \
	"adaptcache-profile 1\nmodel 2 " cols " 1024\ndamage 1 1 1 1\n"        \
	"layer 0 k 0.5 1 v 1 1\nlayer 1 k 2 1 v 0.25 1\n"

START_TEST(a_profile_says_the_step_of_each_tensor)
{
	/* K of layers 0 and 1, V of both, against V of layer 0 */
	static const double step[] = { 0.5, 2, 1, 0.25 };
	struct tool_file plain = tool_llama(ELEM_F16);
	double error[4];

	tool_write("plain", plain.at, plain.len);
	free(plain.at);
	ck_assert_int_eq(pack_profiled(PROFILE("1024")), 0);
	struct container *c = open_container();

	for (uint32_t i = 0, n = 0; i < c->head.n_extents; i++)
		if (c->head.extents[i].role != ROLE_NONE)
			error[n++] =
			    (double)c->head.extents[i].error[LAYER_BASE];
	container_close(c);
	for (unsigned i = 0; i < 4; i++) {
		double ratio = sqrt(error[i] / error[2]) / step[i];

		/* steps are 9 or 12 times a power of two; 2 hits the clip */
		ck_assert_double_gt(ratio, 0.7);
		ck_assert_double_lt(ratio, 1.3);
	}
}
END_TEST

START_TEST(a_profile_of_another_model_is_refused)
{
	struct tool_file plain = tool_llama(ELEM_F16);

	tool_write("plain", plain.at, plain.len);
	free(plain.at);
	ck_assert_int_eq(pack_profiled(PROFILE("512")), 1);
	ck_assert_int_eq(pack_profiled("adaptcache-profile 1\n"), 1);
	ck_assert(!tool_exists("container"));
}
END_TEST

/* What has one layer is exact, whatever is asked. */
START_TEST(a_prefix_of_an_exact_codec_is_exact)
{
	struct tool_file plain = tool_llama(ELEM_BF16);

	assert_there_and_back(&plain, "split16");
	ck_assert_int_eq(TOOL(verb_unpack, tool_path("container"),
			      tool_path("out"), "--layers", "head"),
			 0);
	assert_file("out", &plain);
	free(plain.at);
}
END_TEST

/* Rows from ... to - 1 of a tensor; the status. */
static int unpack_rows(const char *layer, const char *role, const char *tokens,
		       const char *layers)
{
	return TOOL(verb_unpack, tool_path("container"), tool_path("out"),
		    "--layer", layer, "--role", role, "--tokens", tokens,
		    "--layers", layers);
}

/* Tiles are of 256 rows: within one, to its ends, across two, and all. */
START_TEST(rows_are_a_slice_of_the_whole)
{
	static const uint32_t T[][2] = {
		{ 0, 1 },     { 3, 9 },   { 255, 257 },
		{ 256, 512 }, { 0, 600 }, { 599, 600 }
	};
	static const char *const roles[] = { "K", "V" };
	struct tool_file plain = tool_llama(elems[_i]), whole, rows;
	size_t row = 2 * TOOL_COLS;
	char layer[12], tokens[32];

	pack_grid(&plain);
	for (unsigned l = 0; l < N_LAYERS; l += 2) {
		ck_assert_int_eq(TOOL(verb_unpack, tool_path("container"),
				      tool_path("out"), "--layers",
				      prefix_names[l]),
				 0);
		whole = tool_read("out");
		for (unsigned k = 0; k < 24; k++) {
			const uint32_t *t = T[k % 6];
			unsigned i = k / 6;

			snprintf(layer, sizeof(layer), "%u", i % TOOL_LAYERS);
			snprintf(tokens, sizeof(tokens), "%u:%u", t[0], t[1]);
			ck_assert_int_eq(unpack_rows(layer,
						     roles[i / TOOL_LAYERS],
						     tokens, prefix_names[l]),
					 0);
			rows = tool_read("out");
			ck_assert_uint_eq(rows.len, (t[1] - t[0]) * row);
			ck_assert(!memcmp(rows.at,
					  whole.at + tool_tensor(&whole, i) +
					      t[0] * row,
					  rows.len));
			free(rows.at);
		}
		free(whole.at);
	}
	free(plain.at);
}
END_TEST

START_TEST(rows_that_are_not_there_are_refused)
{
	static const struct {
		const char *layer, *role, *tokens;
		int status;
	} T[] = {
		{ "0", "K", "0:600", 0 },
		{ "0", "K", "0:601", 1 },
		{ "0", "K", "600:601", 1 },
		{ "2", "V", "0:1", 1 },
		{ "65535", "V", "0:1", 1 },
		{ "65536", "V", "0:1", 2 },
		{ "-1", "V", "0:1", 2 },
		{ "0", "Q", "0:1", 2 },
		{ "0", "V", "1:1", 2 },
		{ "0", "V", "2:1", 2 },
		{ "0", "V", "-1:1", 2 },
		{ "0", "V", "1", 2 },
		{ "0", "V", "0:1x", 2 },
		{ "0", "V", ":", 2 },
		{ "0", "V", "0:18446744073709551615", 1 },
		{ "0", "V", "0:18446744073709551616", 2 },
	};
	struct tool_file plain = tool_llama(ELEM_F16);

	pack_grid(&plain);
	for (size_t i = 0; i < sizeof(T) / sizeof(T[0]); i++) {
		unlink(tool_path("out"));
		ck_assert_int_eq(
		    unpack_rows(T[i].layer, T[i].role, T[i].tokens, "exact"),
		    T[i].status);
		ck_assert_int_eq(tool_exists("out"), T[i].status == 0);
	}
	ck_assert_int_eq(TOOL(verb_unpack, tool_path("container"),
			      tool_path("out"), "--tokens", "0:1"),
			 2);
	free(plain.at);
}
END_TEST

/* Only the tiles that hold the rows are read: the others may be damaged. */
START_TEST(rows_are_read_from_their_tiles_alone)
{
	struct tool_file plain = tool_llama(ELEM_F16), packed;

	pack_grid(&plain);
	struct container *c = open_container();
	const struct head *h = &c->head;
	uint32_t tile = h->extents[1].first_tile + 1; /* rows 256 to 511 */
	size_t at = h->section[LAYER_BASE].off + h->tiles[tile].off[LAYER_BASE];

	ck_assert_uint_eq(h->extents[1].role, ROLE_K);
	packed = tool_read("container");
	packed.at[at] ^= 1;
	tool_write("container", packed.at, packed.len);
	ck_assert_int_eq(unpack_rows("0", "K", "0:256", "exact"), 0);
	ck_assert_int_eq(unpack_rows("0", "K", "512:600", "exact"), 0);
	ck_assert_int_eq(unpack_rows("0", "K", "255:257", "exact"), 1);
	ck_assert_int_eq(unpack_rows("0", "K", "511:512", "base"), 1);
	ck_assert_int_eq(unpack_rows("0", "K", "511:512", "head"), 0);
	container_close(c);
	free(packed.at);
	free(plain.at);
}
END_TEST

/* A flaw in a layer is no matter to whoever stops before it. */
START_TEST(a_damaged_layer_is_found_when_it_is_read)
{
	struct tool_file plain = tool_llama(ELEM_F16), packed;

	pack_grid(&plain);
	struct container *c = open_container();
	size_t at = c->head.section[LAYER_REFINE1].off + 1000;

	container_close(c);
	packed = tool_read("container");
	packed.at[at] ^= 1;
	tool_write("container", packed.at, packed.len);
	for (unsigned l = 0; l < N_LAYERS; l++) {
		unlink(tool_path("out"));
		ck_assert_int_eq(TOOL(verb_unpack, tool_path("container"),
				      tool_path("out"), "--layers",
				      prefix_names[l]),
				 l >= LAYER_REFINE1);
		ck_assert_int_eq(tool_exists("out"), l < LAYER_REFINE1);
	}
	free(packed.at);
	free(plain.at);
}
END_TEST

START_TEST(bad_usage_is_2_and_failure_is_1)
{
	char *plain = tool_path("plain"), *none = tool_path("none");
	char *cont = tool_path("container"), *out = tool_path("out");

	tool_write("plain", "x", 1);
	ck_assert_int_eq(TOOL(verb_pack, plain), 2);
	ck_assert_int_eq(TOOL(verb_pack, plain, cont, out), 2);
	ck_assert_int_eq(TOOL(verb_pack, plain, cont, "--codec", "zstd"), 2);
	ck_assert_int_eq(TOOL(verb_pack, plain, cont, "--step", "9"), 2);
	ck_assert_int_eq(TOOL(verb_pack, plain, cont, "--step", "1x"), 2);
	ck_assert_int_eq(TOOL(verb_pack, plain, cont, "--nonsense"), 2);
	ck_assert_int_eq(TOOL(verb_pack, none, cont), 1);
	ck_assert_int_eq(TOOL(verb_pack, tool_dir, cont), 1);
	ck_assert(!tool_exists("container"));
	ck_assert_int_eq(TOOL(verb_profile, none), 1);
	ck_assert_int_eq(TOOL(verb_profile, plain), 1);
	ck_assert_int_eq(TOOL(verb_profile, "--fit", "a/b", plain), 2);
	ck_assert_int_eq(TOOL(verb_profile, "--fit", "a", none), 1);
	ck_assert_int_eq(TOOL(verb_profile, "--fit", "a", plain), 1);
	ck_assert_int_eq(TOOL(verb_unpack, plain), 2);
	ck_assert_int_eq(TOOL(verb_unpack, plain, out, "--layers", "some"), 2);
	ck_assert_int_eq(TOOL(verb_unpack, plain, out), 1);
	ck_assert(!tool_exists("out"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tool_pack");
	TCase *c = tcase_create("pack");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, tool_begin, tool_end);
	tcase_add_loop_test(c, every_codec_gives_the_bytes_back, 0, 2);
	tcase_add_test(c, files_of_no_known_layout_come_back);
	tcase_add_loop_test(c, a_prefix_is_as_far_off_as_the_head_says, 0, 2);
	tcase_add_loop_test(c, a_window_drops_the_older_tokens_first, 0, 2);
	tcase_add_test(c, a_smaller_step_leaves_a_smaller_error);
	tcase_add_test(c, a_profile_says_the_step_of_each_tensor);
	tcase_add_test(c, a_profile_of_another_model_is_refused);
	tcase_add_test(c, a_prefix_of_an_exact_codec_is_exact);
	tcase_add_test(c, a_damaged_layer_is_found_when_it_is_read);
	tcase_add_loop_test(c, rows_are_a_slice_of_the_whole, 0, 2);
	tcase_add_test(c, rows_that_are_not_there_are_refused);
	tcase_add_test(c, rows_are_read_from_their_tiles_alone);
	tcase_add_test(c, bad_usage_is_2_and_failure_is_1);
	suite_add_tcase(suite, c);
	return run_suite(suite);
}
