/*
 * test_store_faults.c - the n-th call to the backing fails, for every n
 *
 * A fixed scenario runs over a table of calls that forwards to the kernel's but
 * for one: it fails, tears, or is late; or all from it on fail.  Then a store
 * with sound calls must find each name whole: its old bytes, its new ones, or
 * none where nothing was acknowledged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/io.h"
#include "run.h"
#include "store_kit.h"

enum kind {
	CREATE,
	OPEN,
	WRITE,
	READ,
	SYNC,
	RENAME,
	UNLINK,
	SYNC_ALL,
	SYNC_DIR,
	N_KINDS
};
enum mode { FAIL_IO, FAIL_SPACE, TEAR, LATE, DEAD, N_MODES };

/* A struct io has no context: one fault at a time. */
static struct {
	atomic_int kind; /* N_KINDS: none, or any for DEAD */
	atomic_int mode, left;
} fault;

static void fault_set(int kind, int mode, int n)
{
	fault.kind = kind;
	fault.mode = mode;
	fault.left = n;
}

/* 0, or the -errno that this call ends with. */
static int fault_now(enum kind kind)
{
	int mode = fault.mode;

	if (kind != (enum kind)fault.kind)
		return 0;
	int left = atomic_fetch_sub(&fault.left, 1);
	if (left > 1 || (left < 1 && mode != DEAD))
		return 0;
	if (mode == LATE)
		usleep(5000);
	return mode == LATE ? 0 : mode == FAIL_SPACE ? -ENOSPC : -EIO;
}

static int fault_create(int dir, const char *name)
{
	int r = fault_now(CREATE);

	return r < 0 ? r : io_real.create(dir, name);
}

static int fault_open(int dir, const char *name, int flags)
{
	int r = fault_now(OPEN);

	return r < 0 ? r : io_real.open(dir, name, flags);
}

static int fault_write(int fd, const void *src, size_t len, uint64_t off)
{
	int r = fault_now(WRITE);

	if (r < 0 && fault.mode == TEAR)
		io_real.write(fd, src, len / 2, off);
	return r < 0 ? r : io_real.write(fd, src, len, off);
}

static ssize_t fault_read(int fd, void *dst, size_t len, uint64_t off)
{
	int r = fault_now(READ);

	return r < 0 ? r : io_real.read(fd, dst, len, off);
}

static int fault_sync(int fd)
{
	int r = fault_now(SYNC);

	return r < 0 ? r : io_real.sync(fd);
}

static int fault_rename(int from, const char *a, int to, const char *b)
{
	int r = fault_now(RENAME);

	return r < 0 ? r : io_real.rename(from, a, to, b);
}

/* Nothing is cut here: test_store_layers.c fails that. */
static int fault_cut(int fd, uint64_t len)
{
	return io_real.cut(fd, len);
}

static int fault_unlink(int dir, const char *name)
{
	int r = fault_now(UNLINK);

	return r < 0 ? r : io_real.unlink(dir, name);
}

static int fault_sync_all(int dir)
{
	int r = fault_now(SYNC_ALL);

	return r < 0 ? r : io_real.sync_all(dir);
}

static int fault_sync_dir(int dir)
{
	int r = fault_now(SYNC_DIR);

	return r < 0 ? r : io_real.sync_dir(dir);
}

static const struct io FAULTY = {
	.create = fault_create,
	.open = fault_open,
	.write = fault_write,
	.read = fault_read,
	.sync = fault_sync,
	.cut = fault_cut,
	.rename = fault_rename,
	.unlink = fault_unlink,
	.sync_all = fault_sync_all,
	.sync_dir = fault_sync_dir,
};

/* ---- what a name may turn out to be ---- */

enum { LEN = 150000, N_VERSIONS = 5 };

struct name {
	const char *name;
	unsigned may; /* bit v: the bytes of version v; bit 0: absent */
};

/* Asserts that the file is one of those; an error counts if `sound` is not. */
static void name_check(struct store *s, const struct name *n, bool sound)
{
	uint8_t *got;
	size_t len;
	int r = kit_get(s, n->name, &got, &len);

	if (r < 0) {
		ck_assert_msg(!sound || (r == -ENOENT && n->may & 1),
			      "%s: %s, may be %x", n->name, strerror(-r),
			      n->may);
		return;
	}
	unsigned is = 0;
	for (unsigned v = 1; v < N_VERSIONS; v++) {
		uint8_t *want = kit_bytes(v, LEN);

		if (len == LEN && !memcmp(want, got, LEN))
			is = v;
		free(want);
	}
	free(got);
	ck_assert_msg(is && n->may & 1u << is,
		      "%s: %zu bytes of version %u, may be %x", n->name, len,
		      is, n->may);
}

/* A new file. */
static void step_create(struct store *s, struct name *n, unsigned v)
{
	int r = kit_put_seed(s, n->name, v, LEN);

	n->may |= r == 0 ? 1u | 1u << v : 1u;
}

/* Writes the version over what is there, and syncs: all or nothing. */
static void step_rewrite(struct store *s, struct name *n, unsigned v, int flags)
{
	uint8_t *bytes = kit_bytes(v, LEN);
	struct handle *h;
	int r = kit_file(s, n->name, O_RDWR | flags, &h);

	if (r == 0) {
		for (size_t at = 0; r == 0 && at < LEN; at += LEN / 3)
			r = store_write(s, h, at, bytes + at, LEN / 3);
		if (r == 0)
			n->may |= 1u << v;
		if (r == 0 && store_sync(s, h) == 0)
			n->may = 1u << v;
		store_release(s, h);
	}
	free(bytes);
}

static void step_sync(struct store *s, struct name *n)
{
	struct handle *h;

	if (kit_file(s, n->name, O_RDONLY, &h) < 0)
		return;
	if (store_sync(s, h) == 0)
		n->may &= ~1u;
	store_release(s, h);
}

static void step_rename(struct store *s, struct name *from, struct name *to)
{
	int r = kit_rename(s, from->name, to->name);

	if (r < 0)
		return;
	/* What was staged may be lost whole, but not for what it replaced. */
	to->may = from->may;
	from->may = 1;
}

static void test_first_run(struct store *s, struct name *n)
{
	step_create(s, &n[0], 1);
	step_create(s, &n[1], 1);
	step_create(s, &n[2], 1);
	step_sync(s, &n[0]);
	name_check(s, &n[0], false);
	step_create(s, &n[3], 2);
	store_drain(s);
	step_rename(s, &n[3], &n[1]);
	name_check(s, &n[1], false);
	step_rewrite(s, &n[2], 3, O_TRUNC);
	name_check(s, &n[2], false);
	step_rewrite(s, &n[0], 4, 0);
	step_create(s, &n[4], 1);
	step_create(s, &n[5], 1);
	if (kit_unlink(s, n[5].name) == 0)
		n[5].may = 1;
	name_check(s, &n[4], false);
}

/* Another run of the store: nothing is in DRAM. */
static void test_second_run(struct store *s, struct name *n)
{
	for (int i = 0; i < 6; i++)
		name_check(s, &n[i], false);
	step_rewrite(s, &n[1], 4, 0);
	step_create(s, &n[5], 2);
	step_rename(s, &n[5], &n[2]);
}

/*
 * Nothing staged, nothing promised is left once all was let go, and what is on
 * the backing is counted and known to the policy.
 */
static void test_accounts(const struct kit *k)
{
	struct store *s = k->store;

	store_drain(s);
	while (kit_stat_line(s, "scanned") == 0)
		usleep(1000);
	ck_assert(kit_stat_line(s, "memory_dirty_bytes") == 0);
	ck_assert(kit_stat_line(s, "disk_promised_bytes") == 0);
	if (fault.kind == OPEN && fault.mode == DEAD)
		return; /* the scan could not look, either */
	ck_assert_uint_eq((uint64_t)kit_stat_line(s, "disk_used_bytes"),
			  kit_bytes_in(k, "tree") +
			      kit_bytes_in(k, ".quarantine"));
	ck_assert_uint_eq((unsigned)kit_stat_line(s, "policy_entries"),
			  kit_count(k, "tree"));
}

/* Returns whether the fault was met. */
static bool test_once(int kind, int mode, int n)
{
	struct name names[] = { { .name = "a" }, { .name = "b" },
				{ .name = "c" }, { .name = "new" },
				{ .name = "d" }, { .name = "e" } };
	struct kit k;

	kit_init_closed(&k);
	k.options.io = &FAULTY;
	kit_open(&k);
	fault_set(kind, mode, n);
	test_first_run(k.store, names);
	test_accounts(&k);
	kit_close(&k);
	kit_open(&k);
	test_second_run(k.store, names);
	test_accounts(&k);
	bool fired = fault.left <= 0;
	kit_close(&k);

	fault_set(N_KINDS, 0, 0);
	k.options.io = NULL;
	kit_open(&k);
	ck_assert_uint_eq(kit_count(&k, ".tmp"), 0);
	for (int i = 0; i < 6; i++)
		name_check(k.store, &names[i], true);
	ck_assert_uint_eq(kit_count(&k, ".quarantine"), 0);
	kit_done(&k);
	return fired;
}

START_TEST(names_stay_whole_when_a_call_fails)
{
	int kind = _i % N_KINDS, mode = _i / N_KINDS, n = 1;

	if (mode == TEAR && kind != WRITE)
		return;
	while (test_once(kind, mode, n))
		n++;
	/* Whether entries share a sync is up to the threads. */
	ck_assert(n > 1 || kind == SYNC_ALL);
}
END_TEST

START_TEST(a_link_that_cannot_be_renamed_leaves_no_temporary)
{
	struct kit k;
	struct node *n;
	struct stat st;

	kit_init_closed(&k);
	k.options.io = &FAULTY;
	kit_open(&k);
	fault_set(N_KINDS, 0, 0);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 1, 5000), 0);
	store_drain(k.store);
	ck_assert_int_eq(
	    store_lookup(k.store, store_root(k.store), "a", &n, &st), 0);
	ck_assert_int_eq(store_link(k.store, n, store_root(k.store), "b"), 0);
	fault_set(RENAME, FAIL_IO, 2);
	ck_assert_int_eq(kit_put_seed(k.store, "a", 2, 5000), 0);
	store_drain(k.store);
	ck_assert_int_le(fault.left, 0);
	ck_assert_uint_eq(kit_count(&k, ".tmp"), 0);
	store_forget(k.store, n, 1);
	fault_set(N_KINDS, 0, 0);
	kit_done(&k);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_faults");
	TCase *tc = tcase_create("faults");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, names_stay_whole_when_a_call_fails, 0,
			    N_KINDS * N_MODES);
	tcase_add_test(tc, a_link_that_cannot_be_renamed_leaves_no_temporary);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
