/*
 * sink.h - where packing puts a section: the temporary, and DRAM if it may
 *
 * A sink that is placed writes to the file, a MiB at a time.  One that is not
 * yet, because the sections before it are not complete, keeps its bytes, or
 * only counts them.  What is kept becomes the image of the container to be, as
 * long as the budget has clean bytes for it; when it has not, the image is
 * given up and packing goes on.  Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

struct sink {
	struct store *store;
	int fd;
	uint64_t off; /* in the file, of buf[0], once it is placed */
	uint8_t *buf;
	size_t len, cap, flushed;
	uint64_t total;   /* bytes put */
	bool placed;      /* off is known */
	bool keep;        /* buf holds all that was put */
	uint64_t charged; /* clean bytes of DRAM for that */
};

/* keep: try to hold on to the bytes. */
void sink_init(struct sink *k, struct store *s, int fd, bool keep);

/* The section starts at off. */
void sink_place(struct sink *k, uint64_t off);

/* The next n bytes of the section.  Returns 0, -ENOMEM or -errno. */
int sink_put(struct sink *k, const void *src, size_t n);

/* Everything to the file; it is placed.  Returns 0 or -errno. */
int sink_flush(struct sink *k);

/*
 * What n placed sinks have kept, as one piece of len bytes that starts at `off`
 * of the file, the caller's from now on with its len clean bytes of the budget;
 * NULL when something was not kept or there is no room.
 */
uint8_t *sinks_take(struct sink *k, unsigned n, uint64_t off, uint64_t len);

/* Frees what was not taken.  Safe on a zeroed sink. */
void sink_done(struct sink *k);
