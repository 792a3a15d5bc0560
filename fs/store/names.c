/* names.c - lookups: from a name to a node */
#include "fs/store/names.h"

#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/expire.h"
#include "fs/store/mover.h"
#include "fs/store/quarantine.h"
#include "fs/store/quota.h"
#include "fs/store/settings.h"

#define BLKSIZE 131072 /* of one good request, as a hint for copies */

static int names_dir_fd(struct node *n, struct node *dir, const char *name)
{
	int none = -1;

	if (n->fd >= 0)
		return 0;
	int fd = openat(dir->fd, name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!atomic_compare_exchange_strong(&n->fd, &none, fd))
		close(fd); /* another lookup was faster */
	return 0;
}

int names_child(struct store *s, struct node *dir, const char *name,
		struct node **ret, struct stat *ret_st)
{
	struct stat st;

	if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (st.st_dev != s->tree.dev)
		return -EXDEV;
	struct node *n = tree_add(&s->tree, &st);
	if (!n)
		return -ENOMEM;

	int r = tree_link(&s->tree, n, dir, name);
	if (r == 0)
		settings_learn(s, n, dir, name);
	if (r == 0 && S_ISDIR(st.st_mode))
		r = names_dir_fd(n, dir, name);
	if (r < 0) {
		node_put(&s->tree, n);
		return r;
	}
	*ret = n;
	*ret_st = st;
	return 0;
}

int names_peek(struct store *s, struct node *n, struct node *dir,
	       const char *name)
{
	struct head_brief brief;

	if (n->id)
		return 0;
	auto_close int fd = s->io->open(dir->fd, name, 0);
	if (fd < 0)
		return fd;
	int r = container_peek(s->io, fd, &brief);
	if (r < 0)
		return r;
	n->size = brief.logical_size;
	n->layered = brief.layered;
	n->id = brief.entry_id;
	return 0;
}

bool names_count(struct store *s, struct node *n, const struct stat *st)
{
	uint64_t stored = (uint64_t)st->st_blocks * 512;

	if (!stored)
		stored = 512; /* kept in the inode itself */
	if (!n->used_ms)      /* the change time is nobody's but the kernel's */
		n->used_ms = (uint64_t)st->st_ctim.tv_sec * 1000;
	return quota_store_first(s, n, stored);
}

static void names_show_staged(struct entry *e, struct stat *st)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	st->st_size = (off_t)e->size;
	st->st_blocks = (blkcnt_t)((e->size + 511) / 512);
	st->st_mtim = e->mtime;
	if (e->ctime.tv_sec > st->st_ctim.tv_sec ||
	    (e->ctime.tv_sec == st->st_ctim.tv_sec &&
	     e->ctime.tv_nsec > st->st_ctim.tv_nsec))
		st->st_ctim = e->ctime;
}

void names_show(struct store *s, struct node *n, struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return;
	st->st_size = (off_t)n->size;
	st->st_ino = n->id;
	st->st_blksize = BLKSIZE;

	struct entry *e = entry_peek(s, n);
	if (!e)
		return;
	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);

		if (e->dirty)
			names_show_staged(e, st);
	}
	entry_put(e);
}

int store_lookup(struct store *s, struct node *dir, const char *name,
		 struct node **ret, struct stat *ret_st)
{
	struct node *n;
	struct stat st;
	bool fresh = false;
	int r;

	{
		auto_rwunlock pthread_rwlock_t *names =
		    lock_shared(&s->tree.names);

		r = names_child(s, dir, name, &n, &st);
		if (r < 0)
			return r;
		if (S_ISREG(st.st_mode))
			r = names_peek(s, n, dir, name);
		if (r == 0)
			node_remember(&s->tree, n);
	}
	if (r == 0 && S_ISREG(st.st_mode) && !n->stored && st.st_size)
		fresh = names_count(s, n, &st);
	if (fresh)
		mover_enter(s, n);
	if (r == 0)
		names_show(s, n, &st);
	if (r == -ENODATA || r == -EBADMSG || r == -EOPNOTSUPP) {
		quarantine_node(s, n, r);
		r = -ENOENT;
	}
	if (r == 0 && expire_now(s, n)) {
		node_forget(&s->tree, n, 1);
		r = -ENOENT;
	}
	node_put(&s->tree, n);
	if (r < 0)
		return r;
	*ret = n;
	*ret_st = st;
	return 0;
}

void store_forget(struct store *s, struct node *n, uint64_t times)
{
	node_forget(&s->tree, n, times);
}

int store_opendir(struct store *s, struct node *n, int *ret_fd)
{
	int fd = s->io->open(n->fd, ".", O_DIRECTORY);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

int store_sync_dir(struct store *s, struct node *dir)
{
	return s->io->sync_dir(dir->fd);
}
