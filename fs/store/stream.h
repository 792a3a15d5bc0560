/*
 * stream.h - a container read once from front to back, without a plain copy
 *
 * The pool decodes a few spans ahead of the reader into buffers that are used
 * again and again, by this reader and the next: fresh memory costs more than
 * decoding.  Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct container;
struct store;
struct stream;
struct view;

/*
 * A stream over c from its first byte on; it keeps c open.  NULL when DRAM is
 * too little for the slots, or what fills it cannot go.  Caller holds no lock.
 */
struct stream *stream_new(struct store *s, struct container *c);

/* Waits for what is being decoded and replied.  Takes NULL; returns NULL. */
struct stream *stream_free(struct stream *st);

/* A spare one, so that the first reader finds it; best effort. */
void stream_prepare(struct store *s);

/* Those that were kept for the next reader. */
void stream_free_spares(struct store *s);

/* Whether it reads this container, and not one that was replaced. */
bool stream_is_of(const struct stream *st, const struct container *c);

/*
 * v->len bytes from off on, within the file: sets the view's pieces, which stay
 * until stream_read_done.  Returns 0, -EAGAIN (out of order: not for a stream),
 * or as container_load.
 */
int stream_read(struct stream *st, uint64_t off, struct view *v);
void stream_read_done(struct stream *st, const struct view *v);
