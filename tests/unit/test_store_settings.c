/*
 * test_store_settings.c - settings change while entries come, move and go
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fs/store/quota.h"
#include "fs/store/settings.h"
#include "policy/registry.h"
#include "run.h"
#include "store_kit.h"

enum { N_WRITERS = 3, N_DIRS = 2, N_NAMES = 24, SECONDS = 3 };

#define KIB         1024u
#define QUOTA_BYTES (2048u * KIB)
#define QUOTA       "2048K"

static const struct caller NOBODY = { 0, 0 };

struct shared {
	struct store *store;
	struct node *dir[N_DIRS];
	time_t until;
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	uint64_t random;
	int bad; /* the first error that nothing explains */
};

/* Others evict, rename and fill; nothing else may go wrong. */
static void worker_expect(struct worker *w, int r)
{
	if (r < 0 && r != -ENOENT && r != -ESTALE && r != -ENOSPC &&
	    r != -EEXIST && r != -EIO && r != -ENODATA)
		w->bad = r;
}

static struct node *worker_dir(struct worker *w)
{
	return w->shared->dir[run_random(&w->random) % N_DIRS];
}

static void worker_write(struct worker *w, const char *name)
{
	struct store *s = w->shared->store;
	struct node *dir = worker_dir(w), *n;
	size_t len = 64 * KIB + run_random(&w->random) % (512 * KIB);
	struct handle *h;
	struct stat st;
	uint8_t *bytes = kit_bytes(run_random(&w->random), len);
	int r =
	    store_create(s, dir, name, 0600, O_WRONLY, &NOBODY, &n, &st, &h);

	worker_expect(w, r);
	if (r == 0) {
		worker_expect(w, store_write(s, h, 0, bytes, len));
		worker_expect(w, store_sync(s, h));
		store_release(s, h);
		store_forget(s, n, 1);
	}
	free(bytes);
}

static void *worker_files(void *arg)
{
	struct worker *w = arg;
	struct store *s = w->shared->store;
	char name[16], to[16];

	while (time(NULL) < w->shared->until) {
		snprintf(name, sizeof(name), "f%u",
			 run_random(&w->random) % N_NAMES);
		snprintf(to, sizeof(to), "f%u",
			 run_random(&w->random) % N_NAMES);
		switch (run_random(&w->random) % 4) {
		case 0:
			worker_expect(
			    w, store_unlink(s, worker_dir(w), name, false));
			break;
		case 1:
			worker_expect(w, store_rename(s, worker_dir(w), name,
						      worker_dir(w), to, 0));
			break;
		default:
			worker_write(w, name);
		}
	}
	return NULL;
}

static void *worker_settings(void *arg)
{
	static const struct {
		const char *name, *value;
	} all[] = {
		{ "pin", "1" },        { "pin", "soft:1s" }, { "pin", "" },
		{ "priority", "70" },  { "priority", "" },   { "ttl", "1h" },
		{ "quality", "fair" }, { "tier", "ssd" },    { "tier", "mem" },
	};
	struct worker *w = arg;
	struct store *s = w->shared->store;
	const struct policy *policies[] = { policy_find("lru"),
					    policy_find("adapt") };

	while (time(NULL) < w->shared->until) {
		unsigned i = run_random(&w->random) % 9;
		struct node *dir = worker_dir(w);
		struct tuning tuning;
		const char *why;
		char *text;

		worker_expect(w, settings_set(s, dir, all[i].name, all[i].value,
					      strlen(all[i].value), 0));
		if (settings_effective(s, dir, all[i].name, &text) == 0)
			free(text);
		store_tuning(s, &tuning);
		tuning.policy = policies[i % 2];
		tuning.high = 80 + i;
		tuning.low = 70 + i;
		worker_expect(w, store_tune(s, &tuning, &why));
	}
	return NULL;
}

static void test_dirs(struct shared *all)
{
	struct stat st;

	for (unsigned i = 0; i < N_DIRS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d%u", i);
		ck_assert_int_eq(store_mknod(all->store, store_root(all->store),
					     name, S_IFDIR | 0700, 0, &NOBODY),
				 0);
		ck_assert_int_eq(store_lookup(all->store,
					      store_root(all->store), name,
					      &all->dir[i], &st),
				 0);
		ck_assert_int_eq(settings_set(all->store, all->dir[i], "quota",
					      QUOTA, strlen(QUOTA), 0),
				 0);
	}
}

/* What the directory has, by the facts of its files. */
static uint64_t test_stored(struct shared *all, struct node *dir)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < N_NAMES; i++) {
		struct store_facts facts;
		struct node *n;
		struct stat st;
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		if (store_lookup(all->store, dir, name, &n, &st) < 0)
			continue;
		ck_assert_int_eq(store_facts(all->store, n, &facts), 0);
		sum += facts.stored;
		store_forget(all->store, n, 1);
	}
	return sum;
}

/* _i: whether size= is in the way as well. */
START_TEST(quotas_and_sums_hold_under_all_of_it)
{
	struct kit k;
	struct worker w[N_WRITERS + 1];
	struct shared all = { .until = time(NULL) + SECONDS };

	kit_init_closed(&k);
	k.options.size = _i ? 5 * QUOTA_BYTES / 2 : 32ull * QUOTA_BYTES;
	kit_open(&k);
	all.store = k.store;
	test_dirs(&all);
	for (unsigned i = 0; i <= N_WRITERS; i++) {
		w[i] = (struct worker){ .shared = &all, .random = i };
		pthread_create(&w[i].thread, NULL,
			       i ? worker_files : worker_settings, &w[i]);
	}
	for (unsigned i = 0; i <= N_WRITERS; i++) {
		pthread_join(w[i].thread, NULL);
		ck_assert_int_eq(w[i].bad, 0);
	}
	store_drain(k.store);
	uint64_t sum = 0;
	for (unsigned i = 0; i < N_DIRS; i++) {
		uint64_t used = quota_used(k.store, all.dir[i]);

		ck_assert_uint_le(used, QUOTA_BYTES);
		ck_assert_uint_eq(used, test_stored(&all, all.dir[i]));
		sum += used;
		store_forget(k.store, all.dir[i], 1);
	}
	ck_assert(kit_stat_line(k.store, "disk_used_bytes") == (double)sum);
	ck_assert(kit_stat_line(k.store, "evicted") > 0);
	kit_done(&k);
}
END_TEST

START_TEST(what_holds_is_found_again_by_another_store)
{
	struct kit k;
	struct node *n;
	struct stat st;

	kit_init(&k);
	ck_assert_int_eq(kit_put_seed(k.store, "f", 1, 100000), 0);
	for (int again = 0; again < 2; again++) {
		ck_assert_int_eq(
		    store_lookup(k.store, store_root(k.store), "f", &n, &st),
		    0);
		if (!again) {
			ck_assert(settings_quality(k.store, n) == 0);
			ck_assert_int_eq(settings_set(k.store,
						      store_root(k.store),
						      "quality", "good", 4, 0),
					 0);
			ck_assert_int_eq(
			    settings_set(k.store, n, "task", "chat", 4, 0), 0);
		}
		struct setting task = settings_get(k.store, n, SETTING_TASK);
		ck_assert(settings_quality(k.store, n) == 0.005);
		ck_assert_str_eq(task.text, "chat");
		store_forget(k.store, n, 1);
		kit_close(&k);
		kit_open(&k);
	}
	kit_done(&k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_settings");
	TCase *tc = tcase_create("store_settings");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, quotas_and_sums_hold_under_all_of_it, 0, 2);
	tcase_add_test(tc, what_holds_is_found_again_by_another_store);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
