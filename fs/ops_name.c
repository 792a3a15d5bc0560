/* ops_name.c - requests about names and attributes */
#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mem.h"
#include "fs/control.h"
#include "fs/fs.h"

static struct caller name_caller(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct caller){ ctx->uid, ctx->gid };
}

/* True, and replied, for what cannot be made, moved or removed by anyone. */
static bool name_is_reserved(fuse_req_t req, fuse_ino_t parent,
			     const char *name)
{
	if (!fs_is_virtual(parent) &&
	    (parent != FS_ROOT || strcmp(name, ".kv")))
		return false;
	fuse_reply_err(req, EPERM);
	return true;
}

static void name_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct fuse_entry_param e = { .entry_timeout = FS_TIMEOUT_S };
	struct node *n;
	struct stat st;

	if (control_lookup(req, parent, name))
		return;
	int r = store_lookup(fs->store, fs_node(fs, parent), name, &n, &st);
	if (r < 0 && r != -ENOENT) {
		fs_reply_err(req, r);
		return;
	}
	if (r == 0)
		fs_entry(fs, n, &st, &e);
	/* With ino 0 it says that there is no such name, for as long. */
	if (fuse_reply_entry(req, &e) < 0 && r == 0)
		store_forget(fs->store, n, 1);
}

static void name_forget_one(struct fs *fs, fuse_ino_t ino, uint64_t times)
{
	if (ino != FS_ROOT && !fs_is_virtual(ino))
		store_forget(fs->store, fs_node(fs, ino), times);
}

static void name_forget(fuse_req_t req, fuse_ino_t ino, uint64_t times)
{
	name_forget_one(fs_of(req), ino, times);
	fuse_reply_none(req);
}

static void name_forget_multi(fuse_req_t req, size_t count,
			      struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		name_forget_one(fs_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void name_getattr(fuse_req_t req, fuse_ino_t ino,
			 struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct stat st;

	(void)fi;
	if (fs_is_virtual(ino)) {
		control_getattr(req, ino);
		return;
	}
	int r = store_stat(fs->store, fs_node(fs, ino), &st);
	if (r < 0)
		fs_reply_err(req, r);
	else
		fuse_reply_attr(req, &st, FS_TIMEOUT_S);
}

/* What FUSE calls what is to be set, as the store calls it. */
static unsigned name_what(int to_set, struct stat *st)
{
	unsigned what = 0;

	what |= to_set & FUSE_SET_ATTR_MODE ? SET_MODE : 0;
	what |= to_set & FUSE_SET_ATTR_UID ? SET_UID : 0;
	what |= to_set & FUSE_SET_ATTR_GID ? SET_GID : 0;
	what |= to_set & FUSE_SET_ATTR_SIZE ? SET_SIZE : 0;
	what |= to_set & FUSE_SET_ATTR_ATIME ? SET_ATIME : 0;
	what |= to_set & FUSE_SET_ATTR_MTIME ? SET_MTIME : 0;
	if (to_set & FUSE_SET_ATTR_ATIME_NOW) {
		st->st_atim.tv_nsec = UTIME_NOW;
		what |= SET_ATIME;
	}
	if (to_set & FUSE_SET_ATTR_MTIME_NOW) {
		st->st_mtim.tv_nsec = UTIME_NOW;
		what |= SET_MTIME;
	}
	return what;
}

static void name_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
			 int to_set, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct stat want = *attr, st;

	(void)fi;
	if (fs_is_virtual(ino)) {
		control_setattr(req, ino, to_set);
		return;
	}
	unsigned what = name_what(to_set, &want);
	int r = store_set(fs->store, fs_node(fs, ino), what, &want, &st);
	if (r < 0)
		fs_reply_err(req, r);
	else
		fuse_reply_attr(req, &st, FS_TIMEOUT_S);
}

/* The reply to what made a name: what a lookup of it says. */
static void name_made(fuse_req_t req, fuse_ino_t parent, const char *name,
		      int r)
{
	if (r < 0)
		fs_reply_err(req, r);
	else
		name_lookup(req, parent, name);
}

static void name_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		       mode_t mode, dev_t rdev)
{
	struct fs *fs = fs_of(req);
	struct caller who = name_caller(req);

	if (name_is_reserved(req, parent, name))
		return;
	int r =
	    store_mknod(fs->store, fs_node(fs, parent), name, mode, rdev, &who);
	name_made(req, parent, name, r);
}

static void name_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		       mode_t mode)
{
	name_mknod(req, parent, name, mode | S_IFDIR, 0);
}

static void name_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
			 const char *name)
{
	struct fs *fs = fs_of(req);
	struct caller who = name_caller(req);

	if (name_is_reserved(req, parent, name))
		return;
	int r =
	    store_symlink(fs->store, fs_node(fs, parent), name, target, &who);
	name_made(req, parent, name, r);
}

static void name_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
		      const char *name)
{
	struct fs *fs = fs_of(req);

	if (name_is_reserved(req, parent, name))
		return;
	if (fs_is_virtual(ino)) {
		fuse_reply_err(req, EPERM);
		return;
	}
	int r =
	    store_link(fs->store, fs_node(fs, ino), fs_node(fs, parent), name);
	name_made(req, parent, name, r);
}

static void name_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = fs_of(req);
	char target[4097];
	int r =
	    store_readlink(fs->store, fs_node(fs, ino), target, sizeof(target));

	if (r < 0)
		fs_reply_err(req, r);
	else
		fuse_reply_readlink(req, target);
}

static void name_remove(fuse_req_t req, fuse_ino_t parent, const char *name,
			bool is_dir)
{
	struct fs *fs = fs_of(req);

	if (name_is_reserved(req, parent, name))
		return;
	int r = store_unlink(fs->store, fs_node(fs, parent), name, is_dir);
	fs_reply_err(req, r);
}

static void name_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	name_remove(req, parent, name, false);
}

static void name_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	name_remove(req, parent, name, true);
}

static void name_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
			fuse_ino_t to, const char *to_name, unsigned flags)
{
	struct fs *fs = fs_of(req);

	if (name_is_reserved(req, parent, name) ||
	    name_is_reserved(req, to, to_name))
		return;
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	int r = store_rename(fs->store, fs_node(fs, parent), name,
			     fs_node(fs, to), to_name, flags);
	fs_reply_err(req, r);
}

static void name_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs v;
	int r = store_statfs(fs_of(req)->store, &v);

	(void)ino;
	if (r < 0)
		fs_reply_err(req, r);
	else
		fuse_reply_statfs(req, &v);
}

void fs_ops_names(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = name_lookup;
	ops->forget = name_forget;
	ops->forget_multi = name_forget_multi;
	ops->getattr = name_getattr;
	ops->setattr = name_setattr;
	ops->mknod = name_mknod;
	ops->mkdir = name_mkdir;
	ops->symlink = name_symlink;
	ops->link = name_link;
	ops->readlink = name_readlink;
	ops->unlink = name_unlink;
	ops->rmdir = name_rmdir;
	ops->rename = name_rename;
	ops->statfs = name_statfs;
}
