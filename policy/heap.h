/*
 * heap.h - slots by key, the least on top, each found again by its number
 *
 * A binary heap of (key, slot) with a table of where each slot stands.  Equal
 * keys come out by slot number, so that runs repeat.  Only heap_reserve()
 * allocates.  Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	double key;
	uint32_t slot;
} __attribute__((packed, aligned(4))); /* there may be millions */

struct heap {
	struct heap_node *node;
	uint32_t *where; /* by slot: index + 1 into node; 0: not in the heap */
	uint32_t n;
	uint32_t cap; /* slots 0 to cap - 1 can be held */
};

/* Frees what the heap holds; a zeroed heap is a valid, empty one. */
void heap_done(struct heap *h);

/* Makes room for slots below cap.  0, or -ENOMEM with nothing changed. */
int heap_reserve(struct heap *h, uint32_t cap);

/* Puts slot in, or moves it to its new key.  slot < cap; key no NaN. */
void heap_set(struct heap *h, uint32_t slot, double key);

/* Takes slot out; nothing happens when it is not in. */
void heap_drop(struct heap *h, uint32_t slot);

/* The least node, or NULL.  Valid until the heap changes. */
static inline const struct heap_node *heap_top(const struct heap *h)
{
	return h->n ? h->node : NULL;
}

static inline bool heap_has(const struct heap *h, uint32_t slot)
{
	return slot < h->cap && h->where[slot];
}
