/* publish.c - a synced temporary becomes the entry's container */
#include "fs/store/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/expire.h"
#include "fs/store/log.h"
#include "fs/store/mover.h"
#include "fs/store/quarantine.h"
#include "fs/store/quota.h"
#include "fs/store/room.h"
#include "fs/store/scan.h"
#include "fs/store/settings.h"

static int publish_xattrs(int from, int to)
{
	ssize_t len = flistxattr(from, NULL, 0);

	if (len <= 0)
		return 0;
	auto_free char *names = malloc((size_t)len);
	if (!names)
		return -ENOMEM;
	len = flistxattr(from, names, (size_t)len);

	for (char *n = names; n < names + len; n += strlen(n) + 1) {
		if (strncmp(n, "user.", 5))
			continue;
		ssize_t size = fgetxattr(from, n, NULL, 0);
		auto_free void *value = malloc(size > 0 ? (size_t)size : 1);

		if (size < 0 || !value)
			return size < 0 ? -errno : -ENOMEM;
		size = fgetxattr(from, n, value, (size_t)size);
		if (size < 0 || fsetxattr(to, n, value, (size_t)size, 0) < 0)
			return -errno;
	}
	return 0;
}

/* Owner, mode, xattrs and times of the old inode to the new one. */
static int publish_attributes(struct entry *e, int to, struct stat *old)
{
	if (fstat(e->fd, old) < 0)
		return -errno;

	struct timespec times[2] = { old->st_atim, e->mtime };
	if (fchown(to, old->st_uid, old->st_gid) < 0 ||
	    fchmod(to, old->st_mode & 07777) < 0)
		return -errno;
	int r = publish_xattrs(e->fd, to);
	if (r == 0 && futimens(to, times) < 0)
		r = -errno;
	return r;
}

/*
 * The i-th name of the node now names the new inode: the first takes the
 * temporary's, the others get links to it.
 */
static int publish_name(struct entry *e, const char *tmp_name, unsigned i)
{
	struct store *s = e->store;
	struct spot at, first;
	char name[40];
	int r = tree_spot(&s->tree, e->node, i, &at);

	if (r < 0)
		return r;
	if (i == 0) {
		r = s->io->rename(s->tmp, tmp_name, at.dir->fd, at.name);
		spot_done(&s->tree, &at);
		return r;
	}

	snprintf(name, sizeof(name), "l.%s", tmp_name);
	r = tree_spot(&s->tree, e->node, 0, &first);
	if (r == 0) {
		if (linkat(first.dir->fd, first.name, s->tmp, name, 0) < 0)
			r = -errno;
		spot_done(&s->tree, &first);
	}
	if (r == 0) {
		r = s->io->rename(s->tmp, name, at.dir->fd, at.name);
		if (r < 0)
			unlinkat(s->tmp, name, 0);
	}
	spot_done(&s->tree, &at);
	return r;
}

static int publish_names(struct entry *e, const char *tmp_name,
			 const struct stat *old)
{
	struct spot at;
	unsigned n = 0;

	while (tree_spot(&e->store->tree, e->node, n, &at) == 0) {
		spot_done(&e->store->tree, &at);
		n++;
	}
	if (n == 0)
		return -ESTALE;
	if (old->st_nlink > n)
		scan_links(e->store, e->node); /* made before we started */

	int r = publish_name(e, tmp_name, 0);
	for (unsigned i = 1; r == 0; i++)
		r = publish_name(e, tmp_name, i);
	return r == -ESTALE ? 0 : r; /* the last name was reached */
}

/* Whether copies of it stay in DRAM. */
static bool publish_keeps(struct entry *e)
{
	struct settings now;

	settings_look(e->store, e->node, &now);
	return room_entry(e->store) &&
	       now.number[SETTING_TIER] != SETTING_TIER_SSD;
}

/*
 * What was promised is stored now.  The container of before is counted as long
 * as somebody reads it.  Caller as below.
 */
static void publish_fulfil(struct entry *e, const struct container *c)
{
	struct store *s = e->store;
	struct node *n = e->node;
	struct stat st;

	if (fstat(c->fd, &st) < 0)
		return;
	uint64_t stored = (uint64_t)st.st_blocks * 512;
	budget_fulfil(&s->budget, e->room, stored);
	if (e->cont)
		container_linger(e->cont, &s->budget, n->stored);
	quota_weigh(s, n, stored, e->promised);
	e->room = e->promised = 0;
	tree_rekey(&s->tree, n, st.st_ino);
}

/* The entry is clean and c its container.  Caller holds names, data alone. */
static void publish_swap(struct entry *e, struct container *c)
{
	struct store *s = e->store;
	struct node *n = e->node;

	publish_fulfil(e, c);
	if (e->cont)
		container_close(e->cont); /* with e->fd */
	else
		close(e->fd);
	e->cont = c;
	e->fd = c->fd;
	e->image_charged = c->image ? c->image->len : 0;
	e->dirty = false;

	bool keep = publish_keeps(e);

	if (e->n_passed || (e->plain->in_dram && e->size && keep)) {
		budget_wash(&s->budget, e->plain->charged);
		/* To read a hole through a map fills it with zeros. */
		if (e->plain->charged >= e->size)
			plain_map(e->plain, e->size);
	} else {
		budget_set_dirty(&s->budget, e->plain->charged, 0);
		e->plain = plain_free(e->plain);
	}
	if (!keep)
		entry_keep_image(e, 0);
	n->size = c->head.logical_size;
	n->layered = c->head.layer_mask & 1u << LAYER_HEAD;
	n->layers = (uint8_t)c->n_layers;
	expire_touch(n);
}

static int publish_allowed(struct entry *e, const struct container *c)
{
	struct stat st;

	if (fstat(c->fd, &st) < 0)
		return -errno;
	return quota_allows(e->store, e->node, (uint64_t)st.st_blocks * 512);
}

int publish(struct entry *e, const char *tmp_name, struct container *c,
	    uint64_t change)
{
	struct store *s = e->store;
	struct stat old;

	scan_wait(s);

	auto_rwunlock pthread_rwlock_t *names = lock_alone(&s->tree.names);
	auto_rwunlock pthread_rwlock_t *data = lock_alone(&e->data);
	auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

	if (e->node->gone)
		return -ESTALE;
	if (e->change != change)
		return -EAGAIN;
	int r = publish_allowed(e, c);
	if (r < 0)
		return r;
	r = publish_attributes(e, c->fd, &old);
	if (r == 0)
		r = publish_names(e, tmp_name, &old);
	if (r < 0)
		return r == -EDQUOT ? -ENOSPC : r; /* it is the backing's */
	publish_swap(e, c);
	return 0;
}

void publish_give_up(struct entry *e, int error)
{
	struct store *s = e->store;
	bool first;

	{
		auto_rwunlock pthread_rwlock_t *data = lock_alone(&e->data);
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		if (e->n_open)
			return; /* its release tries again */
		e->doomed = false;
		entry_unpromise(e);
		if (!e->dirty)
			return; /* the write that failed changed nothing */
		first = !e->cont;
		budget_set_dirty(&s->budget, e->plain->charged, 0);
		e->plain = plain_free(e->plain);
		e->dirty = false;
		if (e->cont)
			e->size = e->cont->head.logical_size;
		e->change++;
		e->failed = first;
	}
	s->counters.dropped_writes++;
	log_error("a staged entry could not be published and is lost: %s",
		  strerror(-error));
	if (first) {
		quarantine_node(s, e->node, -ENODATA);
		return;
	}
	mover_enter(s, e->node); /* as it was before */
	s->options.stale(s->options.stale_ctx, e->node, NULL);
}
