/*
 * container.h - one entry's file on the backing, opened for reading
 *
 * The head is parsed and checked when it is opened; a tile's bytes are checked
 * against their sum each time before they are decoded.  A container is
 * immutable, so all functions are thread-safe.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec/head.h"
#include "fs/store/io.h"

struct container {
	_Atomic unsigned refs;
	const struct io *io;
	int fd;                /* read-only */
	_Atomic int direct_fd; /* the same with O_DIRECT; < 0: none */
	struct head head;
	unsigned n_layers; /* layers the file still has */

	/*
	 * The bytes from the first section on, in DRAM; NULL: only on the
	 * backing.  Whoever guards the container guards it, and the lock those
	 * that only load from it.
	 */
	pthread_rwlock_t image_lock;
	uint8_t *image;
	uint64_t image_off; /* of image[0] in the file */
};

/*
 * Opens the container at fd, which it takes on success.  Returns 0, -ENODATA
 * (an empty file: a name whose bytes were never published), -EBADMSG (damaged,
 * foreign, or cut off within what must be there), -EOPNOTSUPP (a later
 * version), or -errno from reading.
 */
int container_open(const struct io *io, int fd, struct container **ret);

/* Another reference to c. */
struct container *container_get(struct container *c);

/* Gives a reference back; the last closes and frees.  Takes NULL; returns NULL.
 */
struct container *container_close(struct container *c);

/* Frees the image, once nobody loads from it. */
void container_drop_image(struct container *c);

/* Bytes of the sections: what an image costs. */
uint64_t container_image_bytes(const struct container *c);

/*
 * Decodes tiles [first, first + n) to dst, which stands for the logical byte
 * head_tile_off(first).  Uses the thread's local memory.  Returns 0, -EBADMSG
 * (a sum or a decoder says so), -EIO or another -errno from reading, -ENOMEM.
 */
int container_load(struct container *c, uint32_t first, uint32_t n,
		   uint8_t *dst);

/* Whether tiles [first, first + n) are zeros, by what the head says. */
bool container_is_hole(const struct container *c, uint32_t first, uint32_t n);

/* How many tiles from first on one load should take: about 1 MiB stored. */
uint32_t container_span(const struct container *c, uint32_t first);

/* The size and id in the head of the file at fd; returns as container_open. */
int container_peek(const struct io *io, int fd, struct head_brief *ret);
