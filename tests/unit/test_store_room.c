/* test_store_room.c - limits hold, and what is let go is given back */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/state.h"
#include "run.h"
#include "store_kit.h"

enum { MIB = 1 << 20, N_WRITERS = 4, PAGE = 4096 };

struct sampler {
	struct store *store;
	pthread_t thread;
	atomic_bool stop;
	uint64_t most_memory, most_dirty, most_disk;
};

static void *sampler_run(void *arg)
{
	struct sampler *p = arg;

	while (!p->stop) {
		struct budget_view v = budget_look(&p->store->budget);

		if (v.dirty + v.clean > p->most_memory)
			p->most_memory = v.dirty + v.clean;
		if (v.dirty > p->most_dirty)
			p->most_dirty = v.dirty;
		if (v.disk_used + v.disk_promised > p->most_disk)
			p->most_disk = v.disk_used + v.disk_promised;
		usleep(200);
	}
	return NULL;
}

static void sampler_start(struct sampler *p, struct store *s)
{
	*p = (struct sampler){ .store = s };
	ck_assert_int_eq(pthread_create(&p->thread, NULL, sampler_run, p), 0);
}

/* slack: a page more than asked for is filled all the same (budget.h). */
static void sampler_end(struct sampler *p, uint64_t slack)
{
	p->stop = true;
	pthread_join(p->thread, NULL);
	struct budget_view v = budget_look(&p->store->budget);
	ck_assert_uint_le(p->most_memory, v.memory_limit + slack);
	ck_assert_uint_le(p->most_dirty, v.dirty_limit + slack);
	ck_assert_uint_le(p->most_disk, v.disk_limit + slack);
}

struct writer {
	struct store *store;
	pthread_t thread;
	unsigned number;
	size_t len;
	unsigned n_files;
	int error; /* the first */
};

static void *writer_run(void *arg)
{
	struct writer *w = arg;
	char name[32];

	for (unsigned i = 0; i < w->n_files; i++) {
		snprintf(name, sizeof(name), "f%u.%u", w->number, i);
		int r =
		    kit_put_seed(w->store, name, w->number * 100 + i, w->len);
		if (r < 0 && !w->error)
			w->error = r;
	}
	return NULL;
}

static int test_write_all(struct store *s, unsigned n_files, size_t len)
{
	struct writer writers[N_WRITERS];
	int error = 0;

	for (unsigned i = 0; i < N_WRITERS; i++) {
		writers[i] = (struct writer){
			.store = s, .number = i, .len = len, .n_files = n_files
		};
		pthread_create(&writers[i].thread, NULL, writer_run,
			       &writers[i]);
	}
	for (unsigned i = 0; i < N_WRITERS; i++) {
		pthread_join(writers[i].thread, NULL);
		error = error ? error : writers[i].error;
	}
	return error;
}

/* Unlinks all; nothing may stay counted. */
static void test_empty(struct store *s, unsigned n_files)
{
	char name[32];

	store_drain(s);
	for (unsigned w = 0; w < N_WRITERS; w++)
		for (unsigned i = 0; i < n_files; i++) {
			snprintf(name, sizeof(name), "f%u.%u", w, i);
			int r = kit_unlink(s, name);
			ck_assert(r == 0 || r == -ENOENT);
		}
	pool_drain(s->pool);
	struct budget_view v = budget_look(&s->budget);
	ck_assert_uint_eq(v.dirty, 0);
	ck_assert_uint_eq(v.clean, 0);
	ck_assert_uint_eq(v.disk_promised, 0);
	ck_assert_uint_eq(v.disk_used, 0);
	ck_assert_uint_eq(s->n_entries, 0);
}

static const size_t LENS[] = { 3 * PAGE, 300 * 1024, 3 * MIB, 12 * MIB };
static const unsigned N_FILES[] = { 40, 12, 4, 1 };

/* Files of every length against 8 MiB of DRAM, the last longer than all. */
START_TEST(memory_holds_for_writers_and_readers)
{
	struct kit k;
	struct sampler p;

	kit_init_closed(&k);
	k.options.memory = 8 * MIB;
	kit_open(&k);
	sampler_start(&p, k.store);
	ck_assert_int_eq(test_write_all(k.store, N_FILES[_i], LENS[_i]), 0);
	for (int again = 0; again < 2; again++)
		for (unsigned w = 0; w < N_WRITERS; w++)
			kit_expect(
			    k.store,
			    (char[]){ 'f', (char)('0' + w), '.', '0', 0 },
			    w * 100, LENS[_i]);
	sampler_end(&p, N_WRITERS * PAGE);
	test_empty(k.store, N_FILES[_i]);
	kit_done(&k);
}
END_TEST

/* One byte changed in each of many published files stages all of each. */
START_TEST(memory_holds_for_changes_in_place)
{
	enum { N = 16 };
	struct kit k;
	struct sampler p;
	struct handle *h[N];
	char name[32];

	kit_init_closed(&k);
	k.options.memory = 8 * MIB;
	kit_open(&k);
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "f0.%u", i);
		ck_assert_int_eq(kit_put_seed(k.store, name, i, 2 * MIB), 0);
	}
	kit_close(&k);
	kit_open(&k);
	sampler_start(&p, k.store);
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "f0.%u", i);
		ck_assert_int_eq(kit_file(k.store, name, O_RDWR, &h[i]), 0);
		ck_assert_int_eq(store_write(k.store, h[i], 5, "x", 1), 0);
	}
	sampler_end(&p, PAGE);
	for (unsigned i = 0; i < N; i++)
		store_release(k.store, h[i]);
	test_empty(k.store, N);
	kit_done(&k);
}
END_TEST

/* More than the backing may hold: the old goes, the new is whole. */
START_TEST(size_holds_and_the_oldest_go)
{
	struct kit k;
	struct sampler p;
	uint8_t *got;
	size_t len;
	unsigned n_there = 0;

	kit_init_closed(&k);
	k.options.size = 4 * MIB;
	kit_open(&k);
	sampler_start(&p, k.store);
	for (unsigned i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f0.%u", i);
		ck_assert_int_eq(kit_put_seed(k.store, name, i, 300000), 0);
		store_drain(k.store);
	}
	sampler_end(&p, 0);
	for (unsigned i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f0.%u", i);
		int r = kit_get(k.store, name, &got, &len);
		ck_assert(r == 0 || r == -ENOENT);
		if (r == 0) {
			free(got);
			kit_expect(k.store, name, i, 300000);
			n_there++;
		}
	}
	ck_assert_uint_ge(n_there, 5);
	ck_assert_uint_le(n_there, 39);
	test_empty(k.store, 40);
	kit_done(&k);
}
END_TEST

START_TEST(what_found_no_room_leaves_no_trace)
{
	struct kit k;

	kit_init_closed(&k);
	k.options.size = 2 * MIB;
	kit_open(&k);
	ck_assert_int_eq(test_write_all(k.store, 1, 5 * MIB), -ENOSPC);
	store_drain(k.store);
	kit_expect_none(k.store, "f0.0");
	ck_assert_uint_eq(kit_count(&k, "tree"), 0);
	test_empty(k.store, 1);
	kit_close(&k);
	ck_assert_uint_eq(kit_count(&k, ".tmp"), 0);
	kit_done(&k);
}
END_TEST

START_TEST(a_write_that_found_no_room_does_not_spoil_the_next)
{
	struct kit k;
	struct handle *h;
	uint8_t *bytes = kit_bytes(1, 300000);
	static uint8_t big[3 * MIB];

	kit_init_closed(&k);
	k.options.size = 2 * MIB;
	kit_open(&k);
	ck_assert_int_eq(kit_put(k.store, "f0.0", bytes, 300000), 0);
	store_drain(k.store);
	ck_assert_int_eq(kit_file(k.store, "f0.0", O_RDWR, &h), 0);
	kit_expect_read(k.store, h, 0, bytes, 1000); /* keeps it in DRAM */
	ck_assert_int_eq(store_write(k.store, h, 0, big, sizeof(big)), -ENOSPC);
	store_release(k.store, h);
	kit_expect(k.store, "f0.0", 1, 300000);
	memset(bytes, 7, 1000);
	ck_assert_int_eq(kit_file(k.store, "f0.0", O_RDWR, &h), 0);
	ck_assert_int_eq(store_write(k.store, h, 0, bytes, 1000), 0);
	store_release(k.store, h);
	store_drain(k.store);
	ck_assert_int_eq(kit_file(k.store, "f0.0", O_RDONLY, &h), 0);
	kit_expect_read(k.store, h, 0, bytes, 300000);
	store_release(k.store, h);
	test_empty(k.store, 1);
	kit_done(&k);
	free(bytes);
}
END_TEST

/* Reading holes must not fill DRAM with zeros that nobody counts. */
START_TEST(holes_that_are_read_cost_no_dram)
{
	struct kit k;
	struct handle *h;
	struct stat st;
	enum { LEN = 256 * MIB };

	kit_init_closed(&k);
	k.options.memory = 8 * MIB;
	kit_open(&k);
	ck_assert_int_eq(kit_put(k.store, "f0.0", "x", 1), 0);
	ck_assert_int_eq(kit_truncate(k.store, "f0.0", LEN), 0);
	store_drain(k.store);
	ck_assert_int_eq(kit_file(k.store, "f0.0", O_RDONLY, &h), 0);
	for (uint64_t off = 0; off < LEN; off += PAGE) {
		struct view v;

		ck_assert_int_eq(store_read(k.store, h, off, PAGE, &v), 0);
		ck_assert_uint_eq(((const uint8_t *)v.piece[0].iov_base)[1], 0);
		store_read_done(k.store, &v);
	}
	int fd = store_pass(k.store, h);
	if (fd >= 0) {
		ck_assert_int_eq(fstat(fd, &st), 0);
		ck_assert_int_le(st.st_blocks * 512, 8 * MIB);
	}
	store_release(k.store, h);
	test_empty(k.store, 1);
	kit_done(&k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_room");
	TCase *tc = tcase_create("room");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, memory_holds_for_writers_and_readers, 0, 4);
	tcase_add_test(tc, memory_holds_for_changes_in_place);
	tcase_add_test(tc, size_holds_and_the_oldest_go);
	tcase_add_test(tc, what_found_no_room_leaves_no_trace);
	tcase_add_test(tc, a_write_that_found_no_room_does_not_spoil_the_next);
	tcase_add_test(tc, holes_that_are_read_cost_no_dram);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
