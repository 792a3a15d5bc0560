/* plain.c - an entry's plain bytes, in a file of the store's own */
#include "fs/store/plain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "codec/mem.h"
#include "fs/store/local.h"

#define MOVE_BYTES (1u << 20)

/*
 * A tmpfs that no path leads to.  Huge pages where a file is long enough for
 * one: they make a read of DRAM twice as fast, and cost small files nothing.
 */
static int home_tmpfs(void)
{
	auto_close int fs = (int)syscall(SYS_fsopen, "tmpfs", 1 /* cloexec */);

	if (fs < 0)
		return -1;
	/* The store's budget is the limit, not the file system's. */
	syscall(SYS_fsconfig, fs, 1 /* string */, "size", "0", 0);
	syscall(SYS_fsconfig, fs, 1, "nr_inodes", "0", 0);
	syscall(SYS_fsconfig, fs, 1, "huge", "within_size", 0);
	if (syscall(SYS_fsconfig, fs, 6 /* create */, NULL, NULL, 0) < 0)
		return -1;
	return (int)syscall(SYS_fsmount, fs, 1 /* cloexec */, 0);
}

void plain_home_init(struct plain_home *h, int backing)
{
	h->dram = home_tmpfs();
	h->backing = backing;
}

void plain_home_done(struct plain_home *h)
{
	if (h->dram >= 0)
		close(h->dram);
	h->dram = -1;
}

/* A file without a name, also where the file system has no O_TMPFILE. */
static int home_nameless(int dir)
{
	static atomic_uint count;
	char name[32];
	int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	snprintf(name, sizeof(name), "plain.%u", atomic_fetch_add(&count, 1));
	fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		unlinkat(dir, name, 0);
	return fd;
}

static int home_file(const struct plain_home *h, bool in_dram)
{
	int fd;

	if (in_dram && h->dram < 0)
		fd = memfd_create("adaptcache", MFD_CLOEXEC);
	else
		fd = home_nameless(in_dram ? h->dram : h->backing);
	return fd < 0 ? -errno : fd;
}

int plain_new(const struct plain_home *h, bool in_dram, struct plain **ret)
{
	int fd = home_file(h, in_dram);

	if (fd < 0)
		return fd;
	struct plain *p = calloc(1, sizeof(*p));
	if (!p) {
		close(fd);
		return -ENOMEM;
	}
	p->fd = fd;
	p->in_dram = in_dram;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	*ret = p;
	return 0;
}

int plain_new_cache(const struct plain_home *h, uint64_t size, uint32_t n_tiles,
		    struct plain **ret)
{
	struct plain *p;
	int r = plain_new(h, true, &p);

	if (r < 0)
		return r;
	p->tile = calloc(n_tiles ? n_tiles : 1, 1);
	p->n_tiles = n_tiles;
	if (!p->tile || ftruncate(p->fd, (off_t)size) < 0) {
		plain_free(p);
		return -ENOMEM;
	}
	plain_map(p, size);
	if (size && !p->map) {
		plain_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

struct plain *plain_free(struct plain *p)
{
	if (!p)
		return NULL;
	plain_unmap(p);
	close(p->fd);
	free(p->tile);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->changed);
	free(p);
	return NULL;
}

void plain_map(struct plain *p, uint64_t size)
{
	if (p->map || !size || !p->in_dram)
		return;
	void *map =
	    mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (map == MAP_FAILED)
		return;
	p->map = map;
	p->map_len = size;
}

void plain_unmap(struct plain *p)
{
	if (p->map)
		munmap(p->map, p->map_len);
	p->map = NULL;
}

uint64_t plain_cost(const struct plain *p)
{
	struct stat st;

	if (!p->in_dram || fstat(p->fd, &st) < 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}

int plain_move(const struct plain *from, struct plain *to, uint64_t size)
{
	char *buf = local_buf(LOCAL_PLAIN, MOVE_BYTES);

	if (!buf)
		return -ENOMEM;
	if (ftruncate(to->fd, (off_t)size) < 0)
		return -errno;

	for (off_t at = 0; (uint64_t)at < size;) {
		at = lseek(from->fd, at, SEEK_DATA);
		if (at < 0)
			return errno == ENXIO ? 0 : -errno;
		ssize_t n = pread(from->fd, buf, MOVE_BYTES, at);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if (pwrite(to->fd, buf, (size_t)n, at) != n)
			return -ENOSPC;
		at += n;
	}
	return 0;
}

bool plain_complete(struct plain *p)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	return !p->tile || p->n_ready == p->n_tiles;
}
