/*
 * sink.h - where packing puts a section: the temporary, and DRAM if it may
 *
 * Bytes go to the file a MiB at a time.  They also stay in DRAM, as the image
 * of the container to be, as long as the budget has clean bytes for them; when
 * it has not, the image is given up and packing goes on.  Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct sink {
	struct store *store;
	int fd;
	uint64_t off; /* in the file, of buf[0] */
	uint8_t *buf;
	size_t len, cap, flushed;
	bool keep;        /* buf is the image */
	uint64_t charged; /* clean bytes of DRAM for it */
};

/* off: where the section starts.  keep: try for an image. */
void sink_init(struct sink *k, struct store *s, int fd, uint64_t off,
	       bool keep);

/* Room for n bytes, to be filled and committed.  NULL: out of memory. */
uint8_t *sink_reserve(struct sink *k, size_t n);

/* The first n bytes of the room are the next of the section. */
int sink_commit(struct sink *k, size_t n);

/* Everything to the file.  Returns 0 or -errno. */
int sink_flush(struct sink *k);

/*
 * The image, the caller's from now on with its `charged` bytes of the budget;
 * NULL when it was given up.
 */
uint8_t *sink_take(struct sink *k);

/* Frees what was not taken.  Safe on a zeroed sink. */
void sink_done(struct sink *k);
