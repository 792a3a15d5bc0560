/*
 * profiles.h - the layer profiles that are installed
 *
 * Every *.profile of one directory (codec/profile.h), read when the store
 * opens; one that cannot be read is logged and passed over.  Immutable after
 * that, so thread-safe.
 */
#pragma once

#include <stddef.h>

#include "codec/profile.h"

struct profiles {
	struct profile *at; /* owned */
	size_t n;
};

/* path: NULL, or a directory that need not be there. */
void profiles_load(struct profiles *p, const char *path);
void profiles_done(struct profiles *p);

/* The first that is of the model whose tensors these are, or NULL. */
const struct profile *profiles_find(const struct profiles *p,
				    const struct head_extent *at, size_t n);
