/* quarantine.c - what does not verify, or was never finished, leaves the tree
 */
#include "fs/store/quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/log.h"
#include "fs/store/mover.h"

/* The file is still the one that was found wanting. */
static bool quarantine_same(const struct node *n, const struct spot *at,
			    int error)
{
	struct stat st;

	if (fstatat(at->dir->fd, at->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return st.st_ino == n->ino && (error != -ENODATA || st.st_size == 0);
}

static int quarantine_move(struct store *s, const struct spot *at)
{
	char name[300];

	snprintf(name, sizeof(name), "%lld.%llu.%.200s", (long long)time(NULL),
		 (unsigned long long)atomic_fetch_add(&s->next_id, 1),
		 at->name);
	return s->io->rename(at->dir->fd, at->name, s->quarantine, name);
}

/* Takes one name away.  Caller holds names alone.  False: no more names. */
static bool quarantine_name(struct store *s, struct node *n, int error)
{
	struct spot at;

	if (tree_spot(&s->tree, n, 0, &at) < 0)
		return false;
	if (quarantine_same(n, &at, error)) {
		int r = error == -ENODATA ? s->io->unlink(at.dir->fd, at.name)
					  : quarantine_move(s, &at);
		if (r < 0)
			log_error("quarantine of %s: %s", at.name,
				  strerror(-r));
		else if (error != -ENODATA)
			log_error("%s does not verify (%s): in quarantine",
				  at.name, strerror(-error));
	}
	tree_unlink(&s->tree, n, at.dir, at.name);
	s->options.stale(s->options.stale_ctx, at.dir, at.name);
	spot_done(&s->tree, &at);
	return true;
}

void quarantine_node(struct store *s, struct node *n, int error)
{
	mover_forget(s, n);

	auto_rwunlock pthread_rwlock_t *names = lock_alone(&s->tree.names);
	struct entry *e = entry_peek(s, n);
	bool alive = false;

	if (e) {
		auto_unlock pthread_mutex_t *held = mutex_lock(&e->lock);

		alive = !e->failed;
	}
	if (!alive && !n->gone) {
		while (quarantine_name(s, n, error))
			;
		tree_unhash(&s->tree, n);
		if (error != -ENODATA)
			s->counters.quarantined++;
	}
	if (e)
		entry_put(e);
}
