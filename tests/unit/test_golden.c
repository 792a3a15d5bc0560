/*
 * test_golden.c - containers written long ago read as they were meant
 *
 * The folder of the golden files is the program's argument; make_golden.c says
 * what its index holds.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

#include "codec/layout/layout.h"
#include "codec/mem.h"
#include "fs/store/container.h"
#include "tests/unit/run.h"

#define LINES_MAX 200

/* Small: five sections take 20,480 bytes before the last one has any. */
#define GOLDEN_BYTES_MAX 30000

struct line {
	char name[64], rest[128];
};

static struct line lines[LINES_MAX];
static size_t n_lines;
static int folder = -1;

static const struct {
	const char *name;
	int error;
} errors[] = {
	{ "EBADMSG", -EBADMSG },
	{ "EOPNOTSUPP", -EOPNOTSUPP },
	{ "ENODATA", -ENODATA },
};

static int error_of(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].error;
	ck_abort_msg("no error %s", name);
}

/* All of it, at once or span by span.  The caller frees *ret. */
static int load(struct container *c, bool by_spans, uint8_t **ret)
{
	const struct head *h = &c->head;
	int r = 0;

	*ret = malloc(h->logical_size + 1);
	if (!by_spans && h->n_tiles)
		return container_load(c, 0, h->n_tiles, *ret);
	for (uint32_t t = 0, n; r == 0 && t < h->n_tiles; t += n) {
		n = container_span(c, t);
		r = container_load(c, t, n, *ret + head_tile_off(h, t));
	}
	return r;
}

static void codecs_of(const struct head *h, char *ret, size_t cap)
{
	bool used[256] = { false };
	size_t len = 0;

	for (uint32_t t = 0; t < h->n_tiles; t++)
		used[h->tiles[t].codec] = true;
	snprintf(ret, cap, "-");
	for (unsigned i = 0; i < 256; i++)
		if (used[i] && len < cap)
			len += (size_t)snprintf(ret + len, cap - len, "%s%u",
						len ? "," : "", i);
}

static void check_good(const struct line *line, int fd)
{
	char codecs[64], want_codecs[64];
	uint64_t size, sum;
	unsigned layout;
	struct container *c;

	int n = sscanf(line->rest, "%" SCNu64 " %" SCNx64 " %u %63s", &size,
		       &sum, &layout, want_codecs);
	ck_assert_int_eq(n, 4);
	int r = container_open(&io_real, fd, &c);
	ck_assert_msg(r == 0, "%s: %s", line->name, strerror(-r));
	ck_assert_uint_eq(c->head.logical_size, size);
	ck_assert_uint_eq(c->head.layout, layout);
	codecs_of(&c->head, codecs, sizeof(codecs));
	ck_assert_str_eq(codecs, want_codecs);

	for (int by_spans = 0; by_spans < 2; by_spans++) {
		auto_free uint8_t *plain = NULL;

		r = load(c, by_spans, &plain);
		ck_assert_msg(r == 0, "%s: %s", line->name, strerror(-r));
		ck_assert_msg(XXH3_64bits(plain, size) == sum,
			      "%s: other bytes", line->name);
	}
	container_close(c);
}

static void check_bad(const struct line *line, int fd)
{
	char step[8], error[32];
	struct container *c = NULL;

	ck_assert_int_eq(sscanf(line->rest, "%7s %31s", step, error), 2);
	int r = container_open(&io_real, fd, &c);
	int at_open = !strcmp(step, "open") ? error_of(error) : 0;

	ck_assert_msg(r == at_open, "%s: open says %d", line->name, r);
	if (r < 0) {
		close(fd);
		return;
	}

	auto_free uint8_t *plain = NULL;
	r = load(c, true, &plain);
	ck_assert_msg(r == error_of(error), "%s: load says %d", line->name, r);
	container_close(c);
}

START_TEST(a_golden_file_is_read_or_refused)
{
	const struct line *line = &lines[_i];
	int fd = openat(folder, line->name, O_RDONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", line->name, strerror(errno));
	ck_assert_int_le(lseek(fd, 0, SEEK_END), GOLDEN_BYTES_MAX);
	if (!strncmp(line->name, "good-", 5))
		check_good(line, fd);
	else
		check_bad(line, fd);
}
END_TEST

static bool listed(const char *name)
{
	for (size_t i = 0; i < n_lines; i++)
		if (!strcmp(lines[i].name, name))
			return true;
	return false;
}

START_TEST(no_golden_file_is_left_out)
{
	DIR *dir = fdopendir(dup(folder));

	ck_assert_ptr_nonnull(dir);
	rewinddir(dir);
	for (struct dirent *d = readdir(dir); d; d = readdir(dir))
		if (!strncmp(d->d_name, "good-", 5) ||
		    !strncmp(d->d_name, "bad-", 4))
			ck_assert_msg(listed(d->d_name), "%s", d->d_name);
	closedir(dir);
}
END_TEST

/* Every codec and layout that this program knows has a golden file. */
START_TEST(every_codec_and_layout_has_a_golden_file)
{
	bool codec[256] = { false }, layout[256] = { false };

	for (size_t i = 0; i < n_lines; i++) {
		char codecs[64];
		unsigned id;

		if (sscanf(lines[i].rest, "%*s %*s %u %63s", &id, codecs) != 2)
			continue;
		layout[id & 255] = true;
		for (char *at = strtok(codecs, ","); at; at = strtok(NULL, ","))
			if (*at != '-')
				codec[atoi(at) & 255] = true;
	}
	for (unsigned i = 0; i < 256; i++) {
		bool known = strcmp(layout_name((uint8_t)i), "unknown") != 0;

		ck_assert_msg(codec[i] || !codec_by_id((uint8_t)i),
			      "codec %u has none", i);
		ck_assert_msg(layout[i] || !known, "layout %u has none", i);
	}
}
END_TEST

static bool read_index(void)
{
	int fd = openat(folder, "index", O_RDONLY | O_CLOEXEC);
	FILE *index = fd < 0 ? NULL : fdopen(fd, "r");

	if (!index)
		return false;
	while (n_lines < LINES_MAX &&
	       fscanf(index, "%63s %127[^\n]", lines[n_lines].name,
		      lines[n_lines].rest) == 2)
		n_lines++;
	fclose(index);
	return n_lines > 0;
}

int main(int argc, char **argv)
{
	Suite *suite = suite_create("golden");
	TCase *tc = tcase_create("golden");

	folder =
	    open(argc == 2 ? argv[1] : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || !read_index()) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	tcase_add_loop_test(tc, a_golden_file_is_read_or_refused, 0,
			    (int)n_lines);
	tcase_add_test(tc, no_golden_file_is_left_out);
	tcase_add_test(tc, every_codec_and_layout_has_a_golden_file);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
