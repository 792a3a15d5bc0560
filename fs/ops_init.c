/* ops_init.c - what is agreed with the kernel at the start */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/fs.h"

#define MAX_WRITE (1u << 20)

static void fs_want(struct fuse_conn_info *conn, unsigned cap, bool on)
{
	if (on && conn->capable & cap)
		conn->want |= cap;
	else
		conn->want &= ~cap;
}

/*
 * A mapping is read in the pieces that the kernel reads ahead, 128 KiB if
 * nobody says more; only here can that be said.  Without the right to, it
 * stays so.
 */
static void fs_read_ahead(const char *mountpoint)
{
	char path[64], text[16];
	struct statx at;

	/* the number alone: nothing is asked of us, who could not answer */
	if (statx(AT_FDCWD, mountpoint, AT_STATX_DONT_SYNC, 0, &at) < 0)
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb",
		 at.stx_dev_major, at.stx_dev_minor);
	int len = snprintf(text, sizeof(text), "%u", MAX_WRITE >> 10);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	ssize_t n = write(fd, text, (size_t)len);

	(void)n;
	close(fd);
}

static void fs_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fs *fs = userdata;

	conn->max_write = MAX_WRITE;
	conn->max_readahead = MAX_WRITE;
	fs_read_ahead(fs->options.mountpoint);
	conn->max_background = 64;
	conn->congestion_threshold = 48;
	conn->time_gran = 1;

	/* No write-back: an acknowledged write is ours to account for. */
	fs_want(conn, FUSE_CAP_WRITEBACK_CACHE, false);
	/* Set-id bits are taken off by the kernel's own setattr. */
	fs_want(conn, FUSE_CAP_HANDLE_KILLPRIV, false);
	/* Nobody changes a file behind the kernel's back. */
	fs_want(conn, FUSE_CAP_AUTO_INVAL_DATA, false);
	/* Pipes are slower than one copy here. */
	fs_want(conn, FUSE_CAP_SPLICE_READ, false);
	fs_want(conn, FUSE_CAP_SPLICE_WRITE, false);
	fs_want(conn, FUSE_CAP_SPLICE_MOVE, false);
	fs_want(conn, FUSE_CAP_READDIRPLUS, true);
	fs_want(conn, FUSE_CAP_READDIRPLUS_AUTO, false);
	fs_want(conn, FUSE_CAP_ASYNC_DIO, true);
	fs_want(conn, FUSE_CAP_ATOMIC_O_TRUNC, true);
	fs_want(conn, FUSE_CAP_PARALLEL_DIROPS, true);
#ifdef FUSE_CAP_DIRECT_IO_ALLOW_MMAP
	fs_want(conn, FUSE_CAP_DIRECT_IO_ALLOW_MMAP, true);
	fs->direct = conn->want & FUSE_CAP_DIRECT_IO_ALLOW_MMAP;
#endif
	passthrough_ask(&fs->pass, conn);

	if (fs->ready_fd >= 0) {
		/* The parent may go: this is the kernel asking for us. */
		ssize_t n = write(fs->ready_fd, "+", 1);

		(void)n;
		close(fs->ready_fd);
		fs->ready_fd = -1;
	}
}

void fs_ops_fill(struct fuse_lowlevel_ops *ops)
{
	*ops = (struct fuse_lowlevel_ops){ .init = fs_init };
	fs_ops_names(ops);
	fs_ops_dirs(ops);
	fs_ops_files(ops);
	fs_ops_xattrs(ops);
}
