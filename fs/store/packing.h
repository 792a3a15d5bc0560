/*
 * packing.h - one entry on its way from staged bytes to a container
 *
 * Encoding, syncing and publishing are separate steps, so that many small
 * entries can share one sync.  Not thread-safe: one thread at a time.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "codec/head.h"
#include "fs/store/sink.h"

struct damage;
struct entry;

struct packing {
	struct packing *next; /* the scheduler's */
	struct entry *e;
	int plain; /* the plain copy's file, a descriptor of our own */
	uint64_t change;
	uint64_t data; /* from here on the plain copy may have bytes */
	struct head head;
	struct sink sink[N_LAYERS];
	const struct damage *damage; /* of the entry's task */
	double floor_nats;
	float step;  /* of the layered codec; 0: all bit-exact */
	bool window; /* recent tiles have their base first */
	const struct profile *profile; /* how each layer takes it, or NULL */
	float lost[2];                 /* what K and V had lost before */
	int tmp;                       /* the temporary, or -1 */
	char tmp_name[32];
	uint64_t since_ns;
};

/*
 * Takes the entry as it is at this moment.  Returns 0, -EALREADY (nothing is
 * staged), -ESTALE (it has no name), -EIO (it is doomed, or lost) or -errno.
 * packing_done in any case.
 */
int packing_begin(struct packing *p, struct entry *e);

/*
 * Encodes into a temporary on the backing, which is not synced yet.  Returns
 * 0, -EAGAIN (truncated meanwhile) or -errno.
 */
int packing_encode(struct packing *p);

/* Syncs the temporary alone. */
int packing_sync(struct packing *p);

/*
 * The temporary, which is on disk, becomes the entry's container.  Returns as
 * publish.h says.
 */
int packing_publish(struct packing *p);

/* Frees what is held; removes a temporary that was not published. */
void packing_done(struct packing *p);
