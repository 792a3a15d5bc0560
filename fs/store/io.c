/* io.c - the calls that change the backing directory, as the kernel does them
 */
#include "fs/store/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/mem.h"

static int io_create(int dir, const char *name)
{
	int fd = openat(
	    dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOATIME | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int io_open(int dir, const char *name, int flags)
{
	int how = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags;
	int fd = openat(dir, name, how | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = openat(dir, name, how); /* not its owner */
	if (fd < 0)
		return -errno;
	/* A look at the head shall not read megabytes ahead. */
	if (!(flags & O_DIRECTORY))
		posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	return fd;
}

static int io_write(int fd, const void *src, size_t len, uint64_t off)
{
	const char *at = src;

	while (len) {
		ssize_t n = pwrite(fd, at, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static ssize_t io_read(int fd, void *dst, size_t len, uint64_t off)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n =
		    pread(fd, (char *)dst + got, len - got, (off_t)(off + got));

		if (n < 0 && errno == EINTR)
			continue;
		/* With O_DIRECT the rest after a ragged end is no offset. */
		if (n < 0 && errno == EINVAL && got)
			break;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int io_sync(int fd)
{
	return fdatasync(fd) < 0 ? -errno : 0;
}

static int io_cut(int fd, uint64_t len)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	auto_close int to = open(path, O_WRONLY | O_CLOEXEC);

	if (to < 0 || fstat(to, &st) < 0)
		return -errno;

	struct timespec times[2] = { st.st_atim, st.st_mtim };
	if (ftruncate(to, (off_t)len) < 0 || futimens(to, times) < 0)
		return -errno;
	return 0;
}

static int io_rename(int from, const char *a, int to, const char *b)
{
	return renameat(from, a, to, b) < 0 ? -errno : 0;
}

static int io_unlink(int dir, const char *name)
{
	return unlinkat(dir, name, 0) < 0 ? -errno : 0;
}

static int io_sync_all(int dir)
{
	auto_close int fd =
	    openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return syncfs(fd) < 0 ? -errno : 0;
}

static int io_sync_dir(int dir)
{
	auto_close int fd =
	    openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

DIR *io_list(const struct io *io, int dir)
{
	auto_close int fd = io->open(dir, ".", O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		steal_fd(&fd);
	return d;
}

const struct io io_real = {
	.create = io_create,
	.open = io_open,
	.write = io_write,
	.read = io_read,
	.sync = io_sync,
	.cut = io_cut,
	.rename = io_rename,
	.unlink = io_unlink,
	.sync_all = io_sync_all,
	.sync_dir = io_sync_dir,
};
