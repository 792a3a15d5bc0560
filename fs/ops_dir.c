/* ops_dir.c - requests about an open directory */
#include <dirent.h>
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mem.h"
#include "fs/control.h"
#include "fs/fs.h"

struct open_dir {
	struct opened opened; /* first */
	DIR *dir;
	off_t at;             /* where dir stands */
	struct dirent *ahead; /* read from dir but not told yet */
};

static void dir_close(struct opened *o)
{
	struct open_dir *d = (struct open_dir *)o;

	closedir(d->dir);
	free(d);
}

static void dir_opendir(fuse_req_t req, fuse_ino_t ino,
			struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	int fd = -1;

	fi->fh = 0;
	if (fs_is_virtual(ino)) {
		fuse_reply_open(req, fi);
		return;
	}
	struct open_dir *d = calloc(1, sizeof(*d));
	int r = d ? store_opendir(fs->store, fs_node(fs, ino), &fd) : -ENOMEM;
	if (r == 0)
		d->dir = fdopendir(fd);
	if (r < 0 || !d->dir) {
		fs_reply_err(req, r < 0 ? r : -ENOMEM);
		if (fd >= 0)
			close(fd);
		free(d);
		return;
	}
	d->opened.close = dir_close;
	opened_add(&fs->opened, &d->opened);
	fi->fh = (uint64_t)d;
	if (fuse_reply_open(req, fi) < 0)
		opened_close(&fs->opened, &d->opened);
}

static void dir_releasedir(fuse_req_t req, fuse_ino_t ino,
			   struct fuse_file_info *fi)
{
	struct open_dir *d = (struct open_dir *)fi->fh;

	(void)ino;
	if (d)
		opened_close(&fs_of(req)->opened, &d->opened);
	fuse_reply_err(req, 0);
}

/*
 * One name with what a lookup says of it.  Returns the bytes it takes, more
 * than len when it does not fit, 0 when it is not to be shown.
 */
static size_t dir_add_plus(fuse_req_t req, fuse_ino_t ino, char *buf,
			   size_t len, const struct dirent *d)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param e = { 0 };
	struct node *n = NULL;
	struct stat st;
	bool dot = !strcmp(d->d_name, ".") || !strcmp(d->d_name, "..");

	if (dot) {
		e.attr.st_ino = d->d_ino;
		e.attr.st_mode = S_IFDIR;
	} else if (store_lookup(fs->store, fs_node(fs, ino), d->d_name, &n,
				&st) == 0) {
		fs_entry(fs, n, &st, &e);
	} else {
		return 0;
	}
	size_t used =
	    fuse_add_direntry_plus(req, buf, len, d->d_name, &e, d->d_off);
	if (used > len && n)
		store_forget(fs->store, n, 1);
	return used;
}

/* The kernel will not see this reply: nor does it know what was looked up. */
static void dir_forget_plus(struct fs *fs, const char *buf, size_t used)
{
	while (used) {
		const struct fuse_direntplus *d = (const void *)buf;
		size_t len = FUSE_DIRENTPLUS_SIZE(d);

		if (d->entry_out.nodeid)
			store_forget(fs->store,
				     fs_node(fs, d->entry_out.nodeid), 1);
		buf += len;
		used -= len;
	}
}

static size_t dir_add(fuse_req_t req, char *buf, size_t len,
		      const struct dirent *d)
{
	struct stat st = {
		.st_ino = d->d_ino,
		.st_mode = (mode_t)d->d_type << 12,
	};

	return fuse_add_direntry(req, buf, len, d->d_name, &st, d->d_off);
}

static void dir_list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		     struct open_dir *d, bool plus)
{
	auto_free char *buf = malloc(size);
	size_t used = 0;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (off != d->at) {
		seekdir(d->dir, off);
		d->ahead = NULL;
		d->at = off;
	}
	for (;;) {
		if (!d->ahead)
			d->ahead = readdir(d->dir);
		if (!d->ahead)
			break;
		size_t n =
		    plus ? dir_add_plus(req, ino, buf + used, size - used,
					d->ahead)
			 : dir_add(req, buf + used, size - used, d->ahead);
		if (n > size - used)
			break;
		used += n;
		d->at = d->ahead->d_off;
		d->ahead = NULL;
	}
	if (fuse_reply_buf(req, buf, used) < 0 && plus)
		dir_forget_plus(fs_of(req), buf, used);
}

static void dir_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			struct fuse_file_info *fi)
{
	if (fs_is_virtual(ino))
		control_readdir(req, size, off, false);
	else
		dir_list(req, ino, size, off, (struct open_dir *)fi->fh, false);
}

static void dir_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			    off_t off, struct fuse_file_info *fi)
{
	if (fs_is_virtual(ino))
		control_readdir(req, size, off, true);
	else
		dir_list(req, ino, size, off, (struct open_dir *)fi->fh, true);
}

static void dir_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			 struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);

	(void)datasync;
	(void)fi;
	fs_reply_err(req, fs_is_virtual(ino)
			      ? 0
			      : store_sync_dir(fs->store, fs_node(fs, ino)));
}

void fs_ops_dirs(struct fuse_lowlevel_ops *ops)
{
	ops->opendir = dir_opendir;
	ops->releasedir = dir_releasedir;
	ops->readdir = dir_readdir;
	ops->readdirplus = dir_readdirplus;
	ops->fsyncdir = dir_fsyncdir;
}
