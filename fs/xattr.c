/* xattr.c - extended attributes: the client's own, and user.kv.* */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/mem.h"
#include "fs/fs.h"

#define KV   "user.kv."
#define STAT "user.kv.stat."

static bool xattr_is(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static int xattr_text(const struct store_facts *f, const char *key, char *dst,
		      size_t cap)
{
	unsigned long long number;

	if (!strcmp(key, "codec"))
		return snprintf(dst, cap, "%s", f->codec);
	if (!strcmp(key, "layout"))
		return snprintf(dst, cap, "%s", f->layout);
	if (!strcmp(key, "tier"))
		return snprintf(dst, cap, "%s", f->tier);
	if (!strcmp(key, "logical"))
		number = f->logical;
	else if (!strcmp(key, "stored"))
		number = f->stored;
	else if (!strcmp(key, "layers"))
		number = f->layers;
	else if (!strcmp(key, "hits"))
		number = f->hits;
	else if (!strcmp(key, "last_hit"))
		number = f->last_hit_ms / 1000;
	else
		return -ENODATA;
	return snprintf(dst, cap, "%llu", number);
}

static int xattr_stat(struct fs *fs, fuse_ino_t ino, const char *name,
		      char *dst, size_t cap)
{
	struct store_facts facts;
	int r = store_facts(fs->store, fs_node(fs, ino), &facts);

	if (r < 0)
		return r;
	return xattr_text(&facts, name + strlen(STAT), dst, cap);
}

/* The length alone when size is 0. */
static void xattr_reply(fuse_req_t req, const char *value, ssize_t len,
			size_t size)
{
	if (len < 0)
		fs_reply_err(req, (int)len);
	else if (!size)
		fuse_reply_xattr(req, (size_t)len);
	else if ((size_t)len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, value, (size_t)len);
}

static void xattr_get(fuse_req_t req, fuse_ino_t ino, const char *name,
		      size_t size)
{
	struct fs *fs = fs_of(req);
	char text[128];

	if (fs_is_virtual(ino) || xattr_is(name, "security.")) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	if (!xattr_is(name, "user.")) {
		fuse_reply_err(req, ENOTSUP);
		return;
	}
	if (xattr_is(name, STAT)) {
		int len = xattr_stat(fs, ino, name, text, sizeof(text));

		xattr_reply(req, text, len, size);
		return;
	}
	auto_free char *value = malloc(size ? size : 1);
	ssize_t len = value ? store_getxattr(fs->store, fs_node(fs, ino), name,
					     value, size)
			    : -ENOMEM;
	xattr_reply(req, value, len, size);
}

/* What may not be set or removed: 0, or the errno that says so. */
static int xattr_refuse(fuse_ino_t ino, const char *name)
{
	if (fs_is_virtual(ino))
		return EPERM;
	if (!xattr_is(name, "user."))
		return ENOTSUP;
	if (xattr_is(name, STAT))
		return EROFS;                   /* facts */
	return xattr_is(name, KV) ? EINVAL : 0; /* no such setting */
}

static void xattr_set(fuse_req_t req, fuse_ino_t ino, const char *name,
		      const char *value, size_t size, int flags)
{
	struct fs *fs = fs_of(req);
	int refuse = xattr_refuse(ino, name);

	if (refuse)
		fuse_reply_err(req, refuse);
	else
		fs_reply_err(req, store_setxattr(fs->store, fs_node(fs, ino),
						 name, value, size, flags));
}

static void xattr_remove(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct fs *fs = fs_of(req);
	int refuse = xattr_refuse(ino, name);

	if (refuse)
		fuse_reply_err(req, refuse == EINVAL ? ENODATA : refuse);
	else
		fs_reply_err(
		    req, store_removexattr(fs->store, fs_node(fs, ino), name));
}

static void xattr_list(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct fs *fs = fs_of(req);
	auto_free char *list = malloc(size ? size : 1);
	ssize_t len = 0;

	if (!list)
		len = -ENOMEM;
	else if (!fs_is_virtual(ino))
		len = store_listxattr(fs->store, fs_node(fs, ino), list, size);
	xattr_reply(req, list, len, size);
}

void fs_ops_xattrs(struct fuse_lowlevel_ops *ops)
{
	ops->getxattr = xattr_get;
	ops->setxattr = xattr_set;
	ops->removexattr = xattr_remove;
	ops->listxattr = xattr_list;
}
