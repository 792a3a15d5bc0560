/*
 * store_kit.h - a store over a backing directory of its own, for tests
 *
 * No mount is involved.  Whatever fails here that a test did not ask about
 * fails the test.  Not thread-safe, but for what takes a struct store.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fs/store/store.h"

struct kit {
	char path[64]; /* the backing directory, under TMPDIR or /var/tmp */
	struct store_options options;
	struct store *store; /* NULL while closed */
};

/* Makes the directory and opens a store of 64 MiB DRAM, 1 GiB backing. */
void kit_init(struct kit *k);
/* The same, not opened: options may be changed before kit_open. */
void kit_init_closed(struct kit *k);
void kit_open(struct kit *k);
void kit_close(struct kit *k);
/* Closes the store and removes the directory with all that is in it. */
void kit_done(struct kit *k);

/* Bytes of version `seed`: half repeats, half looks random.  malloc'ed. */
uint8_t *kit_bytes(uint64_t seed, size_t len);

/* The functions below return what the store says: 0 or -errno. */

/* Creates or truncates the file, writes it in pieces, releases it. */
int kit_put(struct store *s, const char *name, const void *src, size_t len);
/* As kit_put with the bytes of a seed. */
int kit_put_seed(struct store *s, const char *name, uint64_t seed, size_t len);
/* All bytes of the file, malloc'ed. */
int kit_get(struct store *s, const char *name, uint8_t **ret, size_t *ret_len);
/* Opens a file of the root. */
int kit_file(struct store *s, const char *name, int flags, struct handle **ret);
int kit_stat(struct store *s, const char *name, struct stat *ret);
int kit_unlink(struct store *s, const char *name);
int kit_rename(struct store *s, const char *from, const char *to);
int kit_truncate(struct store *s, const char *name, uint64_t size);

/* Asserts that the file is there and has the bytes of the seed. */
void kit_expect(struct store *s, const char *name, uint64_t seed, size_t len);
/* Asserts that lookup says -ENOENT. */
void kit_expect_none(struct store *s, const char *name);

/* What open handle h has at off, asserted to be len bytes of src. */
void kit_expect_read(struct store *s, struct handle *h, uint64_t off,
		     const void *src, size_t len);

/* The value of one of store_stats_text's lines. */
double kit_stat_line(struct store *s, const char *key);
/* Files in a directory of the backing: "tree", ".tmp", ".quarantine". */
unsigned kit_count(const struct kit *k, const char *dir);
/* The bytes that they take there. */
uint64_t kit_bytes_in(const struct kit *k, const char *dir);
