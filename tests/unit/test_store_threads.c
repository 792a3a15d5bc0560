/*
 * test_store_threads.c - threads that share a few names see whole versions
 *
 * Every version of a file is one counter, repeated; a writer replaces a file
 * whole by a rename, or writes at once all there is.  So whatever a reader
 * gets of one file in one read is one counter.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "run.h"
#include "store_kit.h"

enum { N_THREADS = 4, N_NAMES = 6, WORDS = 16384, SECONDS = 3 };

struct worker {
	struct store *store;
	pthread_t thread;
	unsigned number;
	uint64_t random;
	_Atomic uint64_t *counter;
	unsigned n_bad; /* reads of no version, errors that nothing explains */
	char what[128];
	time_t until;
};

static void worker_bad(struct worker *w, const char *op, int r)
{
	w->n_bad++;
	snprintf(w->what, sizeof(w->what), "%s: %d", op, r);
}

/* What other threads did to the name may show as these. */
static void worker_expect(struct worker *w, const char *op, int r)
{
	if (r < 0 && r != -ENOENT && r != -ESTALE && r != -EEXIST)
		worker_bad(w, op, r);
}

static void worker_write(struct worker *w, const char *name)
{
	uint64_t *words = malloc(WORDS * sizeof(*words));
	uint64_t version = atomic_fetch_add(w->counter, 1);
	size_t n = 1 + run_random(&w->random) % WORDS;

	for (size_t i = 0; i < n; i++)
		words[i] = version;
	worker_expect(w, "put", kit_put(w->store, name, words, 8 * n));
	free(words);
}

static void worker_replace(struct worker *w, const char *name)
{
	char own[16];

	snprintf(own, sizeof(own), "own%u", w->number);
	worker_write(w, own);
	worker_expect(w, "rename", kit_rename(w->store, own, name));
}

/* Two writers of one file may have left parts of both lengths: only what one
 * read gets was one write. */
static void worker_read(struct worker *w, const char *name)
{
	struct handle *h;
	struct view v;
	int r = kit_file(w->store, name, O_RDONLY, &h);

	if (r == 0) {
		r = store_read(w->store, h, 0, WORDS * 8, &v);
		if (r == 0) {
			const uint64_t *words = v.piece[0].iov_base;

			for (size_t i = 1; i < v.len / 8; i++)
				if (words[i] > *w->counter) {
					worker_bad(w, "read", (int)words[i]);
					break;
				}
			if (v.len % 8)
				worker_bad(w, "length", (int)v.len);
			store_read_done(w->store, &v);
		}
		store_release(w->store, h);
	}
	worker_expect(w, "read", r);
}

/* A name that is only ever replaced: one version, whole. */
static void worker_read_whole(struct worker *w, const char *name)
{
	uint8_t *bytes;
	size_t len;
	int r = kit_get(w->store, name, &bytes, &len);

	worker_expect(w, "get", r);
	if (r < 0)
		return;
	for (size_t i = 8; i < len; i += 8)
		if (memcmp(bytes, bytes + i, 8)) {
			worker_bad(w, "torn", (int)i);
			break;
		}
	if (!len || len % 8)
		worker_bad(w, "length", (int)len);
	free(bytes);
}

static void worker_sync(struct worker *w, const char *name)
{
	struct handle *h;
	int r = kit_file(w->store, name, O_RDWR, &h);

	if (r == 0) {
		r = store_sync(w->store, h);
		store_release(w->store, h);
	}
	worker_expect(w, "sync", r);
}

static void worker_step(struct worker *w)
{
	struct stat st;
	char name[16], whole[16];

	snprintf(name, sizeof(name), "n%u", run_random(&w->random) % N_NAMES);
	snprintf(whole, sizeof(whole), "w%u", run_random(&w->random) % N_NAMES);
	switch (run_random(&w->random) % 10) {
	case 0:
	case 1:
		worker_replace(w, whole);
		break;
	case 2:
		worker_write(w, name);
		break;
	case 3:
	case 4:
		worker_read_whole(w, whole);
		break;
	case 5:
		worker_read(w, name);
		break;
	case 6:
		worker_sync(w, run_random(&w->random) % 2 ? name : whole);
		break;
	case 7:
		worker_expect(w, "stat", kit_stat(w->store, name, &st));
		worker_expect(w, "stat", kit_stat(w->store, whole, &st));
		break;
	case 8:
		worker_expect(
		    w, "truncate",
		    kit_truncate(w->store, name,
				 8 * (run_random(&w->random) % WORDS)));
		break;
	default:
		worker_expect(w, "unlink",
			      kit_unlink(w->store, run_random(&w->random) % 2
						       ? name
						       : whole));
	}
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	while (time(NULL) < w->until && !w->n_bad)
		worker_step(w);
	return NULL;
}

/* _i: with DRAM for all, and with DRAM for next to nothing. */
START_TEST(readers_see_whole_versions)
{
	struct kit k;
	struct worker workers[N_THREADS];
	_Atomic uint64_t counter = 1;

	kit_init_closed(&k);
	if (_i)
		k.options.memory = 300 << 10;
	kit_open(&k);
	for (unsigned i = 0; i < N_THREADS; i++) {
		workers[i] = (struct worker){ .store = k.store,
					      .number = i,
					      .random = i,
					      .counter = &counter,
					      .until = time(NULL) + SECONDS };
		pthread_create(&workers[i].thread, NULL, worker_run,
			       &workers[i]);
	}
	for (unsigned i = 0; i < N_THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		ck_assert_msg(!workers[i].n_bad, "%s", workers[i].what);
	}
	store_drain(k.store);
	ck_assert(kit_stat_line(k.store, "memory_dirty_bytes") == 0);
	ck_assert(kit_stat_line(k.store, "disk_promised_bytes") == 0);
	ck_assert(kit_stat_line(k.store, "dropped_writes_total") <= 0);
	kit_close(&k);
	kit_open(&k);
	for (unsigned i = 0; i < N_NAMES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "w%u", i);
		workers[0].store = k.store;
		worker_read_whole(&workers[0], name);
		ck_assert_msg(!workers[0].n_bad, "%s", workers[0].what);
		kit_unlink(k.store, name);
		snprintf(name, sizeof(name), "n%u", i);
		kit_unlink(k.store, name);
		snprintf(name, sizeof(name), "own%u", i);
		kit_unlink(k.store, name);
	}
	store_drain(k.store);
	ck_assert(kit_stat_line(k.store, "disk_used_bytes") == 0);
	ck_assert(kit_stat_line(k.store, "memory_clean_bytes") == 0);
	kit_close(&k);
	ck_assert_uint_eq(kit_count(&k, "tree"), 0);
	ck_assert_uint_eq(kit_count(&k, ".quarantine"), 0);
	kit_done(&k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_threads");
	TCase *tc = tcase_create("threads");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, readers_see_whole_versions, 0, 2);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
