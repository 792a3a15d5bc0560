/* xattr.c - extended attributes: the client's own, and user.kv.* */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/mem.h"
#include "fs/fs.h"
#include "fs/store/quota.h"
#include "fs/store/settings.h"

#define KV    "user.kv."
#define STAT  "user.kv.stat."
#define HOLDS "user.kv.effective."

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
		number = f->last_hit_s;
	else
		return -ENODATA;
	return snprintf(dst, cap, "%llu", number);
}

/* The text of a name under STAT or HOLDS; malloc'ed.  Returns 0 or -errno. */
static int xattr_virtual(struct fs *fs, struct node *n, const char *name,
			 char **ret)
{
	struct store_facts facts;
	char text[128];
	int r;

	if (xattr_is(name, HOLDS))
		return settings_effective(fs->store, n, name + strlen(HOLDS),
					  ret);
	if (!strcmp(name, STAT "decision")) {
		*ret = store_decision(fs->store, n);
		return *ret ? 0 : -ENODATA;
	}
	if (!strcmp(name, STAT "quota_used")) {
		unsigned long long used = quota_used(fs->store, n);

		r = snprintf(text, sizeof(text), "%llu", used);
	} else {
		r = store_facts(fs->store, n, &facts);
		if (r == 0)
			r = xattr_text(&facts, name + strlen(STAT), text,
				       sizeof(text));
	}
	if (r < 0)
		return r;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
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
	auto_free char *value = NULL;
	ssize_t len;

	if (fs_is_virtual(ino) || xattr_is(name, "security.")) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	if (!xattr_is(name, "user.")) {
		fuse_reply_err(req, ENOTSUP);
		return;
	}
	struct node *n = fs_node(fs, ino);
	if (xattr_is(name, STAT) || xattr_is(name, HOLDS)) {
		int r = xattr_virtual(fs, n, name, &value);

		len = r < 0 ? r : (ssize_t)strlen(value);
	} else {
		value = malloc(size ? size : 1);
		len = value ? store_getxattr(fs->store, n, name, value, size)
			    : -ENOMEM;
	}
	xattr_reply(req, value, len, size);
}

/* What may not be set or removed: 0, or the errno that says so. */
static int xattr_refuse(fuse_ino_t ino, const char *name)
{
	if (fs_is_virtual(ino))
		return EPERM;
	if (!xattr_is(name, "user."))
		return ENOTSUP;
	/* What is so, and what follows from settings. */
	return xattr_is(name, STAT) || xattr_is(name, HOLDS) ? EROFS : 0;
}

/* A quota is set on its owner, not by him. */
static bool xattr_is_allowed(fuse_req_t req, const char *name)
{
	uid_t uid = fuse_req_ctx(req)->uid;

	return strcmp(name, KV "quota") || uid == 0 || uid == geteuid();
}

/* A setting of ours, or an attribute of the client's. */
static int xattr_change(fuse_req_t req, fuse_ino_t ino, const char *name,
			const char *value, size_t size, int flags)
{
	struct fs *fs = fs_of(req);
	struct node *n = fs_node(fs, ino);
	int refuse = xattr_refuse(ino, name);

	if (refuse)
		return -refuse;
	if (!xattr_is_allowed(req, name))
		return -EPERM;
	if (!xattr_is(name, KV))
		return value ? store_setxattr(fs->store, n, name, value, size,
					      flags)
			     : store_removexattr(fs->store, n, name);
	name += strlen(KV);
	return value ? settings_set(fs->store, n, name, value, size, flags)
		     : settings_remove(fs->store, n, name);
}

static void xattr_set(fuse_req_t req, fuse_ino_t ino, const char *name,
		      const char *value, size_t size, int flags)
{
	fs_reply_err(req, xattr_change(req, ino, name, value, size, flags));
}

static void xattr_remove(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	fs_reply_err(req, xattr_change(req, ino, name, NULL, 0, 0));
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
