/*
 * load.h - a clean entry's plain copy, filled tile by tile from its container
 *
 * Whoever needs tiles that nobody has begun decodes them itself, about a MiB
 * stored at a time; the pool's threads go on ahead, to the end of the entry.
 * Caller holds the entry's data shared, and it has a plain copy with a map.
 */
#pragma once

#include <stdint.h>

struct entry;

/* Makes bytes [off, off + len) ready.  Returns 0 or -errno. */
int load_range(struct entry *e, uint64_t off, uint64_t len);

/* Sets the pool to fill the rest; data need not be held. */
void load_ahead(struct entry *e);
