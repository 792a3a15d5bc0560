/* ops_file.c - requests about an open file */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "codec/mem.h"
#include "fs/control.h"
#include "fs/fs.h"

static struct handle *file_handle(const struct fuse_file_info *fi)
{
	return (struct handle *)fi->fh;
}

/*
 * How the kernel asks for this open's bytes: in large requests straight from
 * the reader's memory.  An opener with O_DIRECT has that anyway, and in
 * parallel, as long as we do not ask for it.
 */
static void file_mode(fuse_req_t req, fuse_ino_t ino, struct handle *h,
		      struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);

	fi->fh = (uint64_t)h;
	fi->direct_io = fs->direct && !(fi->flags & O_DIRECT);
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 15)
	fi->parallel_direct_writes = 1;
#endif
	fi->keep_cache = !fi->direct_io;
	passthrough_open(&fs->pass, req, ino, fs->store, h, fi);
}

static void file_drop(fuse_req_t req, fuse_ino_t ino, struct handle *h)
{
	struct fs *fs = fs_of(req);

	passthrough_release(&fs->pass, req, ino);
	store_release(fs->store, h);
}

static void file_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *h;

	if (fs_is_virtual(ino)) {
		control_open(req, ino, fi);
		return;
	}
	int r = store_open_file(fs->store, fs_node(fs, ino), fi->flags, &h);
	if (r < 0) {
		fs_reply_err(req, r);
		return;
	}
	file_mode(req, ino, h, fi);
	if (fuse_reply_open(req, fi) < 0)
		file_drop(req, ino, h);
}

static void file_create(fuse_req_t req, fuse_ino_t parent, const char *name,
			mode_t mode, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct caller who = { ctx->uid, ctx->gid };
	struct fuse_entry_param e;
	struct stat st;
	struct node *n;
	struct handle *h;

	if (fs_is_virtual(parent) ||
	    (parent == FS_ROOT && !strcmp(name, ".kv"))) {
		fuse_reply_err(req, EPERM);
		return;
	}
	int r = store_create(fs->store, fs_node(fs, parent), name, mode,
			     fi->flags, &who, &n, &st, &h);
	if (r < 0) {
		fs_reply_err(req, r);
		return;
	}
	fs_entry(fs, n, &st, &e);
	file_mode(req, e.ino, h, fi);
	if (fuse_reply_create(req, &e, fi) < 0) {
		file_drop(req, e.ino, h);
		store_forget(fs->store, n, 1);
	}
}

static void file_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		      struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct view v;

	if (fs_is_virtual(ino)) {
		control_read(req, size, off, fi);
		return;
	}
	int r = store_read(fs->store, file_handle(fi), (uint64_t)off, size, &v);
	if (r < 0) {
		fs_reply_err(req, r);
		return;
	}
	fuse_reply_iov(req, v.piece, (int)v.n_pieces);
	store_read_done(fs->store, &v);
}

static void file_write(fuse_req_t req, fuse_ino_t ino, const char *buf,
		       size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *h = file_handle(fi);

	if (fs_is_virtual(ino)) {
		control_write(req, ino, buf, size);
		return;
	}
	if (fuse_req_ctx(req)->uid)
		store_strip_setid(fs->store, h);
	int r = store_write(fs->store, h, (uint64_t)off, buf, size);
	if (r < 0)
		fs_reply_err(req, r);
	else
		fuse_reply_write(req, size);
}

static void file_flush(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	fuse_reply_err(req, 0);
}

static void file_release(fuse_req_t req, fuse_ino_t ino,
			 struct fuse_file_info *fi)
{
	if (fs_is_virtual(ino)) {
		control_release(req, fi);
		return;
	}
	file_drop(req, ino, file_handle(fi));
	fuse_reply_err(req, 0);
}

static void file_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		       struct fuse_file_info *fi)
{
	(void)datasync; /* the name must be there as well, either way */
	fs_reply_err(req, fs_is_virtual(ino)
			      ? 0
			      : store_sync(fs_of(req)->store, file_handle(fi)));
}

static void file_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off,
			   off_t len, struct fuse_file_info *fi)
{
	int r = fs_is_virtual(ino)
		    ? -EPERM
		    : store_allocate(fs_of(req)->store, file_handle(fi), mode,
				     (uint64_t)off, (uint64_t)len);

	fs_reply_err(req, r);
}

void fs_ops_files(struct fuse_lowlevel_ops *ops)
{
	ops->open = file_open;
	ops->create = file_create;
	ops->read = file_read;
	ops->write = file_write;
	ops->flush = file_flush;
	ops->release = file_release;
	ops->fsync = file_fsync;
	ops->fallocate = file_fallocate;
}
