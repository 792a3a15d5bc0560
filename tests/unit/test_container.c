/* test_container.c - containers on disk: cut, flipped, and read every way */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/store/container.h"
#include "tests/unit/made.h"
#include "tests/unit/run.h"

#define PLAIN_BYTES 60000u
#define TILE_ROWS   7000u /* nine tiles, the last one ragged */
#define TILES       9u

static uint8_t plain[PLAIN_BYTES], back[PLAIN_BYTES];
static struct made made;

/* Text, noise and zeros: the tiles differ in codec and length. */
static void make(void)
{
	struct made_how how = { .tile_rows = TILE_ROWS, .more_layers = 0x1f };
	uint64_t seed = 5;

	for (uint32_t i = 0; i < PLAIN_BYTES; i++) {
		uint8_t noise = (uint8_t)run_random(&seed);

		plain[i] = (uint8_t)("keys and values "[i % 16]);
		if (i / TILE_ROWS % 3 == 1)
			plain[i] = noise;
		if (i / TILE_ROWS % 3 == 2)
			plain[i] = 0;
	}
	ck_assert_int_eq(made_container(&made, plain, PLAIN_BYTES, &how), 0);
	ck_assert_uint_eq(made.head.n_tiles, TILES);
	ck_assert_uint_eq(made.head.layer_mask, 0x3f);
}

static void unmake(void)
{
	made_done(&made);
}

/* The first len bytes as a file that has no name. */
static int file_of(const uint8_t *bytes, size_t len)
{
	char name[] = "/tmp/adaptcache-container-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	unlink(name);
	ck_assert_int_eq(io_real.write(fd, bytes, len, 0), 0);
	return fd;
}

/* Opens them; on failure what container_open leaves is closed. */
static int open_bytes(const uint8_t *bytes, size_t len, struct container **ret)
{
	int fd = file_of(bytes, len);
	int r = container_open(&io_real, fd, ret);

	if (r < 0)
		close(fd);
	return r;
}

static struct container *open_made(void)
{
	struct container *c = NULL;

	ck_assert_int_eq(open_bytes(made.at, made.len, &c), 0);
	ck_assert_uint_eq(c->n_layers, N_LAYERS);
	return c;
}

static uint64_t tile_end(const struct container *c, uint32_t t)
{
	return t < c->head.n_tiles ? head_tile_off(&c->head, t)
				   : c->head.logical_size;
}

/* Every run of tiles gives its bytes and no other. */
static void check_runs(struct container *c)
{
	for (uint32_t first = 0; first < TILES; first++)
		for (uint32_t n = 1; first + n <= TILES; n++) {
			uint64_t at = tile_end(c, first);
			uint64_t len = tile_end(c, first + n) - at;

			memset(back, 0xa5, sizeof(back));
			ck_assert_int_eq(container_load(c, first, n, back), 0);
			ck_assert_mem_eq(back, plain + at, len);
			if (len < sizeof(back))
				ck_assert_uint_eq(back[len], 0xa5);
		}
}

START_TEST(every_run_of_tiles_reads_from_the_file)
{
	struct container *c = open_made();

	check_runs(c);
	container_close(c);
}
END_TEST

static void take_image(struct container *c)
{
	size_t len = container_image_bytes(c, N_LAYERS);

	ck_assert_uint_eq(c->image_off + len, made.len);
	uint8_t *image = malloc(len);
	memcpy(image, made.at + c->image_off, len);
	ck_assert_int_eq(container_set_image(c, image, len), 0);
}

START_TEST(every_run_of_tiles_reads_from_the_image)
{
	struct container *c = open_made();

	take_image(c);
	ck_assert_int_eq(ftruncate(c->fd, 0), 0); /* the file is not asked */
	check_runs(c);
	container_close(c);
}
END_TEST

START_TEST(without_its_image_it_reads_from_the_file_again)
{
	struct container *c = open_made();

	take_image(c);
	container_keep_image(c, 0);
	check_runs(c);
	container_close(c);
}
END_TEST

START_TEST(spans_cover_the_file_and_end)
{
	struct container *c = open_made();
	uint32_t t = 0;

	for (uint32_t n; t < TILES; t += n) {
		n = container_span(c, t);
		ck_assert_uint_ge(n, 1);
		ck_assert_uint_le(n, TILES - t);
	}
	ck_assert_uint_eq(container_span(c, TILES), 0);
	container_close(c);
}
END_TEST

/* Zeros take no stored bytes, but their span is bounded as well. */
START_TEST(spans_of_zeros_are_bounded_by_plain_bytes)
{
	size_t len = 32u << 20;
	auto_free uint8_t *zeros = calloc(1, len);
	struct made_how how = { 0 };
	struct container *c;
	struct made m;

	ck_assert_int_eq(made_container(&m, zeros, len, &how), 0);
	ck_assert_int_eq(open_bytes(m.at, m.len, &c), 0);
	ck_assert_uint_eq(container_image_bytes(c, N_LAYERS), 0);
	ck_assert(container_is_hole(c, 0, c->head.n_tiles));

	uint32_t n = container_span(c, 0);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_le(tile_end(c, n), 5u << 20);
	container_close(c);
	made_done(&m);
}
END_TEST

START_TEST(holes_are_known_from_the_head)
{
	struct container *c = open_made();

	for (uint32_t t = 0; t < TILES; t++)
		ck_assert(container_is_hole(c, t, 1) == (t % 3 == 2));
	ck_assert(!container_is_hole(c, 1, 2));
	container_close(c);
}
END_TEST

/* What a file cut to len must be. */
static int cut_to(size_t len)
{
	struct container *c = NULL;
	struct head_brief brief;
	int r = open_bytes(made.at, len, &c);
	int fd = file_of(made.at, len);

	/* A look at the head alone may take for cut what is damaged. */
	int peeked = container_peek(&io_real, fd, &brief);
	if (peeked != r && (peeked != 0 || r != -EBADMSG || !brief.layered))
		ck_abort_msg("peek differs at %zu bytes", len);
	close(fd);
	if (r == 0)
		container_close(c);
	return r;
}

START_TEST(cut_at_any_place_it_is_refused)
{
	size_t head = head_bytes(&made.head);
	size_t odd[] = { 1,        7,       8,    159,  160,          161,
			 head - 1, head,    4095, 4096, made.len / 2, 33333,
			 head + 1, made.len };

	ck_assert_int_eq(cut_to(0), -ENODATA);
	for (size_t i = 0; i + 1 < sizeof(odd) / sizeof(odd[0]); i++)
		if (odd[i] < made.len && cut_to(odd[i]) != -EBADMSG)
			ck_abort_msg("cut to %zu", odd[i]);
	for (unsigned l = 0; l < N_LAYERS; l++) {
		const struct head_section *s = &made.head.section[l];

		for (int by = -1; by <= 1; by++) {
			uint64_t end = s->off + s->len + (uint64_t)by;

			ck_assert_int_eq(cut_to(s->off + (uint64_t)by),
					 -EBADMSG);
			if (end < made.len)
				ck_assert_int_eq(cut_to(end), -EBADMSG);
		}
	}
	ck_assert_int_eq(cut_to(made.len), 0);
}
END_TEST

START_TEST(bytes_behind_its_end_are_not_its_own)
{
	struct container *c;
	auto_free uint8_t *longer = calloc(1, made.len + 5000);

	memcpy(longer, made.at, made.len);
	ck_assert_int_eq(open_bytes(longer, made.len + 5000, &c), 0);
	check_runs(c);
	container_close(c);
}
END_TEST

/* One bit of one layer of one tile: that tile is refused, no other. */
static void check_flip(struct container *c, uint32_t tile)
{
	for (uint32_t t = 0; t < TILES; t++) {
		int r = container_load(c, t, 1, back);

		if (r != (t == tile ? -EBADMSG : 0))
			ck_abort_msg("tile %u says %d, %u is bad", t, r, tile);
	}
	ck_assert_int_eq(container_load(c, 0, TILES, back), -EBADMSG);
}

START_TEST(a_flipped_bit_spoils_its_tile_alone)
{
	unsigned l = (unsigned)_i;
	uint64_t seed = l;

	for (uint32_t t = 0; t < TILES; t++) {
		const struct head_tile *tile = &made.head.tiles[t];
		struct container *c;

		if (!tile->len[l])
			continue;

		uint64_t at = made.head.section[l].off + tile->off[l] +
			      run_random(&seed) % tile->len[l];
		uint8_t bit = (uint8_t)(1u << run_random(&seed) % 8);

		made.at[at] ^= bit;
		ck_assert_int_eq(open_bytes(made.at, made.len, &c), 0);
		check_flip(c, t);
		take_image(c);
		check_flip(c, t);
		container_close(c);
		made.at[at] ^= bit;
	}
}
END_TEST

/* Right sums do not help: the decoders check what they are given. */
START_TEST(forged_tiles_are_refused)
{
	static const uint8_t codecs[] = { 0, 1, 2, 3, 4, 5, 200, 255 };

	for (uint32_t t = 0; t < TILES; t++)
		for (size_t i = 0; i < sizeof(codecs); i++) {
			struct head_tile *tile = &made.head.tiles[t];
			uint8_t was = tile->codec;
			struct container *c;

			if (was == codecs[i])
				continue;
			tile->codec = codecs[i];
			head_pack(&made.head, made.at);
			ck_assert_int_eq(open_bytes(made.at, made.len, &c), 0);
			check_flip(c, t);
			container_close(c);
			tile->codec = was;
		}
}
END_TEST

static int n_reads, failing_read;

static ssize_t read_or_fail(int fd, void *dst, size_t len, uint64_t off)
{
	if (n_reads++ == failing_read)
		return -EIO;
	return io_real.read(fd, dst, len, off);
}

/* Whichever read fails says so, and nothing is lost. */
START_TEST(failing_reads_are_told_from_damage)
{
	struct io io = io_real;
	bool whole = false;

	io.read = read_or_fail;
	for (failing_read = 0; !whole && failing_read < 100; failing_read++) {
		struct container *c;
		int fd = file_of(made.at, made.len);

		n_reads = 0;
		int r = container_open(&io, fd, &c);
		if (r < 0) {
			ck_assert_int_eq(r, -EIO);
			close(fd); /* still ours */
			continue;
		}
		r = container_load(c, 0, TILES, back);
		whole = n_reads <= failing_read;
		ck_assert_int_eq(r, whole ? 0 : -EIO);
		container_close(c);
	}
	ck_assert(whole);
	ck_assert_int_ge(failing_read, 4);
}
END_TEST

START_TEST(a_peek_tells_size_and_id)
{
	struct head_brief brief;
	int fd = file_of(made.at, made.len);

	ck_assert_int_eq(container_peek(&io_real, fd, &brief), 0);
	ck_assert_uint_eq(brief.logical_size, PLAIN_BYTES);
	ck_assert_uint_eq(brief.entry_id, 4711);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("container");
	TCase *tc = tcase_create("container");

	tcase_add_checked_fixture(tc, make, unmake);
	tcase_add_test(tc, every_run_of_tiles_reads_from_the_file);
	tcase_add_test(tc, every_run_of_tiles_reads_from_the_image);
	tcase_add_test(tc, without_its_image_it_reads_from_the_file_again);
	tcase_add_test(tc, spans_cover_the_file_and_end);
	tcase_add_test(tc, spans_of_zeros_are_bounded_by_plain_bytes);
	tcase_add_test(tc, holes_are_known_from_the_head);
	tcase_add_test(tc, cut_at_any_place_it_is_refused);
	tcase_add_test(tc, bytes_behind_its_end_are_not_its_own);
	tcase_add_loop_test(tc, a_flipped_bit_spoils_its_tile_alone, 0,
			    N_LAYERS);
	tcase_add_test(tc, forged_tiles_are_refused);
	tcase_add_test(tc, failing_reads_are_told_from_damage);
	tcase_add_test(tc, a_peek_tells_size_and_id);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
