/* weight.c - bytes below each directory, and how many of all are pinned */
#include "fs/store/weight.h"

#include "fs/store/walk.h"

uint64_t weight_of(const struct node *n)
{
	if (n->type == S_IFDIR)
		return n->below;
	return n->type == S_IFREG ? n->stored + n->promised : 0;
}

struct node *weight_dir(const struct node *n)
{
	return n->links ? n->links->dir : NULL;
}

bool weight_is_pinned(const struct node *n)
{
	while (n && n->pin == NODE_PIN_UNSET)
		n = weight_dir(n);
	return n && n->pin == NODE_PIN_HARD;
}

/* The part of a node's weight that is pinned. */
static uint64_t weight_pinned(const struct node *n)
{
	uint64_t sum = 0;

	if (!weight_of(n))
		return 0;
	if (n->type == S_IFREG)
		return weight_is_pinned(n) ? weight_of(n) : 0;
	for (struct link *l = walk_next(n, NULL); l; l = walk_next(n, l)) {
		const struct node *kid = link_node(l);

		if (kid->type == S_IFREG && l == kid->links &&
		    weight_is_pinned(kid))
			sum += weight_of(kid);
	}
	return sum;
}

/* Adds to all directories above; what is taken away wraps. */
static void weight_add(struct node *n, uint64_t bytes)
{
	while ((n = weight_dir(n)))
		n->below += bytes;
}

void weight_hang(struct tree *t, struct node *n)
{
	if (!n->links)
		return;
	weight_add(n, weight_of(n));
	t->pinned_bytes += weight_pinned(n);
}

void weight_unhang(struct tree *t, struct node *n)
{
	if (!n->links)
		return;
	weight_add(n, -weight_of(n));
	t->pinned_bytes -= weight_pinned(n);
}

void weight_set(struct tree *t, struct node *n, uint64_t stored,
		uint64_t promised)
{
	uint64_t change = stored + promised - weight_of(n);

	n->stored = stored;
	n->promised = promised;
	if (!n->links)
		return;
	weight_add(n, change);
	if (weight_is_pinned(n))
		t->pinned_bytes += change;
}

void weight_pin(struct tree *t, struct node *n, enum node_pin pin)
{
	bool hangs = n->links || n == t->root;

	if (n->pin == pin)
		return;
	if (hangs)
		t->pinned_bytes -= weight_pinned(n);
	n->pin = (uint8_t)pin;
	if (hangs)
		t->pinned_bytes += weight_pinned(n);
}

static bool weight_passes(const struct node *dir, uint64_t more)
{
	return dir->quota && more > 0 &&
	       (dir->below > dir->quota || more > dir->quota - dir->below);
}

struct node *weight_over(const struct node *n, uint64_t more)
{
	struct node *dir = weight_dir(n);

	while (dir && !weight_passes(dir, more))
		dir = weight_dir(dir);
	return dir;
}

static bool weight_hangs_below(const struct node *n, const struct node *dir)
{
	while (n && n != dir)
		n = weight_dir(n);
	return n;
}

struct node *weight_over_moved(const struct node *n, struct node *to)
{
	/* What is above both holds it already. */
	while (to && !weight_hangs_below(n, to)) {
		if (weight_passes(to, weight_of(n)))
			return to;
		to = weight_dir(to);
	}
	return NULL;
}
