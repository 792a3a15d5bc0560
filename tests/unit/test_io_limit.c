/* test_io_limit.c - the backing at a given speed: bytes over time */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "codec/mem.h"
#include "fs/store/io_limit.h"

#define PIECE     65536u
#define N_PIECES  64u
#define N_THREADS 4u

static const struct io *io;
static int limited_fd;

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void start(uint64_t bytes_per_s)
{
	char dir[] = "/var/tmp/adaptcache-limit-XXXXXX";
	int at;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	io = io_limit(dir, bytes_per_s);
	ck_assert_ptr_nonnull(io);
	at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	limited_fd = io->create(at, "f");
	ck_assert_int_ge(limited_fd, 0);
	ck_assert_int_eq(io->unlink(at, "f"), 0);
	close(at);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void *move_pieces(void *arg)
{
	unsigned me = *(unsigned *)arg;
	static uint8_t bytes[PIECE];
	uint8_t got[PIECE];

	for (unsigned i = me; i < N_PIECES; i += N_THREADS) {
		uint64_t off = (uint64_t)i * PIECE;

		ck_assert_int_eq(io->write(limited_fd, bytes, PIECE, off), 0);
		ck_assert_int_eq(io->read(limited_fd, got, PIECE, off), PIECE);
	}
	return NULL;
}

/* Of both directions and all threads together. */
START_TEST(test_bytes_take_their_time)
{
	static const uint64_t rates[] = { 8u << 20, 32u << 20 };
	uint64_t rate = rates[_i];
	pthread_t thread[N_THREADS];
	unsigned me[N_THREADS];

	start(rate);
	double since = now_s(), want = 2.0 * N_PIECES * PIECE / (double)rate;
	for (unsigned i = 0; i < N_THREADS; i++) {
		me[i] = i;
		pthread_create(&thread[i], NULL, move_pieces, &me[i]);
	}
	for (unsigned i = 0; i < N_THREADS; i++)
		pthread_join(thread[i], NULL);

	double took = now_s() - since;
	ck_assert_double_ge(took, want * 0.9);
	ck_assert_double_le(took, 10 * want + 2); /* a busy machine is slow */
	close(limited_fd);
}
END_TEST

START_TEST(test_dram_is_not_limited)
{
	static uint8_t bytes[1 << 20];
	auto_close int fd = memfd_create("plain", MFD_CLOEXEC);

	start(1 << 20);
	double since = now_s();
	for (uint64_t i = 0; i < 8; i++)
		ck_assert_int_eq(
		    io->write(fd, bytes, sizeof(bytes), i * sizeof(bytes)), 0);
	ck_assert_int_eq(io->read(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	ck_assert_double_le(now_s() - since, 8); /* limited: 9 */
	close(limited_fd);
}
END_TEST

START_TEST(test_what_is_not_there_is_refused)
{
	ck_assert_ptr_null(io_limit("/nonexistent/backing", 1));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("io_limit");
	TCase *c = tcase_create("rate");
	SRunner *r;
	int n;

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, test_bytes_take_their_time, 0, 2);
	tcase_add_test(c, test_dram_is_not_limited);
	tcase_add_test(c, test_what_is_not_there_is_refused);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	n = srunner_ntests_failed(r);
	srunner_free(r);
	return n ? 1 : 0;
}
