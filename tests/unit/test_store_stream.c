/* test_store_stream.c - what is read from front to back, by one and by many */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/handle.h"
#include "fs/store/state.h"
#include "run.h"
#include "store_kit.h"

enum { MIB = 1 << 20, LEN = 24 * MIB + 4321, N_READERS = 24 };

/* A published entry that nobody has read, opened.  Enough DRAM for spares. */
static struct handle *test_cold(struct kit *k, uint8_t **ret_bytes)
{
	struct handle *h;

	kit_init_closed(k);
	k->options.memory = 1024ull * MIB;
	kit_open(k);
	*ret_bytes = kit_bytes(3, LEN);
	ck_assert_int_eq(kit_put(k->store, "a", *ret_bytes, LEN), 0);
	store_drain(k->store);
	kit_close(k);
	kit_open(k);
	ck_assert_int_eq(kit_file(k->store, "a", O_RDONLY, &h), 0);
	return h;
}

static void test_read(struct store *s, struct handle *h, const uint8_t *bytes,
		      size_t off, size_t len)
{
	kit_expect_read(s, h, off, bytes + off,
			len < LEN - off ? len : LEN - off);
}

START_TEST(any_length_in_order)
{
	static const size_t steps[] = { 100000,      256 << 10, MIB - 1, MIB,
					MIB + 12345, 3 * MIB,   10 * MIB };
	struct kit k;
	uint8_t *bytes;
	struct handle *h = test_cold(&k, &bytes);
	size_t step = steps[_i];

	for (size_t off = 0; off < LEN; off += step)
		test_read(k.store, h, bytes, off, step);
	ck_assert_ptr_nonnull(h->stream);
	store_release(k.store, h);
	kit_done(&k);
	free(bytes);
}
END_TEST

/* Copies of what was read before go for a stream's slots. */
START_TEST(there_is_room_when_dram_is_full)
{
	struct kit k;
	uint8_t *bytes, *got;
	size_t len;
	struct handle *h = test_cold(&k, &bytes);

	store_release(k.store, h);
	kit_close(&k);
	k.options.memory = 2ull * LEN + 4 * MIB;
	kit_open(&k);
	ck_assert_int_eq(kit_put(k.store, "b", bytes, LEN), 0);
	ck_assert_int_eq(kit_put(k.store, "c", bytes, LEN), 0);
	store_drain(k.store);
	for (unsigned i = 0; i < 4; i++) {
		const char *name = i % 2 ? "b" : "c";

		ck_assert_int_eq(kit_get(k.store, name, &got, &len), 0);
		free(got);
	}
	struct budget_view v = budget_look(&k.store->budget);
	ck_assert_uint_gt(v.clean + 8 * MIB, v.memory_limit);
	ck_assert_int_eq(kit_file(k.store, "a", O_RDONLY, &h), 0);
	for (size_t off = 0; off < LEN; off += MIB)
		test_read(k.store, h, bytes, off, MIB);
	ck_assert_ptr_nonnull(h->stream);
	store_release(k.store, h);
	kit_done(&k);
	free(bytes);
}
END_TEST

START_TEST(any_order)
{
	struct kit k;
	uint8_t *bytes;
	struct handle *h = test_cold(&k, &bytes);
	uint64_t random = (uint64_t)_i;
	size_t off = 0;

	for (unsigned i = 0; i < 300; i++) {
		uint32_t r = run_random(&random);

		if (r % 8 == 0)
			off = run_random(&random) % LEN;
		if (r % 8 == 1)
			off += run_random(&random) % (4 * MIB);
		if (r % 8 == 2)
			off = 0;
		if (off >= LEN)
			off = 0;
		size_t len = 1 + run_random(&random) % MIB;
		test_read(k.store, h, bytes, off, len);
		off += len;
	}
	store_release(k.store, h);
	kit_done(&k);
	free(bytes);
}
END_TEST

struct reader {
	pthread_t thread;
	struct store *store;
	struct handle *handle;
	const uint8_t *bytes;
	atomic_size_t *next;
	unsigned pause_us;
};

/* The next MiB, replied after a while. */
static void *reader_run(void *arg)
{
	struct reader *p = arg;
	size_t off;

	while ((off = atomic_fetch_add(p->next, MIB)) < LEN) {
		size_t len = LEN - off < MIB ? LEN - off : MIB, at = off;
		struct view v;

		usleep(p->pause_us);
		if (store_read(p->store, p->handle, off, len, &v) < 0)
			return "an error";
		usleep(p->pause_us);
		for (unsigned i = 0; i < v.n_pieces; i++) {
			if (memcmp(v.piece[i].iov_base, p->bytes + at,
				   v.piece[i].iov_len))
				return "other bytes";
			at += v.piece[i].iov_len;
		}
		store_read_done(p->store, &v);
		if (at != off + len)
			return "another length";
	}
	return NULL;
}

START_TEST(many_at_a_time)
{
	struct reader readers[N_READERS];
	atomic_size_t next = 0;
	struct kit k;
	uint8_t *bytes;
	struct handle *h = test_cold(&k, &bytes);

	for (unsigned i = 0; i < N_READERS; i++) {
		readers[i] = (struct reader){ .store = k.store,
					      .handle = h,
					      .bytes = bytes,
					      .next = &next };
		readers[i].pause_us = _i ? i * 100 : 0;
		pthread_create(&readers[i].thread, NULL, reader_run,
			       &readers[i]);
	}
	for (unsigned i = 0; i < N_READERS; i++) {
		void *what;

		pthread_join(readers[i].thread, &what);
		ck_assert_msg(!what, "%s", (char *)what);
	}
	store_release(k.store, h);
	kit_done(&k);
	free(bytes);
}
END_TEST

START_TEST(a_stream_serves_the_next_reader)
{
	struct handle *h[3];
	struct kit k;
	uint8_t *bytes;

	h[0] = test_cold(&k, &bytes);
	store_release(k.store, h[0]);
	for (unsigned i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "b%u", i);
		ck_assert_int_eq(kit_put(k.store, name, bytes, LEN), 0);
	}
	kit_close(&k);
	kit_open(&k);
	uint64_t clean = budget_look(&k.store->budget).clean;
	for (unsigned i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "b%u", i);
		ck_assert_int_eq(kit_file(k.store, name, O_RDONLY, &h[i]), 0);
		for (size_t off = 0; off < 10 * MIB; off += MIB)
			test_read(k.store, h[i], bytes, off, MIB);
		store_release(k.store, h[i]);
	}
	ck_assert_uint_gt(clean, 0);
	ck_assert_uint_eq(budget_look(&k.store->budget).clean, clean);
	kit_done(&k);
	free(bytes);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_stream");
	TCase *tc = tcase_create("stream");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, any_length_in_order, 0, 7);
	tcase_add_test(tc, there_is_room_when_dram_is_full);
	tcase_add_loop_test(tc, any_order, 0, 4);
	tcase_add_loop_test(tc, many_at_a_time, 0, 2);
	tcase_add_test(tc, a_stream_serves_the_next_reader);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
