/*
 * plain.h - an entry's plain bytes, in a file of the store's own
 *
 * In DRAM it is a nameless file of a private tmpfs (or a memfd), so that the
 * kernel can be given it to serve; when DRAM is short, or the entry is larger
 * than DRAM, a nameless file on the backing.  A staged entry's plain copy is
 * the truth and grows as it is written.  A clean entry's is a cache of its
 * container, mapped, and may be filled tile by tile.
 *
 * The counts of tiles have a lock of their own; the rest is guarded by the
 * entry's data lock: shared to read and write bytes, alone to change what is
 * said here.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct plain {
	int fd;
	bool in_dram;
	uint8_t *map; /* clean ones in DRAM: map_len bytes; else NULL */
	uint64_t map_len;

	pthread_mutex_t lock; /* guards the three below */
	pthread_cond_t changed;
	uint8_t *tile; /* enum tile_state each; NULL: all are ready */
	uint32_t n_tiles, n_ready;

	uint64_t charged; /* bytes of DRAM in the budget */
};

enum tile_state {
	TILE_ABSENT = 0,
	TILE_BUSY = 1,
	TILE_READY = 2,
};

/* Where plain copies live. */
struct plain_home {
	int dram;    /* directory of the private tmpfs, or -1: use memfds */
	int backing; /* directory on the backing for nameless files */
};

/* Makes the tmpfs when the caller may; always usable afterwards. */
void plain_home_init(struct plain_home *h, int backing);
void plain_home_done(struct plain_home *h);

/* An empty plain copy, all of it ready.  Returns 0 or -errno. */
int plain_new(const struct plain_home *h, bool in_dram, struct plain **ret);

/*
 * One of size bytes, mapped, with n_tiles tiles still to be filled; in DRAM.
 * Returns 0 or -errno.
 */
int plain_new_cache(const struct plain_home *h, uint64_t size, uint32_t n_tiles,
		    struct plain **ret);

/* Takes NULL; returns NULL.  Gives nothing back to the budget. */
struct plain *plain_free(struct plain *p);

/* Maps a complete copy of size bytes, where it is in DRAM; best effort. */
void plain_map(struct plain *p, uint64_t size);
void plain_unmap(struct plain *p);

/* Bytes of DRAM it takes now. */
uint64_t plain_cost(const struct plain *p);

/* Copies all bytes to a new plain copy elsewhere.  Returns 0 or -errno. */
int plain_move(const struct plain *from, struct plain *to, uint64_t size);

bool plain_complete(struct plain *p);
