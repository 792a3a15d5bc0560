/* store_kit.c - a store over a backing directory of its own, for tests */
#include "store_kit.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/registry.h"
#include "run.h"

#define PIECE (1u << 17) /* as the kernel sends them */

static const struct caller NOBODY = { 0, 0 };

void kit_init_closed(struct kit *k)
{
	const char *tmp = getenv("TMPDIR");

	*k = (struct kit){
		.options = { .memory = 64u << 20,
			     .size = 1u << 30,
			     .threads = 2,
			     .alpha = 1,
			     .recompute = 100u << 20,
			     .policy = policy_find("lru") },
	};
	ck_assert_ptr_nonnull(k->options.policy);
	snprintf(k->path, sizeof(k->path), "%.40s/adaptcache.XXXXXX",
		 tmp ? tmp : "/var/tmp");
	ck_assert_ptr_nonnull(mkdtemp(k->path));
}

void kit_init(struct kit *k)
{
	kit_init_closed(k);
	kit_open(k);
}

void kit_open(struct kit *k)
{
	const char *why;

	ck_assert_int_eq(store_open(k->path, &k->options, &k->store, &why), 0);
}

void kit_close(struct kit *k)
{
	k->store = store_close(k->store);
}

static int kit_remove(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void kit_done(struct kit *k)
{
	kit_close(k);
	nftw(k->path, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
}

uint8_t *kit_bytes(uint64_t seed, size_t len)
{
	uint8_t *bytes = malloc(len ? len : 1);
	uint64_t state = seed * 2 + 1;

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = i / 64 % 2 ? (uint8_t)run_random(&state)
				      : (uint8_t)(seed + i / 4096);
	return bytes;
}

static int kit_make(struct store *s, const char *name, struct handle **ret)
{
	struct node *n;
	struct stat st;
	int r = store_create(s, store_root(s), name, 0644, O_RDWR, &NOBODY, &n,
			     &st, ret);

	if (r == 0)
		store_forget(s, n, 1);
	return r;
}

int kit_file(struct store *s, const char *name, int flags, struct handle **ret)
{
	struct node *n;
	struct stat st;
	int r = store_lookup(s, store_root(s), name, &n, &st);

	if (r < 0)
		return r;
	r = store_open_file(s, n, flags, ret);
	store_forget(s, n, 1);
	return r;
}

int kit_put(struct store *s, const char *name, const void *src, size_t len)
{
	struct handle *h;
	int r = kit_make(s, name, &h);

	if (r == -EEXIST)
		r = kit_file(s, name, O_RDWR | O_TRUNC, &h);
	if (r < 0)
		return r;
	for (size_t at = 0, n; r == 0 && at < len; at += n) {
		n = len - at < PIECE ? len - at : PIECE;
		r = store_write(s, h, at, (const char *)src + at, n);
	}
	store_release(s, h);
	return r;
}

int kit_put_seed(struct store *s, const char *name, uint64_t seed, size_t len)
{
	uint8_t *bytes = kit_bytes(seed, len);
	int r = kit_put(s, name, bytes, len);

	free(bytes);
	return r;
}

/* Grows a buffer read from h until the file ends. */
static int kit_read_all(struct store *s, struct handle *h, uint8_t **ret,
			size_t *ret_len)
{
	uint8_t *all = NULL;
	size_t len = 0;

	for (;;) {
		struct view v;
		int r = store_read(s, h, len, PIECE, &v);

		if (r < 0) {
			free(all);
			return r;
		}
		all = realloc(all, len + PIECE);
		ck_assert_ptr_nonnull(all);
		for (unsigned i = 0; i < v.n_pieces; i++) {
			memcpy(all + len, v.piece[i].iov_base,
			       v.piece[i].iov_len);
			len += v.piece[i].iov_len;
		}
		bool end = v.len < PIECE;
		store_read_done(s, &v);
		if (end)
			break;
	}
	*ret = all;
	*ret_len = len;
	return 0;
}

int kit_get(struct store *s, const char *name, uint8_t **ret, size_t *ret_len)
{
	struct handle *h;
	int r = kit_file(s, name, O_RDONLY, &h);

	if (r < 0)
		return r;
	r = kit_read_all(s, h, ret, ret_len);
	store_release(s, h);
	return r;
}

int kit_stat(struct store *s, const char *name, struct stat *ret)
{
	struct node *n;
	int r = store_lookup(s, store_root(s), name, &n, ret);

	if (r == 0)
		store_forget(s, n, 1);
	return r;
}

int kit_unlink(struct store *s, const char *name)
{
	return store_unlink(s, store_root(s), name, false);
}

int kit_rename(struct store *s, const char *from, const char *to)
{
	return store_rename(s, store_root(s), from, store_root(s), to, 0);
}

int kit_truncate(struct store *s, const char *name, uint64_t size)
{
	struct stat to = { .st_size = (off_t)size }, st;
	struct node *n;
	int r = store_lookup(s, store_root(s), name, &n, &st);

	if (r < 0)
		return r;
	r = store_set(s, n, SET_SIZE, &to, &st);
	store_forget(s, n, 1);
	return r;
}

void kit_expect(struct store *s, const char *name, uint64_t seed, size_t len)
{
	uint8_t *want = kit_bytes(seed, len), *got;
	size_t got_len;

	ck_assert_int_eq(kit_get(s, name, &got, &got_len), 0);
	ck_assert_uint_eq(got_len, len);
	ck_assert(!memcmp(want, got, len));
	free(want);
	free(got);
}

void kit_expect_none(struct store *s, const char *name)
{
	struct stat st;

	ck_assert_int_eq(kit_stat(s, name, &st), -ENOENT);
}

void kit_expect_read(struct store *s, struct handle *h, uint64_t off,
		     const void *src, size_t len)
{
	const char *at = src;
	struct view v;

	ck_assert_int_eq(store_read(s, h, off, len, &v), 0);
	ck_assert_uint_eq(v.len, len);
	for (unsigned i = 0; i < v.n_pieces; i++) {
		ck_assert(!memcmp(v.piece[i].iov_base, at, v.piece[i].iov_len));
		at += v.piece[i].iov_len;
	}
	ck_assert_uint_eq(at - (const char *)src, len);
	store_read_done(s, &v);
}

double kit_stat_line(struct store *s, const char *key)
{
	char *text = store_stats_text(s), line[80];
	double value = -1;

	ck_assert_ptr_nonnull(text);
	snprintf(line, sizeof(line), "%s ", key);
	for (char *at = text; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, line, strlen(line)))
			value = atof(at + strlen(line));
	}
	free(text);
	return value;
}

/* Calls count of each file of the directory. */
static uint64_t kit_sum(const struct kit *k, const char *dir,
			uint64_t (*count)(const struct stat *st))
{
	char path[128];
	struct dirent *at;
	struct stat st;
	uint64_t sum = 0;

	snprintf(path, sizeof(path), "%s/%s", k->path, dir);
	DIR *d = opendir(path);
	ck_assert_ptr_nonnull(d);
	while ((at = readdir(d)))
		if (strcmp(at->d_name, ".") && strcmp(at->d_name, "..") &&
		    fstatat(dirfd(d), at->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			0)
			sum += count(&st);
	closedir(d);
	return sum;
}

static uint64_t kit_one(const struct stat *st)
{
	(void)st;
	return 1;
}

static uint64_t kit_blocks(const struct stat *st)
{
	return (uint64_t)st->st_blocks * 512;
}

unsigned kit_count(const struct kit *k, const char *dir)
{
	return (unsigned)kit_sum(k, dir, kit_one);
}

uint64_t kit_bytes_in(const struct kit *k, const char *dir)
{
	return kit_sum(k, dir, kit_blocks);
}
