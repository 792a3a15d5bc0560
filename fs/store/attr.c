/* attr.c - attributes and xattrs: the backing's own, but for the sizes */
#include "fs/store/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/names.h"
#include "fs/store/pack.h"

/*
 * How to reach a node's inode on the backing: a descriptor where there is one,
 * else a name in a directory.
 */
struct reach {
	struct entry *e; /* held, with data shared */
	int fd;          /* or -1 */
	int dir;
	const char *name; /* "." in a directory's own descriptor */
	struct spot at;
	bool has_spot;
};

/* Caller holds names. */
static int attr_reach(struct store *s, struct node *n, struct reach *ret)
{
	*ret = (struct reach){ .fd = -1 };
	if (n->type == S_IFDIR) {
		ret->dir = n->fd;
		ret->name = ".";
		return 0;
	}
	ret->e = entry_peek(s, n);
	if (ret->e) {
		pthread_rwlock_rdlock(&ret->e->data);
		ret->fd = ret->e->fd;
		return 0;
	}
	int r = tree_spot(&s->tree, n, 0, &ret->at);
	if (r < 0)
		return r;
	ret->has_spot = true;
	ret->dir = ret->at.dir->fd;
	ret->name = ret->at.name;
	return 0;
}

static void attr_reach_done(struct store *s, struct reach *r)
{
	if (r->e) {
		pthread_rwlock_unlock(&r->e->data);
		entry_put(r->e);
	}
	if (r->has_spot)
		spot_done(&s->tree, &r->at);
}

static int attr_stat(const struct reach *at, struct stat *ret)
{
	int r = at->fd >= 0
		    ? fstat(at->fd, ret)
		    : fstatat(at->dir, at->name, ret, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? -errno : 0;
}

int store_stat(struct store *s, struct node *n, struct stat *ret)
{
	struct reach at;
	struct stat st;
	int r;

	{
		auto_rwunlock pthread_rwlock_t *names =
		    lock_shared(&s->tree.names);

		r = attr_reach(s, n, &at);
		if (r < 0)
			return r;
		r = attr_stat(&at, &st);
		attr_reach_done(s, &at);
		if (r == 0 && S_ISREG(st.st_mode) &&
		    tree_spot(&s->tree, n, 0, &at.at) == 0) {
			r = names_peek(s, n, at.at.dir, at.at.name);
			spot_done(&s->tree, &at.at);
		}
	}
	if (r < 0)
		return r == -ENOENT ? -ESTALE : r;
	names_show(s, n, &st);
	*ret = st;
	return 0;
}

static int attr_set_mode(const struct reach *at, mode_t mode)
{
	struct stat st;
	int r = attr_stat(at, &st);

	if (r < 0)
		return r;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	r = at->fd >= 0 ? fchmod(at->fd, mode & 07777)
			: fchmodat(at->dir, at->name, mode & 07777, 0);
	return r < 0 ? -errno : 0;
}

static int attr_set_owner(const struct reach *at, unsigned what,
			  const struct stat *to)
{
	uid_t uid = what & SET_UID ? to->st_uid : (uid_t)-1;
	gid_t gid = what & SET_GID ? to->st_gid : (gid_t)-1;
	int r = at->fd >= 0 ? fchown(at->fd, uid, gid)
			    : fchownat(at->dir, at->name, uid, gid,
				       AT_SYMLINK_NOFOLLOW);

	return r < 0 ? -errno : 0;
}

static int attr_set_times(const struct reach *at, unsigned what,
			  const struct stat *to)
{
	struct timespec times[2] = {
		what & SET_ATIME ? to->st_atim
				 : (struct timespec){ 0, UTIME_OMIT },
		what & SET_MTIME ? to->st_mtim
				 : (struct timespec){ 0, UTIME_OMIT },
	};
	int r = at->fd >= 0
		    ? futimens(at->fd, times)
		    : utimensat(at->dir, at->name, times, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? -errno : 0;
}

/* A staged entry keeps its times itself until it is published. */
static void attr_note(struct entry *e, unsigned what, const struct stat *to)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	if (what & SET_MTIME)
		e->mtime = to->st_mtim.tv_nsec == UTIME_NOW ? entry_now()
							    : to->st_mtim;
	e->ctime = entry_now();
}

static int attr_set_reached(const struct reach *at, unsigned what,
			    const struct stat *to)
{
	int r = 0;

	/* The owner first: a change of it takes set-id bits away. */
	if (what & (SET_UID | SET_GID))
		r = attr_set_owner(at, what, to);
	if (r == 0 && what & SET_MODE)
		r = attr_set_mode(at, to->st_mode);
	if (r == 0 && what & (SET_ATIME | SET_MTIME))
		r = attr_set_times(at, what, to);
	if (r == 0 && at->e)
		attr_note(at->e, what, to);
	return r;
}

static int attr_set_size(struct store *s, struct node *n, uint64_t size)
{
	struct entry *e;

	if (n->type != S_IFREG)
		return n->type == S_IFDIR ? -EISDIR : -EINVAL;
	if (size > INT64_MAX)
		return -EFBIG;
	int r = entry_get(s, n, &e);
	if (r < 0)
		return r;
	r = entry_truncate(e, size);
	pthread_mutex_lock(&e->lock);
	bool idle = !e->n_writers;
	pthread_mutex_unlock(&e->lock);
	if (idle)
		pack_queue(e);
	entry_put(e);
	return r;
}

int store_set(struct store *s, struct node *n, unsigned what,
	      const struct stat *to, struct stat *ret)
{
	int r =
	    what & SET_SIZE ? attr_set_size(s, n, (uint64_t)to->st_size) : 0;

	if (r == 0 && what & ~(unsigned)SET_SIZE) {
		auto_rwunlock pthread_rwlock_t *names =
		    lock_shared(&s->tree.names);
		struct reach at;

		r = attr_reach(s, n, &at);
		if (r == 0) {
			r = attr_set_reached(&at, what, to);
			attr_reach_done(s, &at);
		}
	}
	return r < 0 ? r : store_stat(s, n, ret);
}

/* ---- xattrs ---- */

int attr_open(struct store *s, struct node *n)
{
	struct reach at;
	int r;

	if (n->type != S_IFREG && n->type != S_IFDIR)
		return -EPERM; /* as the kernel says of user.* there */
	r = attr_reach(s, n, &at);
	if (r < 0)
		return r;
	if (at.fd >= 0)
		r = fcntl(at.fd, F_DUPFD_CLOEXEC, 0);
	else
		r = openat(at.dir, at.name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (r < 0)
		r = -errno;
	attr_reach_done(s, &at);
	return r;
}

int store_setxattr(struct store *s, struct node *n, const char *name,
		   const void *value, size_t len, int flags)
{
	/* Publishing copies them: names keep it from missing this change. */
	auto_rwunlock pthread_rwlock_t *names = lock_shared(&s->tree.names);
	auto_close int fd = attr_open(s, n);

	if (fd < 0)
		return fd;
	return fsetxattr(fd, name, value, len, flags) < 0 ? -errno : 0;
}

ssize_t store_getxattr(struct store *s, struct node *n, const char *name,
		       void *dst, size_t cap)
{
	auto_rwunlock pthread_rwlock_t *names = lock_shared(&s->tree.names);
	auto_close int fd = attr_open(s, n);

	if (fd < 0)
		return fd == -EPERM ? -ENODATA : fd;
	ssize_t r = fgetxattr(fd, name, dst, cap);
	return r < 0 ? -errno : r;
}

/* Keeps the user.* names of a list; returns what is left of it. */
static size_t attr_filter(char *list, size_t len)
{
	size_t kept = 0;

	for (size_t at = 0, n; at < len; at += n) {
		n = strlen(list + at) + 1;
		if (strncmp(list + at, "user.", 5))
			continue;
		memmove(list + kept, list + at, n);
		kept += n;
	}
	return kept;
}

ssize_t store_listxattr(struct store *s, struct node *n, char *dst, size_t cap)
{
	auto_rwunlock pthread_rwlock_t *names = lock_shared(&s->tree.names);
	auto_close int fd = attr_open(s, n);

	if (fd < 0)
		return fd == -EPERM ? 0 : fd;
	ssize_t len = flistxattr(fd, NULL, 0);
	if (len <= 0)
		return len < 0 ? -errno : 0;
	auto_free char *list = malloc((size_t)len);
	if (!list)
		return -ENOMEM;
	len = flistxattr(fd, list, (size_t)len);
	if (len < 0)
		return -errno;

	size_t kept = attr_filter(list, (size_t)len);
	if (cap && kept > cap)
		return -ERANGE;
	if (cap)
		memcpy(dst, list, kept);
	return (ssize_t)kept;
}

int store_removexattr(struct store *s, struct node *n, const char *name)
{
	auto_rwunlock pthread_rwlock_t *names = lock_shared(&s->tree.names);
	auto_close int fd = attr_open(s, n);

	if (fd < 0)
		return fd;
	return fremovexattr(fd, name) < 0 ? -errno : 0;
}
