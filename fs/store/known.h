/*
 * known.h - what is known of a file beside its bytes, for the layouts
 *
 * Its path, the files beside it, what its owner declares, and whether its
 * client checks the bytes it reads by a sum of its own: then they must never
 * change, not by a bit.
 */
#pragma once

#include <stdbool.h>

#include "codec/layout/declare.h"
#include "codec/layout/layout.h"
#include "fs/store/setting.h"

struct entry;
struct node;
struct store;

struct known {
	struct store *store;
	char *name; /* from the mount's root; owned, or NULL */
	struct declaration declared;
	bool is_declared, checksummed;
};

/* Caller holds entry.data, and calls known_done. */
void known_init(struct known *k, struct entry *e);
void known_done(struct known *k);

/* Fills all of src but size, read and ctx. */
void known_tell(const struct known *k, struct source *src);

/*
 * The plain bytes of another file, as struct source's sidecar: a path from the
 * root.  No lock held.  Returns 0, -ENOENT, -E2BIG or -errno.
 */
int known_file(struct store *s, const char *path, void *buf, size_t cap,
	       size_t *ret_len);

/*
 * Whether a file of this size (DECLARE_NO_SIZE: a directory) can be what the
 * settings that hold for n say once this one has that value.  Returns 0, or
 * -EINVAL.
 */
int known_check(struct store *s, struct node *n, enum setting_id id,
		const char *text, uint64_t size);

/* Whether the client keeps a sum over the entry's bytes.  Caller holds data. */
bool known_checksummed(const struct entry *e);
