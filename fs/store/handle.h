/*
 * handle.h - handles, for the files of this folder
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct entry;
struct stream;

struct handle {
	struct handle *next, **at; /* in the store's list: entries_lock */
	struct entry *entry;       /* holds a reference */
	bool writer;
	bool passed;
	bool mapped;     /* may be written through a mapping we cannot see */
	atomic_bool hit; /* counted as one */
	struct stream *_Atomic stream; /* while it reads front to back */
};

/* A handle on e, whose reference it takes; NULL when out of memory. */
struct handle *handle_open(struct entry *e, int flags);
