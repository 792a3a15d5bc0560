/*
 * settings.h - the settings of files and directories, and which of them hold
 *
 * A setting is an extended attribute user.kv.<name> of the inode on the
 * backing, and kept over publishing.  What a node does not say itself it has
 * from the directory of its first name, and so on up to the root.  The nodes
 * know theirs from their first lookup on, so that what holds is found without
 * a system call.
 *
 * All functions are thread-safe.  settings_lock lets one change at a time in;
 * node.own is guarded by tree.lock.
 */
#pragma once

#include <stddef.h>

#include "fs/store/setting.h"

struct node;
struct store;

/* The numbers that hold for a node, setting.h says in which unit. */
struct settings {
	double number[N_SETTINGS];
};
/* Takes tree.lock alone: may be called with any other lock held. */
void settings_look(struct store *s, struct node *n, struct settings *ret);

/*
 * The most damage that may be done to an entry, in nats of KL divergence as
 * policy/damage.h estimates it; 0: it stays bit-exact.  Locks as above.
 */
double settings_quality(struct store *s, struct node *n);

/* The value that holds, with its text; locks as above. */
struct setting settings_get(struct store *s, struct node *n,
			    enum setting_id id);

/*
 * "VALUE (from PATH)", PATH as seen from the mount, or "default"; malloc'ed.
 * Returns 0, -ENODATA (no such setting) or -ENOMEM.
 */
int settings_effective(struct store *s, struct node *n, const char *name,
		       char **ret);

/* Its first path, "/a/b" from the mount's root; malloc'ed, or NULL. */
char *settings_path(struct store *s, const struct node *n);

/*
 * Sets name, as setxattr(2) does; an empty value removes it.  Returns 0;
 * -EINVAL (no such setting, or no value of it, or a quota of a file or above
 * size=); -ENOSPC (more than half of size= would be pinned); or what
 * setxattr(2) says.  Nothing is changed then.
 */
int settings_set(struct store *s, struct node *n, const char *name,
		 const void *value, size_t len, int flags);
/* Returns 0, -ENODATA or -errno. */
int settings_remove(struct store *s, struct node *n, const char *name);

/*
 * Reads what the backing says of a node, once.  dir and name are a way to it;
 * caller holds names.  What is no good value is passed over.
 */
void settings_learn(struct store *s, struct node *n, struct node *dir,
		    const char *name);

/*
 * The policy is told of all files below n, and of n, when other settings hold
 * for them than before: it was set or moved; of a file that moved, its name,
 * too.  No lock held.
 */
void settings_spread(struct store *s, struct node *n);
