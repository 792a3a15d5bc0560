/* test_head.c - heads come back, and what is forged is refused */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <xxhash.h>

#include "codec/head.h"
#include "codec/mem.h"
#include "tests/unit/run.h"

#define EXTENT_BYTES  40u /* of version 1; each layer more takes 4 */
#define AT_EXTENT(i)  (HEAD_FIXED_BYTES + EXTENT_BYTES * (i))
#define AT_EXTENT2(i) (HEAD_FIXED_BYTES + (EXTENT_BYTES + 4) * (i))
#define AT_TABLE_SUM  144u
#define AT_HEAD_SUM   152u
#define LAYER_TOO_BIG (TILE_MAX_BYTES + 65537u)

/* Bytes that head.c asked for at once, at most; the linker sends them here. */
static size_t largest;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	if (n * size > largest)
		largest = n * size;
	return __real_calloc(n, size);
}

/* A parsed tile takes 32 times the 4 bytes that one without layers has. */
#define LARGEST_SHARE 33u

/* What the tests know of a head: extents, and which layers its tiles have. */
static void fill_tiles(struct head *h, uint8_t mask, uint64_t *seed)
{
	for (uint32_t t = 0; t < h->n_tiles; t++) {
		h->tiles[t].codec = (uint8_t)run_random(seed);
		for (unsigned l = 0; l < N_LAYERS; l++) {
			if (!(mask & 1u << l))
				continue;
			h->tiles[t].len[l] = run_random(seed) % 70000;
			h->tiles[t].sum[l] = run_random(seed) * 0x100000001ull;
		}
	}
	if (h->n_tiles)
		for (unsigned l = 0; l < N_LAYERS; l++)
			h->tiles[0].len[l] += !!(mask & 1u << l);
	for (uint32_t i = 0; mask & 1u << LAYER_WINDOW && i < h->n_extents; i++)
		h->extents[i].error[LAYER_WINDOW] = 0.5f;
	head_place(h);
}

static void add_extent(struct head *h, uint8_t elem, uint32_t cols,
		       uint32_t rows, uint32_t tile_rows)
{
	uint32_t n = h->n_extents++;

	h->extents[n] = (struct head_extent){
		.len = (uint64_t)rows * cols * elem_bytes(elem),
		.elem = elem,
		.role = (uint8_t)(n % 3),
		.model_layer = (uint16_t)(n * 257),
		.cols = cols,
		.tile_rows = tile_rows,
		.error = { 1, 1, 0.25f, 0.0625f, 1e-30f, 0 },
	};
	h->logical_size += h->extents[n].len;
}

/*
 * Two extents, five tiles, two layers, or four with a window: what the
 * forgeries start from.
 */
static void make_sample(struct head *h, unsigned version)
{
	uint64_t seed = 3;

	*h = (struct head){ .entry_id = 77, .layout = 1 };
	h->extents = calloc(2, sizeof(*h->extents));
	add_extent(h, ELEM_U8, 1, 1000, 400);
	add_extent(h, ELEM_F16, 16, 100, 64);
	ck_assert_int_eq(head_cut(h), 0);
	fill_tiles(h, version > 1 ? 0x27 : 1u << LAYER_BASE | 1u << LAYER_EXACT,
		   &seed);
	ck_assert_uint_eq(head_version(h), version);
}

static uint8_t *pack(const struct head *h, size_t *ret_len)
{
	uint8_t *b = malloc(head_bytes(h));

	*ret_len = head_bytes(h);
	head_pack(h, b);
	return b;
}

/* Makes both sums right again. */
static void seal(uint8_t *b, size_t len)
{
	store64(b + AT_TABLE_SUM,
		XXH3_64bits(b + HEAD_FIXED_BYTES, len - HEAD_FIXED_BYTES));
	store64(b + AT_HEAD_SUM, XXH3_64bits(b, AT_HEAD_SUM));
}

/* Parses a copy of just this size, so that a sanitizer sees its end. */
static int parse(const uint8_t *b, size_t len, struct head *ret)
{
	auto_free uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, b, len);
	largest = 0;
	int r = head_parse(copy, len, ret);
	if (largest > LARGEST_SHARE * len + 256)
		ck_abort_msg("%zu bytes for a head of %zu", largest, len);
	return r;
}

static int refused(const uint8_t *b, size_t len)
{
	struct head h = { 0 };
	int r = parse(b, len, &h);

	if (r == 0)
		head_done(&h);
	return r;
}

static bool extents_equal(const struct head_extent *a,
			  const struct head_extent *b)
{
	return a->off == b->off && a->len == b->len && a->elem == b->elem &&
	       a->role == b->role && a->model_layer == b->model_layer &&
	       a->cols == b->cols && a->tile_rows == b->tile_rows &&
	       a->first_tile == b->first_tile &&
	       !memcmp(a->error, b->error, sizeof(a->error));
}

static bool tiles_equal(const struct head_tile *a, const struct head_tile *b)
{
	return a->extent == b->extent && a->codec == b->codec &&
	       !memcmp(a->len, b->len, sizeof(a->len)) &&
	       !memcmp(a->off, b->off, sizeof(a->off)) &&
	       !memcmp(a->sum, b->sum, sizeof(a->sum));
}

static void check_equal(const struct head *a, const struct head *b)
{
	ck_assert_uint_eq(a->logical_size, b->logical_size);
	ck_assert_uint_eq(a->entry_id, b->entry_id);
	ck_assert_uint_eq(a->file_len, b->file_len);
	ck_assert_uint_eq(a->n_extents, b->n_extents);
	ck_assert_uint_eq(a->n_tiles, b->n_tiles);
	ck_assert_uint_eq(a->layout, b->layout);
	ck_assert_uint_eq(a->layer_mask, b->layer_mask);
	ck_assert_mem_eq(a->section, b->section, sizeof(a->section));
	for (uint32_t i = 0; i < a->n_extents; i++)
		ck_assert(extents_equal(&a->extents[i], &b->extents[i]));
	for (uint32_t t = 0; t < a->n_tiles; t++)
		ck_assert(tiles_equal(&a->tiles[t], &b->tiles[t]));
}

/* The tiles lie one behind the other and are found again. */
static void check_tiles(const struct head *h)
{
	uint64_t off = 0;

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		struct shape s = head_shape(h, t);

		ck_assert_uint_eq(head_tile_off(h, t), off);
		ck_assert_uint_eq(head_tile_at(h, off), t);
		off += shape_bytes(&s);
		ck_assert_uint_eq(head_tile_at(h, off - 1), t);
	}
	ck_assert_uint_eq(off, h->logical_size);
}

/* Sections lie behind the head, on blocks, in the order of their layers. */
static void check_sections(const struct head *h)
{
	uint64_t end = head_bytes(h);

	for (unsigned l = 0; l < N_LAYERS; l++) {
		if (!h->section[l].len)
			continue;
		ck_assert_uint_eq(h->section[l].off % HEAD_ALIGN, 0);
		ck_assert_uint_ge(h->section[l].off, end);
		end = h->section[l].off + h->section[l].len;
		ck_assert_uint_le(head_layers_present(h, end - 1), l);
	}
	ck_assert_uint_eq(h->file_len, end);
	ck_assert_uint_eq(head_layers_present(h, end), N_LAYERS);
}

/* Loops over every mask of layers; each time other extents. */
START_TEST(what_is_packed_is_parsed)
{
	uint64_t seed = (uint64_t)_i + 1;

	for (uint32_t n = 0; n < 24; n++) {
		struct head h = { .entry_id = seed, .layout = (uint8_t)n };
		struct head back;
		size_t len;

		h.extents = calloc(n ? n : 1, sizeof(*h.extents));
		while (h.n_extents < n) {
			uint8_t elem = run_random(&seed) % 4;
			uint32_t cols = 1 + run_random(&seed) % 300;

			add_extent(&h, elem, elem ? cols : 1,
				   1 + run_random(&seed) % 3000,
				   1 + run_random(&seed) % 700);
		}
		ck_assert_int_eq(head_cut(&h), 0);
		fill_tiles(&h, (uint8_t)_i, &seed);

		auto_free uint8_t *b = pack(&h, &len);
		ck_assert_int_eq(parse(b, len, &back), 0);
		check_equal(&h, &back);
		check_tiles(&back);
		check_sections(&back);
		head_done(&h);
		head_done(&back);
	}
}
END_TEST

/* _i: the version, less 1. */
START_TEST(the_brief_says_what_the_head_says)
{
	struct head_brief brief;
	struct head h;
	size_t len;

	make_sample(&h, (unsigned)_i + 1);
	auto_free uint8_t *b = pack(&h, &len);
	ck_assert_int_eq(head_parse_brief(b, HEAD_FIXED_BYTES, &brief), 0);
	ck_assert_uint_eq(brief.head_len, len);
	ck_assert_uint_eq(brief.logical_size, h.logical_size);
	ck_assert_uint_eq(brief.entry_id, 77);
	ck_assert_uint_eq(brief.file_len, h.file_len);
	ck_assert_int_eq(brief.layered, _i);
	ck_assert_uint_eq(brief.least_len,
			  _i ? head_layers_bytes(&h, LAYER_HEAD + 1)
			     : h.file_len);
	head_done(&h);
}
END_TEST

START_TEST(every_length_but_its_own_is_refused)
{
	struct head h;
	size_t len;

	make_sample(&h, (unsigned)_i + 1);
	auto_free uint8_t *b = pack(&h, &len);
	for (size_t n = 0; n < len; n++)
		if (refused(b, n) != -EBADMSG)
			ck_abort_msg("%zu of %zu bytes", n, len);
	b = realloc(b, len + 1);
	b[len] = 0;
	ck_assert_int_eq(refused(b, len + 1), -EBADMSG);
	head_done(&h);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
	struct head h;
	size_t len;

	make_sample(&h, (unsigned)_i + 1);
	auto_free uint8_t *b = pack(&h, &len);
	for (size_t i = 0; i < 8 * len; i++) {
		bool version = i / 8 >= 8 && i / 8 < 12;
		int want = version ? -EOPNOTSUPP : -EBADMSG;

		b[i / 8] ^= (uint8_t)(1u << i % 8);
		if (refused(b, len) != want)
			ck_abort_msg("bit %zu of byte %zu", i % 8, i / 8);
		b[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	ck_assert_int_eq(refused(b, len), 0);
	head_done(&h);
}
END_TEST

/* One field of the sample set to a value, the sums made right again. */
static const struct forgery {
	const char *label;
	unsigned at, bytes;
	uint64_t value;
} forgeries[] = {
	{ "head_len below the fixed part", 12, 4, 159 },
	{ "head_len of the fixed part", 12, 4, 160 },
	{ "head_len, all ones", 12, 4, UINT32_MAX },
	{ "an empty file with extents", 16, 8, 0 },
	{ "a byte less", 16, 8, 4199 },
	{ "a byte more", 16, 8, 4201 },
	{ "logical_size, the largest", 16, 8, INT64_MAX },
	{ "logical_size, negative", 16, 8, 1ull << 63 },
	{ "logical_size, all ones", 16, 8, UINT64_MAX },
	{ "file_len 0", 32, 8, 0 },
	{ "file_len of the fixed part", 32, 8, 160 },
	{ "file_len, the largest", 32, 8, INT64_MAX },
	{ "file_len, all ones", 32, 8, UINT64_MAX },
	{ "no extents", 40, 4, 0 },
	{ "an extent less", 40, 4, 1 },
	{ "an extent more", 40, 4, 3 },
	{ "extents past their limit", 40, 4, HEAD_EXTENTS_MAX + 1 },
	{ "n_extents, all ones", 40, 4, UINT32_MAX },
	{ "no tiles", 44, 4, 0 },
	{ "a tile less", 44, 4, 4 },
	{ "a tile more", 44, 4, 6 },
	{ "n_tiles that wraps 32 bits", 44, 4, 1u << 30 },
	{ "n_tiles, all ones", 44, 4, UINT32_MAX },
	{ "version 2 with what is of version 1", 8, 4, 2 },
	{ "no layers", 49, 1, 0 },
	{ "another layer", 49, 1, 0x11 },
	{ "a layer less", 49, 1, 0x10 },
	{ "a layer more", 49, 1, 0x1a },
	{ "a layer that is none", 49, 1, 0x32 },
	{ "every bit of the mask", 49, 1, 0xff },
	{ "a section of a layer that is not there", 56, 8, 4096 },
	{ "bytes of a layer that is not there", 64, 8, 1 },
	{ "a section in the head", 72, 8, 0 },
	{ "a section off its block", 72, 8, 4097 },
	{ "a section a block later", 72, 8, 8192 },
	{ "a section at the end of numbers", 72, 8, UINT64_MAX - 4095 },
	{ "an empty section", 80, 8, 0 },
	{ "a section of one byte", 80, 8, 1 },
	{ "a section's length, all ones", 80, 8, UINT64_MAX },
	{ "two sections in one place", 120, 8, 4096 },
	{ "an empty extent", AT_EXTENT(0), 8, 0 },
	{ "a short extent", AT_EXTENT(0), 8, 999 },
	{ "an extent past the file", AT_EXTENT(0), 8, 1001 },
	{ "an extent's length, all ones", AT_EXTENT(0), 8, UINT64_MAX },
	{ "a length that wraps the sum", AT_EXTENT(1), 8,
	  UINT64_MAX - 1000 + 1 },
	{ "half a row", AT_EXTENT(1), 8, 3184 },
	{ "an unknown element", AT_EXTENT(1) + 8, 1, 4 },
	{ "element 255", AT_EXTENT(1) + 8, 1, 255 },
	{ "no columns", AT_EXTENT(1) + 12, 4, 0 },
	{ "columns that are no whole rows", AT_EXTENT(1) + 12, 4, 17 },
	{ "columns, all ones", AT_EXTENT(1) + 12, 4, UINT32_MAX },
	{ "no rows", AT_EXTENT(1) + 16, 4, 0 },
	{ "rows past a tile", AT_EXTENT(1) + 16, 4, TILE_MAX_BYTES / 32 + 1 },
	{ "rows, all ones", AT_EXTENT(1) + 16, 4, UINT32_MAX },
	{ "one row a tile", AT_EXTENT(1) + 16, 4, 1 },
	{ "an error that is no number", AT_EXTENT(1) + 20, 4, 0x7fc00000 },
	{ "an error without end", AT_EXTENT(1) + 36, 4, 0x7f800000 },
	{ "an error below zero", AT_EXTENT(0) + 24, 4, 0xbf800000 },
	{ "a tile without bytes", AT_EXTENT(2) + 4, 4, 0 },
	{ "a tile too long for its section", AT_EXTENT(2) + 4, 4, 70001 },
	{ "a tile longer than any", AT_EXTENT(2) + 4, 4, LAYER_TOO_BIG },
	{ "a tile's length, all ones", AT_EXTENT(2) + 16, 4, UINT32_MAX },
};

/* The same of a sample with a window. */
static const struct forgery forgeries2[] = {
	{ "version 1 with what is of version 2", 8, 4, 1 },
	{ "version 2 without a window", 49, 1, 0x25 },
	{ "a window too many", 49, 1, 0x2f },
	{ "a seventh layer", 49, 1, 0x67 },
	{ "every bit of the mask, version 2", 49, 1, 0xff },
	{ "a head of no bytes", 56, 8, 0 },
	{ "a head section of a place", 56, 8, 4096 },
	{ "a head section past the file", 56, 8, INT64_MAX },
	{ "a head section that wraps", 56, 8, UINT64_MAX - 4095 },
	{ "an empty window", 64, 8, 0 },
	{ "a window, all ones", 64, 8, UINT64_MAX },
	{ "bytes of a layer that is not there, version 2", 80, 8, 1 },
	{ "the last section a byte shorter", 96, 1, 0 },
	{ "half a row, version 2", AT_EXTENT2(1), 8, 3184 },
	{ "a window's error that is no number", AT_EXTENT2(0) + 24, 4,
	  0x7fc00000 },
	{ "the last error without end", AT_EXTENT2(1) + 40, 4, 0x7f800000 },
	{ "a tile of no window", AT_EXTENT2(2) + 16, 4, 0 },
	{ "a window longer than any", AT_EXTENT2(2) + 16, 4, LAYER_TOO_BIG },
};

#define N_FORGERIES  ((int)(sizeof(forgeries) / sizeof(forgeries[0])))
#define N_FORGERIES2 ((int)(sizeof(forgeries2) / sizeof(forgeries2[0])))

static void store(uint8_t *b, unsigned bytes, uint64_t value)
{
	for (unsigned i = 0; i < bytes; i++)
		b[i] = (uint8_t)(value >> 8 * i);
}

START_TEST(forged_heads_with_right_sums_are_refused)
{
	bool window = _i >= N_FORGERIES;
	const struct forgery *f =
	    window ? &forgeries2[_i - N_FORGERIES] : &forgeries[_i];
	struct head h;
	size_t len;

	make_sample(&h, window ? 2 : 1);
	ck_assert_uint_eq(h.logical_size, 4200);
	auto_free uint8_t *b = pack(&h, &len);
	seal(b, len);
	ck_assert_int_eq(refused(b, len), 0);

	store(b + f->at, f->bytes, f->value);
	seal(b, len);
	int r = refused(b, len);
	ck_assert_msg(r == -EBADMSG, "%s: %d", f->label, r);
	head_done(&h);
}
END_TEST

START_TEST(later_versions_are_told_from_damage)
{
	static const uint32_t versions[] = { 0, 3, 4, 256, UINT32_MAX };
	struct head_brief brief;
	struct head h;
	size_t len;

	make_sample(&h, 1);
	auto_free uint8_t *b = pack(&h, &len);
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		store32(b + 8, versions[i]);
		ck_assert_int_eq(refused(b, len), -EOPNOTSUPP);
		seal(b, len);
		ck_assert_int_eq(refused(b, len), -EOPNOTSUPP);
		ck_assert_int_eq(head_parse_brief(b, len, &brief), -EOPNOTSUPP);
	}
	head_done(&h);
}
END_TEST

/* Extents that ask for tiles by the billion: the tables do not have them. */
START_TEST(tiles_that_are_not_in_the_tables_get_no_memory)
{
	static const struct {
		uint64_t len;
		uint32_t n_tiles;
	} rows[] = {
		{ UINT32_MAX, 5 },        { 1ull << 32, 0 },
		{ 1ull << 40, 5 },        { (1ull << 32) + 5, 5 },
		{ INT64_MAX, 5 },         { INT64_MAX, UINT32_MAX },
		{ 1ull << 62, 1u << 31 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t b[HEAD_FIXED_BYTES + EXTENT_BYTES + 4 * 5] = { 0 };

		memcpy(b, HEAD_MAGIC, 8);
		store32(b + 8, 1);
		store32(b + 12, sizeof(b));
		store64(b + 16, rows[i].len);
		store64(b + 32, sizeof(b));
		store32(b + 40, 1);
		store32(b + 44, rows[i].n_tiles);
		store64(b + AT_EXTENT(0), rows[i].len);
		store32(b + AT_EXTENT(0) + 12, 1);
		store32(b + AT_EXTENT(0) + 16, 1);
		seal(b, sizeof(b));
		ck_assert_int_eq(refused(b, sizeof(b)), -EBADMSG);
	}
}
END_TEST

START_TEST(extents_that_do_not_fit_are_not_cut)
{
	static const struct head_extent bad[] = {
		{ .len = 0, .cols = 1, .tile_rows = 1 },
		{ .len = 99, .cols = 1, .tile_rows = 1 },
		{ .len = 101, .cols = 1, .tile_rows = 1 },
		{ .len = 100, .cols = 1, .tile_rows = 0 },
		{ .len = 100, .cols = 0, .tile_rows = 1 },
		{ .len = 100, .cols = 3, .tile_rows = 1 },
		{ .len = 100, .elem = 4, .cols = 1, .tile_rows = 1 },
		{ .len = 100, .cols = 1, .tile_rows = TILE_MAX_BYTES + 1 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct head h = { .logical_size = 100, .n_extents = 1 };

		h.extents = calloc(1, sizeof(*h.extents));
		h.extents[0] = bad[i];
		ck_assert_int_eq(head_cut(&h), -EBADMSG);
		head_done(&h);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("head");
	TCase *tc = tcase_create("head");

	tcase_add_loop_test(tc, what_is_packed_is_parsed, 0, 1 << N_LAYERS);
	tcase_add_loop_test(tc, the_brief_says_what_the_head_says, 0, 2);
	tcase_add_loop_test(tc, every_length_but_its_own_is_refused, 0, 2);
	tcase_add_loop_test(tc, every_flipped_bit_is_refused, 0, 2);
	tcase_add_loop_test(tc, forged_heads_with_right_sums_are_refused, 0,
			    N_FORGERIES + N_FORGERIES2);
	tcase_add_test(tc, later_versions_are_told_from_damage);
	tcase_add_test(tc, tiles_that_are_not_in_the_tables_get_no_memory);
	tcase_add_test(tc, extents_that_do_not_fit_are_not_cut);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
