/*
 * cursor.h - reads a source in order, with an error that sticks
 *
 * After the first failure every read gives 0 and err stays as it is, so that a
 * parser looks at err where it decides, not after each word.  The caller of
 * cursor_init owns the memory; nothing is to be given back.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "codec/layout/layout.h"

struct cursor {
	const struct source *src;
	uint64_t pos; /* bytes from the start of the source; <= src->size */
	int err;      /* 0, -ENOENT (past the end, or cursor_fail), or src's */

	uint64_t buf_off;
	size_t buf_len;
	uint8_t buf[4096];
};

void cursor_init(struct cursor *c, const struct source *src);

/* Goes back to pos, which a read has passed before; err is forgotten. */
void cursor_rewind(struct cursor *c, uint64_t pos);

/* Little-endian words. */
uint32_t cursor_u32(struct cursor *c);
uint64_t cursor_u64(struct cursor *c);

/* Passes over n items of size bytes each; the product may overflow. */
void cursor_skip(struct cursor *c, uint64_t n, uint64_t size);

/* The bytes are not what they should be: err becomes -ENOENT. */
void cursor_fail(struct cursor *c);

static inline uint64_t cursor_left(const struct cursor *c)
{
	return c->src->size - c->pos;
}
