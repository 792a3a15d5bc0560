/*
 * profiles.h - the layer profiles and the tasks' curves that are installed
 *
 * Every *.profile (codec/profile.h) and *.task (task.h) of one directory, read
 * when the store opens; one that cannot be read is logged and passed over.
 * Immutable after that, so thread-safe.
 */
#pragma once

#include <stddef.h>

#include "codec/profile.h"
#include "fs/store/task.h"

struct profiles {
	struct profile *at; /* owned */
	size_t n;
	struct task *tasks; /* owned */
	size_t n_tasks;
};

/* path: NULL, or a directory that need not be there. */
void profiles_load(struct profiles *p, const char *path);
void profiles_done(struct profiles *p);

/* The first that is of the model whose tensors these are, or NULL. */
const struct profile *profiles_find(const struct profiles *p,
				    const struct head_extent *at, size_t n);

/*
 * The curve of the task of this name: an installed one, or else one that is
 * built in, or else the default.
 */
const struct damage *profiles_damage(const struct profiles *p,
				     const char *task);
