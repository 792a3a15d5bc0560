/* change.c - making, linking, renaming and removing names */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/handle.h"
#include "fs/store/mover.h"
#include "fs/store/names.h"
#include "fs/store/pack.h"
#include "fs/store/quota.h"
#include "fs/store/room.h"
#include "fs/store/settings.h"

/*
 * The new name belongs to who asked, as if the caller had made it: the group
 * is the directory's where that has the set-group-id bit.
 */
static int change_owner(struct node *dir, const char *name, mode_t mode,
			const struct caller *who)
{
	struct stat st;

	if (fstat(dir->fd, &st) < 0)
		return -errno;
	gid_t gid = st.st_mode & S_ISGID ? (gid_t)-1 : who->gid;

	if (fchownat(dir->fd, name, who->uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return geteuid() == 0 ? -errno : 0;
	/* A change of owner takes these bits off. */
	if (S_ISREG(mode) && mode & (S_ISUID | S_ISGID) &&
	    fchmodat(dir->fd, name, mode & 07777, 0) < 0)
		return -errno;
	return 0;
}

/* An empty file that holds the place of a new staged entry. */
static int change_new_file(struct store *s, struct node *dir, const char *name,
			   mode_t mode, const struct caller *who,
			   struct entry **ret)
{
	room_new_entry(s);

	auto_rwunlock pthread_rwlock_t *names = lock_alone(&s->tree.names);
	struct node *n = NULL;
	struct stat st;
	auto_close int fd = openat(
	    dir->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    mode & 07777);

	if (fd < 0)
		return -errno;
	int r = change_owner(dir, name, mode | S_IFREG, who);
	if (r == 0)
		r = names_child(s, dir, name, &n, &st);
	if (r == 0) {
		n->id = atomic_fetch_add(&s->next_id, 1);
		r = entry_new(s, n, fd, ret);
	}
	if (r == 0) {
		steal_fd(&fd);
	} else {
		unlinkat(dir->fd, name, 0);
		if (n) {
			tree_unlink(&s->tree, n, dir, name);
			tree_unhash(&s->tree, n);
		}
	}
	node_put(&s->tree, n);
	return r;
}

static int change_mknod_file(struct store *s, struct node *dir,
			     const char *name, mode_t mode,
			     const struct caller *who)
{
	struct entry *e;
	int r = change_new_file(s, dir, name, mode, who, &e);

	if (r < 0)
		return r;
	entry_settle(e);
	pack_queue(e);
	entry_put(e);
	return 0;
}

int store_mknod(struct store *s, struct node *dir, const char *name,
		mode_t mode, dev_t rdev, const struct caller *who)
{
	if (S_ISREG(mode))
		return change_mknod_file(s, dir, name, mode, who);

	auto_rwunlock pthread_rwlock_t *names = lock_alone(&s->tree.names);
	int r = S_ISDIR(mode) ? mkdirat(dir->fd, name, mode & 07777)
			      : mknodat(dir->fd, name, mode, rdev);

	if (r < 0)
		return -errno;
	r = change_owner(dir, name, mode, who);
	if (r < 0)
		unlinkat(dir->fd, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0);
	return r;
}

int store_symlink(struct store *s, struct node *dir, const char *name,
		  const char *target, const struct caller *who)
{
	auto_rwunlock pthread_rwlock_t *names = lock_alone(&s->tree.names);

	if (symlinkat(target, dir->fd, name) < 0)
		return -errno;
	return change_owner(dir, name, S_IFLNK, who);
}

int store_readlink(struct store *s, struct node *n, char *dst, size_t len)
{
	auto_rwunlock pthread_rwlock_t *names = lock_shared(&s->tree.names);
	struct spot at;
	int r = tree_spot(&s->tree, n, 0, &at);

	if (r < 0)
		return r;
	ssize_t got = readlinkat(at.dir->fd, at.name, dst, len - 1);
	spot_done(&s->tree, &at);
	if (got < 0)
		return -errno;
	dst[got] = 0;
	return 0;
}

static void change_touch(struct store *s, struct node *n)
{
	struct entry *e = entry_peek(s, n);

	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->ctime = entry_now();
	pthread_mutex_unlock(&e->lock);
	entry_put(e);
}

int store_link(struct store *s, struct node *n, struct node *dir,
	       const char *name)
{
	auto_rwunlock pthread_rwlock_t *names = lock_alone(&s->tree.names);
	struct spot at;
	int r = tree_spot(&s->tree, n, 0, &at);

	if (r < 0)
		return r;
	if (linkat(at.dir->fd, at.name, dir->fd, name, 0) < 0)
		r = -errno;
	spot_done(&s->tree, &at);
	if (r == 0)
		r = tree_link(&s->tree, n, dir, name);
	change_touch(s, n);
	return r;
}

/* The name went; when it was the last one, so does what hangs on it. */
static void change_gone(struct store *s, struct node *n, struct node *dir,
			const char *name, bool last)
{
	tree_unlink(&s->tree, n, dir, name);
	if (!last) {
		change_touch(s, n);
		return;
	}
	tree_unhash(&s->tree, n);
	if (n->type == S_IFREG) {
		mover_forget(s, n);
		entry_gone(s, n);
	}
	change_touch(s, n);
}

/* Frees what only the last name kept.  Caller holds no lock. */
static void change_let_go(struct store *s, struct node *n)
{
	struct entry *e = n ? entry_peek(s, n) : NULL;

	if (e) {
		entry_settle(e);
		entry_put(e);
	}
	node_put(&s->tree, n);
}

int store_unlink(struct store *s, struct node *dir, const char *name,
		 bool is_dir)
{
	struct node *n;
	struct stat st;

	{
		auto_rwunlock pthread_rwlock_t *names =
		    lock_alone(&s->tree.names);
		int r = names_child(s, dir, name, &n, &st);

		if (r < 0)
			return r;
		if (unlinkat(dir->fd, name, is_dir ? AT_REMOVEDIR : 0) < 0) {
			r = -errno;
			node_put(&s->tree, n);
			return r;
		}
		change_gone(s, n, dir, name, is_dir || st.st_nlink == 1);
	}
	change_let_go(s, n);
	return 0;
}

/*
 * An entry that is still staged may not take the name of a published one: a
 * crash would leave neither.  Publishes it first.
 */
static int change_publish_first(struct store *s, struct node *dir,
				const char *name, struct node *to_dir,
				const char *to_name)
{
	struct node *n;
	struct stat st, old;
	struct entry *e;

	{
		auto_rwunlock pthread_rwlock_t *names =
		    lock_shared(&s->tree.names);

		if (fstatat(to_dir->fd, to_name, &old, AT_SYMLINK_NOFOLLOW) <
			0 ||
		    !S_ISREG(old.st_mode) || !old.st_size)
			return 0;
		int r = names_child(s, dir, name, &n, &st);
		if (r < 0)
			return r;
		e = S_ISREG(st.st_mode) ? entry_peek(s, n) : NULL;
		node_put(&s->tree, n);
	}
	if (!e)
		return 0;
	int r = pack_now(e);
	if (r < 0)
		pack_queue(e); /* what was queued before may have given way */
	entry_put(e);
	return r;
}

/* The nodes follow what renameat2 did.  Caller holds names alone. */
static int change_renamed(struct store *s, struct node *n, struct node *old,
			  const struct spot *from, const struct spot *to,
			  bool exchange)
{
	tree_unlink(&s->tree, n, from->dir, from->name);
	if (old && exchange)
		tree_unlink(&s->tree, old, to->dir, to->name);
	int r = tree_link(&s->tree, n, to->dir, to->name);
	if (r == 0 && old && exchange)
		r = tree_link(&s->tree, old, from->dir, from->name);
	change_touch(s, n);
	return r;
}

/* What a rename is about; both with a reference, old may be NULL. */
struct renaming {
	struct spot from, to;
	unsigned flags;
	struct node *n, *old;
};

/* Whether quotas allow it: as quota_allows_move.  Caller holds names. */
static int change_allowed(struct store *s, const struct renaming *c)
{
	int r = quota_allows_move(s, c->n, c->to.dir);

	if (r == 0 && c->old && c->flags & RENAME_EXCHANGE)
		r = quota_allows_move(s, c->old, c->from.dir);
	return r;
}

/* Returns 0, -EDQUOT (change_make_room may help) or -errno. */
static int change_rename(struct store *s, struct renaming *c)
{
	auto_rwunlock pthread_rwlock_t *names = lock_alone(&s->tree.names);
	struct stat st, old_st;
	bool exchange = c->flags & RENAME_EXCHANGE;
	int r = names_child(s, c->from.dir, c->from.name, &c->n, &st);

	if (r < 0)
		return r;
	r = names_child(s, c->to.dir, c->to.name, &c->old, &old_st);
	if (r < 0 && r != -ENOENT)
		return r;
	r = change_allowed(s, c);
	if (r < 0)
		return r;
	if (renameat2(c->from.dir->fd, c->from.name, c->to.dir->fd, c->to.name,
		      c->flags) < 0)
		return errno == EDQUOT ? -ENOSPC : -errno;
	if (c->old == c->n)
		return 0;
	if (c->old && !exchange)
		change_gone(s, c->old, c->to.dir, c->to.name,
			    S_ISDIR(old_st.st_mode) || old_st.st_nlink == 1);
	return change_renamed(s, c->n, c->old, &c->from, &c->to, exchange);
}

static bool change_make_room(struct store *s, const struct renaming *c)
{
	return quota_make_room_moved(s, c->n, c->to.dir) &&
	       (!c->old || !(c->flags & RENAME_EXCHANGE) ||
		quota_make_room_moved(s, c->old, c->from.dir));
}

/* Other directories, other settings; a file has another name in any case. */
static void change_spread(struct store *s, const struct renaming *c,
			  struct node *n)
{
	if (n && (c->from.dir != c->to.dir || n->type != S_IFDIR))
		settings_spread(s, n);
}

int store_rename(struct store *s, struct node *dir, const char *name,
		 struct node *to_dir, const char *to_name, unsigned flags)
{
	struct renaming c = { .from.dir = dir,
			      .to.dir = to_dir,
			      .flags = flags };
	bool again;

	if (strlen(name) > 255 || strlen(to_name) > 255)
		return -ENAMETOOLONG;
	strcpy(c.from.name, name);
	strcpy(c.to.name, to_name);
	int r = change_publish_first(s, dir, name, to_dir, to_name);
	if (r < 0)
		return r;
	do {
		c.n = c.old = NULL;
		r = change_rename(s, &c);
		again = r == -EDQUOT && change_make_room(s, &c);
		if (r == 0)
			change_spread(s, &c, c.n);
		if (r == 0 && flags & RENAME_EXCHANGE)
			change_spread(s, &c, c.old);
		change_let_go(s, c.old);
		change_let_go(s, c.n);
	} while (again);
	return r == -EDQUOT ? -ENOSPC : r;
}

int store_create(struct store *s, struct node *dir, const char *name,
		 mode_t mode, int flags, const struct caller *who,
		 struct node **ret, struct stat *ret_st,
		 struct handle **ret_handle)
{
	struct entry *e;
	int r = change_new_file(s, dir, name, mode, who, &e);

	if (r < 0)
		return r;
	struct handle *h = handle_open(e, flags);
	if (!h) {
		entry_put(e);
		store_unlink(s, dir, name, false);
		return -ENOMEM;
	}
	node_remember(&s->tree, e->node);
	entry_settle(e);
	r = store_stat(s, e->node, ret_st);
	if (r < 0) {
		node_forget(&s->tree, e->node, 1);
		store_release(s, h);
		return r;
	}
	*ret = e->node;
	*ret_handle = h;
	return 0;
}
