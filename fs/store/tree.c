/* tree.c - nodes: what the kernel and the store call a file, and its names */
#include "fs/store/tree.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>

#include "codec/mem.h"
#include "fs/store/short_name.h"
#include "fs/store/weight.h"

#define FIRST_BUCKETS    1024 /* a power of two */
#define NODES_PER_BUCKET 2
#define SLAB_NODES       128

/* Of a spare node, all but what chains it. */
#define SPARE_BYTES (sizeof(struct node) - offsetof(struct node, links))

static struct node **tree_bucket(const struct tree *t, uint64_t ino)
{
	uint64_t h = ino * 0x9e3779b97f4a7c15u;

	return &t->buckets[(h >> 20) & (t->n_buckets - 1)];
}

int tree_init(struct tree *t, int root_fd)
{
	pthread_rwlockattr_t attr;
	struct stat st;

	*t = (struct tree){ .n_buckets = FIRST_BUCKETS };
	if (fstat(root_fd, &st) < 0)
		return -errno;
	t->dev = st.st_dev;
	pthread_mutex_init(&t->lock, NULL);
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&t->names, &attr);
	pthread_rwlockattr_destroy(&attr);
	t->buckets = calloc(t->n_buckets, sizeof(*t->buckets));
	t->root = t->buckets ? tree_add(t, &st) : NULL;
	if (!t->root)
		return -ENOMEM;
	t->root->fd = root_fd;
	return 0;
}

/* Without a header for each: there are as many as entries. */
struct slab {
	struct slab *next;
	struct node node[SLAB_NODES];
};

/* Back to its slab, to be met by a sanitizer if somebody still looks at it. */
static void node_spare(struct tree *t, struct node *n)
{
	n->hash_next = t->spare;
	t->spare = n;
	ASAN_POISON_MEMORY_REGION(&n->links, SPARE_BYTES);
}

/* Zeroed, or NULL. */
static struct node *node_alloc(struct tree *t)
{
	struct slab *slab = t->spare ? NULL : malloc(sizeof(*slab));
	struct node *n;

	if (slab) {
		slab->next = t->slabs;
		t->slabs = slab;
		for (unsigned i = 0; i < SLAB_NODES; i++)
			node_spare(t, &slab->node[i]);
	}
	n = t->spare;
	if (!n)
		return NULL;
	t->spare = n->hash_next;
	ASAN_UNPOISON_MEMORY_REGION(&n->links, SPARE_BYTES);
	memset(n, 0, sizeof(*n));
	return n;
}

static void node_free(struct tree *t, struct node *n)
{
	while (n->links) {
		struct link *l = n->links;

		n->links = link_next(l);
		free(l);
	}
	while (n->own) {
		struct own *o = n->own;

		n->own = o->next;
		free(o);
	}
	if (n->type == S_IFDIR && n->fd >= 0)
		close(n->fd);
	node_spare(t, n);
}

void tree_done(struct tree *t)
{
	for (uint64_t b = 0; b < t->n_buckets; b++)
		while (t->buckets[b]) {
			struct node *n = t->buckets[b];

			t->buckets[b] = n->hash_next;
			node_free(t, n);
		}
	while (t->slabs) {
		struct slab *slab = t->slabs;

		t->slabs = slab->next;
		ASAN_UNPOISON_MEMORY_REGION(slab, sizeof(*slab));
		free(slab);
	}
	free(t->buckets);
	pthread_mutex_destroy(&t->lock);
	pthread_rwlock_destroy(&t->names);
}

/* Caller holds the lock. */
static void tree_grow(struct tree *t)
{
	struct tree bigger = { .n_buckets = 2 * t->n_buckets };

	bigger.buckets = calloc(bigger.n_buckets, sizeof(*bigger.buckets));
	if (!bigger.buckets)
		return; /* slower, not wrong */
	for (uint64_t b = 0; b < t->n_buckets; b++)
		while (t->buckets[b]) {
			struct node *n = t->buckets[b];
			struct node **to = tree_bucket(&bigger, n->ino);

			t->buckets[b] = n->hash_next;
			n->hash_next = *to;
			*to = n;
		}
	free(t->buckets);
	t->buckets = bigger.buckets;
	t->n_buckets = bigger.n_buckets;
}

/* Caller holds the lock. */
static void tree_hash(struct tree *t, struct node *n)
{
	if (t->n_nodes >= NODES_PER_BUCKET * t->n_buckets)
		tree_grow(t);

	struct node **b = tree_bucket(t, n->ino);
	n->hash_next = *b;
	*b = n;
	t->n_nodes++;
}

/* Caller holds the lock. */
static void tree_drop(struct tree *t, struct node *n)
{
	struct node **at = tree_bucket(t, n->ino);

	while (*at != n)
		at = &(*at)->hash_next;
	*at = n->hash_next;
	t->n_nodes--;
}

/* Caller holds the lock.  A node of another type is a reused inode's past. */
static struct node *tree_get(struct tree *t, uint64_t ino, mode_t mode)
{
	struct node *n = *tree_bucket(t, ino);

	while (n && (n->ino != ino || n->gone))
		n = n->hash_next;
	if (n && n->type != (mode & S_IFMT)) {
		n->gone = true;
		return NULL;
	}
	if (n)
		n->refs++;
	return n;
}

struct node *tree_find(struct tree *t, uint64_t ino, mode_t mode)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);

	return tree_get(t, ino, mode);
}

struct node *tree_add(struct tree *t, const struct stat *st)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);
	struct node *n = tree_get(t, st->st_ino, st->st_mode);

	if (n)
		return n;
	n = node_alloc(t);
	if (!n)
		return NULL;
	n->ino = st->st_ino;
	n->type = st->st_mode & S_IFMT;
	n->refs = 1;
	if (n->type == S_IFDIR)
		n->fd = -1;
	n->layers = N_RUNGS;
	tree_hash(t, n);
	return n;
}

void node_get(struct tree *t, struct node *n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);

	n->refs++;
}

static bool node_unused(const struct tree *t, const struct node *n)
{
	return !n->refs && !n->nlookup && n != t->root;
}

/* Caller holds the lock. */
static void link_join(struct link *l)
{
	l->kid_next = l->dir->kids;
	l->kid_at = &l->dir->kids;
	if (l->kid_next)
		l->kid_next->kid_at = &l->kid_next;
	l->dir->kids = l;
}

static void link_part(struct link *l)
{
	*l->kid_at = l->kid_next;
	if (l->kid_next)
		l->kid_next->kid_at = l->kid_at;
}

/*
 * Caller holds the lock.  Frees the node when nobody knows it, then the
 * directories that only it kept; those that wait are chained by hash_next.
 */
static void node_reap(struct tree *t, struct node *n)
{
	struct node *todo = NULL;

	if (node_unused(t, n)) {
		tree_drop(t, n);
		n->hash_next = NULL;
		todo = n;
	}
	while (todo) {
		n = todo;
		todo = n->hash_next;
		weight_unhang(t, n);
		for (struct link *l = n->links; l; l = link_next(l)) {
			link_part(l);
			l->dir->refs--;
			if (!node_unused(t, l->dir))
				continue;
			tree_drop(t, l->dir);
			l->dir->hash_next = todo;
			todo = l->dir;
		}
		node_free(t, n);
	}
}

void node_put(struct tree *t, struct node *n)
{
	if (!n)
		return;
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);
	n->refs--;
	node_reap(t, n);
}

void node_remember(struct tree *t, struct node *n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);

	if (n->nlookup < UINT32_MAX)
		n->nlookup++;
}

void node_forget(struct tree *t, struct node *n, uint64_t times)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);

	if (n->nlookup < UINT32_MAX)
		n->nlookup -= times < n->nlookup ? (uint32_t)times : n->nlookup;
	node_reap(t, n);
}

void tree_rekey(struct tree *t, struct node *n, uint64_t ino)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);

	tree_drop(t, n);
	n->ino = ino;
	tree_hash(t, n);
}

void tree_unhash(struct tree *t, struct node *n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);

	n->gone = true;
}

/* Or NULL; *ret_before is the name before it.  Caller holds the lock. */
static struct link *tree_find_link(struct node *n, const struct node *dir,
				   const struct short_name *name,
				   struct link **ret_before)
{
	struct link *l = n->links;

	*ret_before = NULL;
	while (l && (l->dir != dir || !short_name_is(name, l->name))) {
		*ret_before = l;
		l = link_next(l);
	}
	return l;
}

int tree_link(struct tree *t, struct node *n, struct node *dir,
	      const char *name)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);
	struct short_name packed;
	struct link *last;

	short_name_pack(name, &packed);
	if (tree_find_link(n, dir, &packed, &last))
		return 0;

	struct link *l = malloc(sizeof(*l) + packed.len);
	if (!l)
		return -ENOMEM;
	l->up = (uintptr_t)n | 1;
	l->dir = dir;
	memcpy(l->name, packed.bytes, packed.len);
	dir->refs++;
	link_join(l);
	if (last) {
		last->up = (uintptr_t)l;
	} else {
		n->links = l;
		weight_hang(t, n);
	}
	return 0;
}

void tree_unlink(struct tree *t, struct node *n, struct node *dir,
		 const char *name)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);
	struct short_name packed;
	struct link *before;

	short_name_pack(name, &packed);
	struct link *l = tree_find_link(n, dir, &packed, &before);
	if (!l)
		return;
	if (before) {
		before->up = l->up;
	} else {
		weight_unhang(t, n);
		n->links = link_next(l);
		weight_hang(t, n);
	}
	link_part(l);
	free(l);
	dir->refs--;
	node_reap(t, dir);
}

int tree_spot(struct tree *t, struct node *n, unsigned i, struct spot *ret)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&t->lock);
	struct link *l = n->links;

	while (l && i--)
		l = link_next(l);
	if (!l)
		return -ESTALE;
	l->dir->refs++;
	ret->dir = l->dir;
	short_name_unpack(l->name, ret->name);
	return 0;
}

void spot_done(struct tree *t, struct spot *p)
{
	node_put(t, p->dir);
}
