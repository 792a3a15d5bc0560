/*
 * io.h - the calls that change the backing directory, as a table
 *
 * Whatever may fail, tear or fill up on the backing goes through here, so that
 * a test can make the n-th call fail.  Thread-safe.  Every call returns a value
 * >= 0 or -errno; a write is whole or an error.
 */
#pragma once

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct io {
	/* A new file for writing and reading, mode 0600; -EEXIST if there. */
	int (*create)(int dir, const char *name);
	/* A file to read, without a trace in its access time; or -errno. */
	int (*open)(int dir, const char *name, int flags);
	/* All of len bytes at off, or -errno. */
	int (*write)(int fd, const void *src, size_t len, uint64_t off);
	/* Up to len bytes at off: fewer only where the file ends. */
	ssize_t (*read)(int fd, void *dst, size_t len, uint64_t off);
	/* The file's data on disk. */
	int (*sync)(int fd);
	/* The file ends at len; fd may be read-only, the times stay. */
	int (*cut)(int fd, uint64_t len);
	int (*rename)(int from, const char *a, int to, const char *b);
	int (*unlink)(int dir, const char *name);
	/* Everything of the file system that dir is on. */
	int (*sync_all)(int dir);
	/* The directory's names on disk; dir may be an O_PATH descriptor. */
	int (*sync_dir)(int dir);
};

/* The kernel's own calls. */
extern const struct io io_real;

/* The names in dir, an O_PATH descriptor maybe; NULL: it cannot be read. */
DIR *io_list(const struct io *io, int dir);
