/*
 * pack.h - staged bytes to a published container
 *
 * The layout of the bytes says where the tensors are; every tile is encoded,
 * decoded again and compared, and written to a temporary on the backing, which
 * is synced and takes the entry's name.  A tile that does not come back as it
 * was is stored raw: a bug in a codec costs space, not bytes.
 */
#pragma once

#include <stdbool.h>

struct entry;
struct work;

/* Queues packing when the entry is staged, has a name and no writer. */
void pack_queue(struct entry *e);

/* The queued work: of an entry, and of the store for what was encoded. */
void pack_run(struct work *w);
void commit_run(struct work *w);

/*
 * Packs and publishes now, writers or not; waits for a packing under way.
 * Returns 0 when what was staged at the call is published, or -errno; the
 * entry is then staged as before.
 */
int pack_now(struct entry *e);
