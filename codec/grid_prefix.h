/*
 * grid_prefix.h - lanes of prefix-coded pairs, written and found again
 *
 * See grid.h for what a lane holds.  All functions are thread-safe.
 */
#pragma once

#include "codec/grid.h"
#include "codec/kernel.h"

/* Code tables, built once from grid_lengths (dispatch.c keeps them). */
struct grid_codes {
	struct prefix_decoder decoder[GRID_CODES];
	struct prefix_encoder encoder[GRID_CODES];
};

void grid_codes_init(struct grid_codes *ret);

/* Cuts memory handed out by scratch_buf; NULL when it does not suffice. */
struct arena {
	uint8_t *at, *end;
};

static inline void *arena_take(struct arena *a, size_t len)
{
	uint8_t *p = a->at;

	len = (len + 63) & ~(size_t)63;
	if (len > (size_t)(a->end - p))
		return NULL;
	a->at += len;
	return p;
}

/* Bytes being written; a write past end is dropped and sets full. */
struct out {
	uint8_t *at, *end;
	bool full;
};

/* A value that its code cannot say. */
struct grid_escape {
	uint32_t at; /* place in value order, or index of a gap */
	uint32_t value;
};

struct grid_escapes {
	struct grid_escape *at;
	uint32_t n, cap; /* beyond cap they are only counted */
};

/* Bits of an encoder's entry. */
static inline unsigned prefix_bits(uint32_t entry)
{
	return entry & 15;
}

/*
 * Appends n pairs to b, which needs room for 11 bits each and 8 bytes.
 * Returns the encoder's entries or-ed: PREFIX_RARE when a pair was rare.
 */
uint32_t prefix_put(const struct prefix_encoder *code, const uint8_t *pairs,
		    size_t n, struct bit_writer *b);

/* Adds v to the list; nothing but a count when it is full. */
void escapes_add(struct grid_escapes *list, uint32_t at, uint32_t value);

/* Where item i of n begins: lane i / 4 of them. */
static inline size_t lane_cut(size_t n, unsigned i)
{
	return n * i / 4;
}

/* Ends a stream.  Returns its first byte not written. */
static inline uint8_t *bits_end(struct bit_writer *b)
{
	return b->dst + (b->n > 0);
}

/* The lengths of four lanes at p, back to back from src, to lane[].  Returns
 * the bytes they take, or SIZE_MAX when that is more than avail. */
size_t lanes_parse(const uint8_t *p, const uint8_t *src, size_t avail,
		   struct lane lane[4]);

/* Appends len bytes. */
void out_put(struct out *out, const void *src, size_t len);
