/*
 * container.h - one entry's file on the backing, opened for reading
 *
 * The head is parsed and checked when it is opened; a tile's bytes are checked
 * against their sum each time before they are decoded.  What a container says
 * never changes.  All functions are thread-safe, but for container_cut.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec/head.h"
#include "fs/store/io.h"

struct budget;

struct container {
	_Atomic unsigned refs;
	const struct io *io;
	int fd;                /* read-only */
	_Atomic int direct_fd; /* the same with O_DIRECT; < 0: none */
	struct head head;
	unsigned n_layers; /* layers the file still has */

	uint64_t image_off;    /* of the first section in the file; 0: none */
	struct budget *budget; /* of container_linger */
	uint64_t lingers;

	pthread_mutex_t lock; /* guards the pointer and the image's refs */
	struct image *image;  /* NULL: all is on the backing alone */
};

/* The bytes from the first section on, in DRAM: whole layers. */
struct image {
	unsigned refs; /* whoever reads it, and the container */
	uint64_t len;
	uint8_t *at; /* malloc'ed */
};

/*
 * Opens the container at fd, which it takes on success; one that has lost its
 * last layers opens with what is left.  Returns 0, -ENODATA (an empty file: a
 * name whose bytes were never published), -EBADMSG (damaged, foreign, or cut
 * off within what must be there), -EOPNOTSUPP (a later version), or -errno from
 * reading.
 */
int container_open(const struct io *io, int fd, struct container **ret);

/* Another reference to c. */
struct container *container_get(struct container *c);

/* Gives a reference back; the last closes and frees.  Takes NULL; returns NULL.
 */
struct container *container_close(struct container *c);

/*
 * Its name is gone or another's.  What it stores stays counted in the budget
 * until the last reference is given back, for until then the file is there.
 */
void container_linger(struct container *c, struct budget *b, uint64_t bytes);

/* Bytes of an image of the first n_layers layers. */
uint64_t container_image_bytes(const struct container *c, unsigned n_layers);

/* Layers that the image holds; N_LAYERS: all there are. */
unsigned container_image_layers(struct container *c);

/*
 * Makes the len bytes at `at`, which it takes, the image in place of any
 * before.  Returns 0 or -ENOMEM (then `at` is still the caller's).
 */
int container_set_image(struct container *c, uint8_t *at, uint64_t len);

/*
 * The image keeps only these layers; 0: none.  Where somebody reads it just
 * now it keeps none.  Returns the bytes that it keeps.
 */
uint64_t container_keep_image(struct container *c, unsigned n_layers);

/*
 * Reads the first n_layers layers from the file, container_image_bytes of
 * them, malloc'ed.  They are not verified: each tile is when it is decoded.
 * Returns 0, -ENOMEM, -EBADMSG or -errno.
 */
int container_read_image(struct container *c, unsigned n_layers, uint8_t **ret);

/*
 * The file keeps only its first n_layers layers, at least one.  It is cut, not
 * written anew, so a crash leaves it whole or cut.  Caller: nobody else reads.
 * Returns 0, -EINVAL (a tile would not survive) or -errno.
 */
int container_cut(struct container *c, unsigned n_layers);

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
