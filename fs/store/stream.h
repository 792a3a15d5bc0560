/*
 * stream.h - a container read once from front to back, without a plain copy
 *
 * The pool decodes a few spans ahead of the reader into buffers that are used
 * again and again: fresh memory costs more than decoding.  Thread-safe; readers
 * of one stream take turns.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct container;
struct store;
struct stream;

/*
 * A stream over c from its first byte on; it keeps c open.  NULL when DRAM has
 * no room for the buffers.
 */
struct stream *stream_new(struct store *s, struct container *c);

/* Waits for what is being decoded.  Takes NULL; returns NULL. */
struct stream *stream_free(struct stream *st);

/* Whether it reads this container, and not one that was replaced. */
bool stream_is_of(const struct stream *st, const struct container *c);

/*
 * Bytes [off, off + len), within the file, in this thread's LOCAL_PLAIN.
 * Returns 0, -EAGAIN (out of order: not for a stream), or as container_load.
 */
int stream_read(struct stream *st, uint64_t off, size_t len, const void **ret);
