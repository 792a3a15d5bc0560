/* test_store_basic.c - what is written is read back, wherever it lies */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run.h"
#include "store_kit.h"

static const struct caller ROOT = { 0, 0 };
static const size_t LENGTHS[] = {
	0, 1, 4095, 4096, 4097, 131072, 131073, 1u << 20, 5000001,
};
enum { N_LENGTHS = sizeof(LENGTHS) / sizeof(*LENGTHS) };

static void test_path(const struct kit *k, const char *name, char *ret,
		      size_t cap)
{
	snprintf(ret, cap, "%s/tree/%s", k->path, name);
}

START_TEST(bytes_come_back_from_every_place)
{
	size_t len = LENGTHS[_i];
	struct kit k;

	kit_init(&k);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, len), 0);
	kit_expect(k.store, "a", 1, len); /* staged, or about to be packed */
	store_drain(k.store);
	kit_expect(k.store, "a", 1, len); /* in DRAM */
	kit_close(&k);
	kit_open(&k);
	kit_expect(k.store, "a", 1, len); /* from the backing */
	kit_expect(k.store, "a", 1, len); /* from a copy of that */
	kit_done(&k);
}
END_TEST

START_TEST(an_open_file_shows_what_was_just_written)
{
	struct kit k;
	struct handle *h;
	uint8_t *bytes = kit_bytes(7, 300000);

	kit_init(&k);
	ck_assert_int_eq(kit_put(k.store, "a", bytes, 300000), 0);
	store_drain(k.store);
	ck_assert_int_eq(kit_file(k.store, "a", O_RDWR, &h), 0);
	kit_expect_read(k.store, h, 99999, bytes + 99999, 100000);
	memset(bytes + 100000, 9, 50000);
	ck_assert_int_eq(store_write(k.store, h, 100000, bytes + 100000, 50000),
			 0);
	kit_expect_read(k.store, h, 0, bytes, 300000);
	ck_assert_int_eq(store_sync(k.store, h), 0);
	kit_expect_read(k.store, h, 0, bytes, 300000);
	store_release(k.store, h);
	kit_close(&k);
	kit_open(&k);
	ck_assert_int_eq(kit_file(k.store, "a", O_RDONLY, &h), 0);
	kit_expect_read(k.store, h, 0, bytes, 300000);
	store_release(k.store, h);
	kit_done(&k);
	free(bytes);
}
END_TEST

/* _i: whether the old one, the new one, are published before. */
START_TEST(rename_replaces)
{
	struct kit k;

	kit_init(&k);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, 50000), 0);
	if (_i & 1)
		store_drain(k.store);
	ck_assert_int_eq(kit_put_seed(k.store, "b", 2, 60000), 0);
	if (_i & 2)
		store_drain(k.store);
	ck_assert_int_eq(kit_rename(k.store, "b", "a"), 0);
	kit_expect_none(k.store, "b");
	kit_expect(k.store, "a", 2, 60000);
	kit_close(&k);
	kit_open(&k);
	kit_expect_none(k.store, "b");
	kit_expect(k.store, "a", 2, 60000);
	kit_close(&k);
	ck_assert_uint_eq(kit_count(&k, "tree"), 1);
	ck_assert_uint_eq(kit_count(&k, ".tmp"), 0);
	kit_done(&k);
}
END_TEST

START_TEST(rename_exchanges)
{
	struct kit k;

	kit_init(&k);
	struct node *root = store_root(k.store);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, 50000), 0);
	ck_assert_int_eq(kit_put_seed(k.store, "b", 2, 60000), 0);
	ck_assert_int_eq(
	    store_rename(k.store, root, "a", root, "b", RENAME_EXCHANGE), 0);
	ck_assert_int_eq(
	    store_rename(k.store, root, "a", root, "b", RENAME_NOREPLACE),
	    -EEXIST);
	kit_expect(k.store, "b", 1, 50000);
	kit_close(&k);
	kit_open(&k);
	kit_expect(k.store, "b", 1, 50000);
	kit_expect(k.store, "a", 2, 60000);
	kit_done(&k);
}
END_TEST

/* _i: whether it is published before. */
START_TEST(an_unlinked_open_file_lives_until_its_release)
{
	struct kit k;
	struct handle *h;
	uint8_t *bytes = kit_bytes(3, 200000);

	kit_init(&k);
	ck_assert_int_eq(kit_put(k.store, "a", bytes, 200000), 0);
	if (_i)
		store_drain(k.store);
	ck_assert_int_eq(kit_file(k.store, "a", O_RDWR, &h), 0);
	ck_assert_int_eq(kit_unlink(k.store, "a"), 0);
	kit_expect_none(k.store, "a");
	kit_expect_read(k.store, h, 0, bytes, 200000);
	ck_assert_int_eq(store_write(k.store, h, 5, bytes, 1000), 0);
	kit_expect_read(k.store, h, 5, bytes, 1000);
	ck_assert_int_eq(store_sync(k.store, h), 0);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 4, 777), 0);
	store_release(k.store, h);
	kit_expect(k.store, "a", 4, 777);
	store_drain(k.store);
	kit_close(&k);
	ck_assert_uint_eq(kit_count(&k, "tree"), 1);
	kit_done(&k);
	free(bytes);
}
END_TEST

static const size_t CUTS[] = { 0, 1, 4096, 65537, 99999, 100000, 250000 };
enum { N_CUTS = sizeof(CUTS) / sizeof(*CUTS) };

/* _i: the new size, and whether it is published before. */
START_TEST(truncate_cuts_or_fills_with_zeros)
{
	size_t size = CUTS[_i % N_CUTS], had = 100000;
	uint8_t *want = calloc(1, 250000), *bytes = kit_bytes(5, had), *got;
	size_t got_len;
	struct kit k;

	memcpy(want, bytes, size < had ? size : had);
	kit_init(&k);
	ck_assert_int_eq(kit_put(k.store, "a", bytes, had), 0);
	if (_i >= N_CUTS)
		store_drain(k.store);
	ck_assert_int_eq(kit_truncate(k.store, "a", size), 0);
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(kit_get(k.store, "a", &got, &got_len), 0);
		ck_assert_uint_eq(got_len, size);
		ck_assert(!memcmp(got, want, size));
		free(got);
		kit_close(&k);
		kit_open(&k);
	}
	kit_done(&k);
	free(want);
	free(bytes);
}
END_TEST

START_TEST(holes_are_zeros_and_cost_nothing)
{
	struct kit k;
	struct handle *h;
	struct stat st;
	static const uint8_t zeros[65536];
	uint64_t far = 3ull << 30;

	kit_init(&k);
	ck_assert_int_eq(kit_put(k.store, "a", "x", 1), 0);
	ck_assert_int_eq(kit_file(k.store, "a", O_RDWR, &h), 0);
	ck_assert_int_eq(store_write(k.store, h, far, "y", 1), 0);
	store_release(k.store, h);
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(kit_stat(k.store, "a", &st), 0);
		ck_assert_int_eq(st.st_size, (off_t)far + 1);
		ck_assert_int_eq(kit_file(k.store, "a", O_RDONLY, &h), 0);
		kit_expect_read(k.store, h, 0, "x", 1);
		kit_expect_read(k.store, h, 1, zeros, sizeof(zeros));
		kit_expect_read(k.store, h, far - 65536, zeros, sizeof(zeros));
		kit_expect_read(k.store, h, far, "y", 1);
		store_release(k.store, h);
		kit_close(&k);
		kit_open(&k);
	}
	ck_assert(kit_stat_line(k.store, "disk_used_bytes") < 4 << 20);
	kit_done(&k);
}
END_TEST

START_TEST(every_hard_link_sees_new_bytes)
{
	struct kit k;
	struct node *n;
	struct stat st;

	kit_init(&k);
	struct node *root = store_root(k.store);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, 70000), 0);
	if (_i)
		store_drain(k.store);
	ck_assert_int_eq(store_lookup(k.store, root, "a", &n, &st), 0);
	ck_assert_int_eq(store_link(k.store, n, root, "b"), 0);
	store_forget(k.store, n, 1);
	kit_expect(k.store, "b", 1, 70000);
	kit_close(&k); /* links of another run are found, too */
	kit_open(&k);
	ck_assert_int_eq(kit_put_seed(k.store, "b", 2, 80000), 0);
	kit_expect(k.store, "a", 2, 80000);
	store_drain(k.store);
	kit_expect(k.store, "a", 2, 80000);
	ck_assert_int_eq(kit_stat(k.store, "a", &st), 0);
	ck_assert_uint_eq(st.st_nlink, 2);
	kit_close(&k);
	kit_open(&k);
	kit_expect(k.store, "a", 2, 80000);
	kit_expect(k.store, "b", 2, 80000);
	ck_assert_int_eq(kit_unlink(k.store, "a"), 0);
	kit_expect(k.store, "b", 2, 80000);
	ck_assert(kit_stat_line(k.store, "disk_used_bytes") > 0);
	kit_done(&k);
}
END_TEST

START_TEST(names_that_a_crash_left_go)
{
	struct kit k;
	char path[128];

	kit_init(&k);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, 5000), 0);
	kit_close(&k);
	for (int i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "left%d", i);
		test_path(&k, name, path, sizeof(path));
		close(open(path, O_CREAT | O_WRONLY, 0644));
	}
	kit_open(&k);
	kit_expect_none(k.store, "left0");
	ck_assert_int_eq(kit_put_seed(k.store, "left0", 2, 100), 0);
	kit_expect(k.store, "left0", 2, 100);
	kit_close(&k);
	ck_assert_uint_eq(kit_count(&k, "tree"), 2);
	ck_assert_uint_eq(kit_count(&k, ".quarantine"), 0);
	kit_done(&k);
}
END_TEST

/* Turns bits of the byte at off over; from the end when negative. */
static void test_damage(const struct kit *k, const char *name, off_t off)
{
	char path[128];
	uint8_t byte;

	test_path(k, name, path, sizeof(path));
	int fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	if (off < 0)
		off += lseek(fd, 0, SEEK_END);
	ck_assert_int_eq(pread(fd, &byte, 1, off), 1);
	byte ^= 0x55;
	ck_assert_int_eq(pwrite(fd, &byte, 1, off), 1);
	close(fd);
}

static const off_t SPOTS[] = { 0, 9, 17, 50, 150, 170, -1, -4000 };
enum { N_SPOTS = sizeof(SPOTS) / sizeof(*SPOTS) };

START_TEST(damage_goes_to_quarantine)
{
	struct kit k;
	uint8_t *got;
	size_t len;

	kit_init(&k);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, 100000), 0);
	ck_assert_int_eq(kit_put_seed(k.store, "b", 2, 100000), 0);
	kit_close(&k);
	test_damage(&k, "a", SPOTS[_i]);
	kit_open(&k);

	int r = kit_get(k.store, "a", &got, &len);
	ck_assert_msg(r == -ENOENT || r == -ESTALE || r == -EIO, "%d", r);
	kit_expect_none(k.store, "a");
	kit_expect(k.store, "b", 2, 100000);
	ck_assert_uint_eq(kit_count(&k, ".quarantine"), 1);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 3, 1000), 0);
	kit_expect(k.store, "a", 3, 1000);
	kit_close(&k);
	kit_open(&k);
	kit_expect(k.store, "a", 3, 1000);
	kit_done(&k);
}
END_TEST

START_TEST(a_container_cut_short_goes_to_quarantine)
{
	static const off_t lens[] = { 1, 100, 160, 4095, 4097, 30000 };
	struct kit k;
	char path[128];
	uint8_t *got;
	size_t len;

	kit_init(&k);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, 100000), 0);
	kit_close(&k);
	test_path(&k, "a", path, sizeof(path));
	ck_assert_int_eq(truncate(path, lens[_i]), 0);
	kit_open(&k);
	ck_assert_int_lt(kit_get(k.store, "a", &got, &len), 0);
	kit_expect_none(k.store, "a");
	ck_assert_uint_eq(kit_count(&k, ".quarantine"), 1);
	kit_done(&k);
}
END_TEST

START_TEST(a_backing_has_one_store)
{
	struct kit k;
	struct store *second;
	const char *why;

	kit_init(&k);
	ck_assert_int_eq(store_open(k.path, &k.options, &second, &why), -EBUSY);
	ck_assert_ptr_nonnull(why);
	kit_close(&k);
	ck_assert_int_eq(store_open(k.path, &k.options, &second, &why), 0);
	store_close(second);
	ck_assert_int_eq(
	    store_open("/nowhere/at/all", &k.options, &second, &why), -ENOENT);
	kit_done(&k);
}
END_TEST

START_TEST(names_may_be_long_and_strange)
{
	struct kit k;
	struct stat st;
	char name[257];

	memset(name, 'n', sizeof(name));
	name[0] = '\n';
	name[1] = (char)0xff;
	name[255] = 0;
	kit_init(&k);
	ck_assert_int_eq(kit_put_seed(k.store, name, 1, 5000), 0);
	ck_assert_int_eq(kit_rename(k.store, name, "%s%n"), 0);
	ck_assert_int_eq(kit_rename(k.store, "%s%n", name), 0);
	kit_close(&k);
	kit_open(&k);
	kit_expect(k.store, name, 1, 5000);
	name[255] = 'n';
	name[256] = 0;
	ck_assert_int_eq(kit_put_seed(k.store, name, 1, 10), -ENAMETOOLONG);
	ck_assert_int_eq(kit_stat(k.store, name, &st), -ENAMETOOLONG);
	ck_assert_int_eq(kit_rename(k.store, name, "b"), -ENAMETOOLONG);
	kit_done(&k);
}
END_TEST

START_TEST(directories_nest_and_move)
{
	struct kit k;
	struct node *dir[51], *n;
	struct stat st;
	struct handle *h;

	kit_init(&k);
	dir[0] = store_root(k.store);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(
		    store_mknod(k.store, dir[i], "d", S_IFDIR | 0755, 0, &ROOT),
		    0);
		ck_assert_int_eq(
		    store_lookup(k.store, dir[i], "d", &dir[i + 1], &st), 0);
	}
	ck_assert_int_eq(store_create(k.store, dir[50], "f", 0600, O_RDWR,
				      &ROOT, &n, &st, &h),
			 0);
	ck_assert_int_eq(store_write(k.store, h, 0, "deep", 4), 0);
	ck_assert_int_eq(store_rename(k.store, dir[1], "d", dir[0], "moved", 0),
			 0);
	ck_assert_int_eq(store_sync(k.store, h), 0);
	kit_expect_read(k.store, h, 0, "deep", 4);
	store_release(k.store, h);
	ck_assert_int_eq(store_unlink(k.store, dir[0], "d", true), 0);
	ck_assert_int_eq(store_unlink(k.store, dir[0], "moved", true),
			 -ENOTEMPTY);
	store_forget(k.store, n, 1);
	for (int i = 50; i > 0; i--)
		store_forget(k.store, dir[i], 1);
	kit_done(&k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_basic");
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, bytes_come_back_from_every_place, 0, N_LENGTHS);
	tcase_add_test(tc, an_open_file_shows_what_was_just_written);
	tcase_add_loop_test(tc, rename_replaces, 0, 4);
	tcase_add_test(tc, rename_exchanges);
	tcase_add_loop_test(tc, an_unlinked_open_file_lives_until_its_release,
			    0, 2);
	tcase_add_loop_test(tc, truncate_cuts_or_fills_with_zeros, 0,
			    2 * N_CUTS);
	tcase_add_test(tc, holes_are_zeros_and_cost_nothing);
	tcase_add_loop_test(tc, every_hard_link_sees_new_bytes, 0, 2);
	tcase_add_test(tc, names_that_a_crash_left_go);
	tcase_add_loop_test(tc, damage_goes_to_quarantine, 0, N_SPOTS);
	tcase_add_loop_test(tc, a_container_cut_short_goes_to_quarantine, 0, 6);
	tcase_add_test(tc, a_backing_has_one_store);
	tcase_add_test(tc, names_may_be_long_and_strange);
	tcase_add_test(tc, directories_nest_and_move);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
