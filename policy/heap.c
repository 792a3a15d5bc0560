/* heap.c - slots by key, the least on top */
#include "policy/heap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool heap_less(const struct heap_node *a, const struct heap_node *b)
{
	if (a->key < b->key)
		return true;
	return !(b->key < a->key) && a->slot < b->slot;
}

static void heap_put(struct heap *h, uint32_t i, struct heap_node node)
{
	h->node[i] = node;
	h->where[node.slot] = i + 1;
}

static void heap_rise(struct heap *h, uint32_t i, struct heap_node node)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / 2;

		if (!heap_less(&node, &h->node[parent]))
			break;
		heap_put(h, i, h->node[parent]);
		i = parent;
	}
	heap_put(h, i, node);
}

static void heap_sink(struct heap *h, uint32_t i, struct heap_node node)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= h->n)
			break;
		if (child + 1 < h->n &&
		    heap_less(&h->node[child + 1], &h->node[child]))
			child++;
		if (!heap_less(&h->node[child], &node))
			break;
		heap_put(h, i, h->node[child]);
		i = child;
	}
	heap_put(h, i, node);
}

/* Puts node into the gap at i, wherever from there it belongs. */
static void heap_settle(struct heap *h, uint32_t i, struct heap_node node)
{
	if (i > 0 && heap_less(&node, &h->node[(i - 1) / 2]))
		heap_rise(h, i, node);
	else
		heap_sink(h, i, node);
}

void heap_done(struct heap *h)
{
	free(h->node);
	free(h->where);
	*h = (struct heap){ 0 };
}

int heap_reserve(struct heap *h, uint32_t cap)
{
	if (cap <= h->cap)
		return 0;

	struct heap_node *node = realloc(h->node, cap * sizeof *node);
	if (!node)
		return -ENOMEM;
	h->node = node;

	uint32_t *where = realloc(h->where, cap * sizeof *where);
	if (!where)
		return -ENOMEM;
	memset(where + h->cap, 0, (cap - h->cap) * sizeof *where);
	h->where = where;
	h->cap = cap;
	return 0;
}

void heap_set(struct heap *h, uint32_t slot, double key)
{
	struct heap_node node = { .key = key, .slot = slot };

	assert(slot < h->cap);
	if (h->where[slot])
		heap_settle(h, h->where[slot] - 1, node);
	else
		heap_rise(h, h->n++, node);
}

void heap_drop(struct heap *h, uint32_t slot)
{
	if (!heap_has(h, slot))
		return;

	uint32_t i = h->where[slot] - 1;
	struct heap_node last = h->node[--h->n];

	h->where[slot] = 0;
	if (i < h->n)
		heap_settle(h, i, last);
}
