/* test_plain.c - plain copies: their cost, their map, moving them */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/plain.h"
#include "run.h"

enum { PAGE = 4096 };

struct fixture {
	char path[64];
	int dir;
	struct plain_home home;
};

static void fixture_init(struct fixture *f, bool tmpfs)
{
	strcpy(f->path, "/var/tmp/adaptcache.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	f->dir = open(f->path, O_PATH | O_DIRECTORY);
	ck_assert_int_ge(f->dir, 0);
	plain_home_init(&f->home, f->dir);
	if (!tmpfs)
		plain_home_done(&f->home); /* memfds from here on */
}

static void fixture_done(struct fixture *f)
{
	plain_home_done(&f->home);
	close(f->dir);
	ck_assert_int_eq(rmdir(f->path), 0); /* nothing was left there */
}

START_TEST(only_what_is_filled_costs_dram)
{
	struct fixture f;
	struct plain *p;

	fixture_init(&f, _i);
	ck_assert_int_eq(plain_new(&f.home, true, &p), 0);
	ck_assert_uint_eq(plain_cost(p), 0);
	ck_assert(plain_complete(p));
	ck_assert_int_eq(pwrite(p->fd, "x", 1, 0), 1);
	ck_assert_uint_eq(plain_cost(p), PAGE);
	ck_assert_ptr_null(plain_free(p));

	ck_assert_int_eq(plain_new(&f.home, false, &p), 0);
	ck_assert_int_eq(pwrite(p->fd, "x", 1, 0), 1);
	ck_assert_uint_eq(plain_cost(p), 0);
	plain_free(p);
	ck_assert_ptr_null(plain_free(NULL));
	fixture_done(&f);
}
END_TEST

START_TEST(a_cache_is_mapped_and_not_ready)
{
	struct fixture f;
	struct plain *p;

	fixture_init(&f, _i);
	ck_assert_int_eq(plain_new_cache(&f.home, 3 * PAGE + 1, 2, &p), 0);
	ck_assert_ptr_nonnull(p->map);
	ck_assert(!plain_complete(p));
	p->map[3 * PAGE] = 7;
	p->n_ready = 2;
	ck_assert(plain_complete(p));
	plain_unmap(p);
	plain_unmap(p);
	ck_assert_ptr_null(p->map);
	plain_map(p, 3 * PAGE + 1);
	ck_assert_uint_eq(p->map[3 * PAGE], 7);
	plain_free(p);
	fixture_done(&f);
}
END_TEST

START_TEST(moving_keeps_bytes_and_holes)
{
	static const uint64_t offs[] = { 0, 5 * PAGE + 3, 9u << 20 };
	struct fixture f;
	struct plain *from, *to;
	uint64_t size = (9u << 20) + 100;
	char got[4];
	struct stat st;

	fixture_init(&f, true);
	ck_assert_int_eq(plain_new(&f.home, _i & 1, &from), 0);
	ck_assert_int_eq(plain_new(&f.home, _i & 2, &to), 0);
	ck_assert_int_eq(ftruncate(from->fd, (off_t)size), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pwrite(from->fd, "abcd", 4, (off_t)offs[i]),
				 4);
	ck_assert_int_eq(plain_move(from, to, size), 0);
	ck_assert_int_eq(fstat(to->fd, &st), 0);
	ck_assert_int_eq(st.st_size, (off_t)size);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(pread(to->fd, got, 4, (off_t)offs[i]), 4);
		ck_assert(!memcmp(got, "abcd", 4));
	}
	ck_assert_int_lt(st.st_blocks, 2 * 4096);
	ck_assert_int_eq(pread(to->fd, got, 4, 1 << 20), 4);
	ck_assert(!memcmp(got, "\0\0\0", 4));
	plain_free(from);
	plain_free(to);
	fixture_done(&f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("plain");
	TCase *tc = tcase_create("plain");

	tcase_add_loop_test(tc, only_what_is_filled_costs_dram, 0, 2);
	tcase_add_loop_test(tc, a_cache_is_mapped_and_not_ready, 0, 2);
	tcase_add_loop_test(tc, moving_keeps_bytes_and_holes, 0, 4);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
