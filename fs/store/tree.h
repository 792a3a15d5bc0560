/*
 * tree.h - nodes: what the kernel and the store call a file, and its names
 *
 * The backing holds BACKING/tree, which mirrors the mount.  A node stands for
 * one inode there, from the first time it is seen until it is forgotten; an
 * entry's inode there changes when it is published anew, its node stays.
 *
 * Locks.  `names` serialises changes of the backing's namespace (alone) with
 * whatever looks at names (shared); a caller holds it across a few metadata
 * calls, never across data.  `lock`, the innermost, guards the table, the
 * counts and the lists of links; the functions below take it themselves.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "policy/policy.h"

struct entry;
struct node;

/* One name of a node.  There are as many as entries: it is kept small. */
struct link {
	uintptr_t up;     /* the node's next name; of the last, the node, odd */
	struct node *dir; /* holds a reference */
	struct link *kid_next, **kid_at; /* in dir->kids */
	uint8_t name[];                  /* short_name.h */
};

static inline struct link *link_next(const struct link *l)
{
	return l->up & 1 ? NULL : (struct link *)l->up;
}

static inline struct node *link_node(const struct link *l)
{
	while (!(l->up & 1))
		l = (const struct link *)l->up;
	return (struct node *)(l->up - 1);
}

/* One setting that a node has itself; setting.h says what it means. */
struct own {
	struct own *next;
	unsigned id;
	double number;
	char text[];
};

enum node_pin {
	NODE_PIN_UNSET, /* as the directory above */
	NODE_PIN_NO,
	NODE_PIN_HARD,
};

/*
 * Every entry of the backing has one: what it takes, docs/scale.md shows.
 * Which half of the union is meant, type says; others than files and
 * directories have neither.
 */
struct node {
	struct node *hash_next;
	struct link *links; /* a directory has at most one, the root none */
	struct own *own;    /* settings.h */
	uint64_t ino;       /* on the backing; the table's key */
	uint32_t refs;      /* of everybody but the kernel */
	uint32_t nlookup;   /* the kernel's; at UINT32_MAX it stays */
	uint16_t type;      /* S_IFMT bits */
	_Atomic bool gone; /* no name left on the backing: not found any more */
	_Atomic bool learned; /* own is what the backing says */
	uint8_t pin;          /* enum node_pin; of own, as quota */

	/* Regular files. */
	_Atomic bool layered;   /* its layers can be told apart */
	_Atomic uint8_t layers; /* of them there are, if it is in memory */
	_Atomic bool known; /* to the policy; changes under the mover's lock */
	_Atomic uint32_t hits, last_hit_s; /* of the epoch */
	union {
		struct {                   /* directories */
			struct link *kids; /* the names known there */
			uint64_t quota;    /* 0: none */
			uint64_t below;    /* bytes: weight.h */
			_Atomic int fd;    /* O_PATH; -1: not opened yet */
		};
		/* Regular files; what is published: a stat needs no open. */
		struct {
			struct entry *entry; /* the store's entries_lock */
			_Atomic uint64_t id; /* st_ino shown; 0: not known */
			_Atomic uint64_t size;
			_Atomic uint64_t stored;    /* bytes counted in size= */
			uint64_t promised;          /* bytes, while staged */
			_Atomic uint64_t used_ms;   /* published or read, of the
						       epoch */
			struct policy_entry policy; /* as known */
		};
	};
};

/* The node of what a policy calls an entry. */
static inline struct node *node_by_policy(struct policy_entry *e)
{
	return (struct node *)((char *)e - offsetof(struct node, policy));
}

struct tree {
	pthread_rwlock_t names;
	pthread_mutex_t lock;
	struct node **buckets; /* those that are gone, too */
	struct slab *slabs;    /* what nodes are made of */
	struct node *spare;    /* nodes in slabs that are nobody's */
	uint64_t n_buckets, n_nodes;
	uint64_t pinned_bytes;     /* weight.h */
	_Atomic unsigned set_ever; /* a bit per setting that was ever met */
	uint64_t dev; /* of the backing: everything is on one file system */
	struct node *root;
};

/* Takes root_fd, an O_PATH descriptor.  Returns 0 or -errno. */
int tree_init(struct tree *t, int root_fd);
void tree_done(struct tree *t);

/* The node of this backing inode, with a reference, or NULL. */
struct node *tree_find(struct tree *t, uint64_t ino, mode_t mode);

/*
 * The same, made when there is none.  Returns NULL when out of memory.
 * Caller holds names, so that st is not out of date.
 */
struct node *tree_add(struct tree *t, const struct stat *st);

void node_get(struct tree *t, struct node *n);
void node_put(struct tree *t, struct node *n);

/* The kernel learned of the node (n = 1), or forgets n times. */
void node_remember(struct tree *t, struct node *n);
void node_forget(struct tree *t, struct node *n, uint64_t times);

/* The node's inode on the backing is now ino.  Caller holds names alone. */
void tree_rekey(struct tree *t, struct node *n, uint64_t ino);

/* No lookup finds the node any more: its last name went. */
void tree_unhash(struct tree *t, struct node *n);

/* Notes a name; a name noted already is kept.  Returns 0 or -ENOMEM. */
int tree_link(struct tree *t, struct node *n, struct node *dir,
	      const char *name);
void tree_unlink(struct tree *t, struct node *n, struct node *dir,
		 const char *name);

/* A copy of one of a node's names. */
struct spot {
	struct node *dir; /* holds a reference */
	char name[256];
};

/*
 * The i-th name of the node.  Returns 0 or -ESTALE when there are not so many.
 * The caller calls spot_done on success.
 */
int tree_spot(struct tree *t, struct node *n, unsigned i, struct spot *ret);
void spot_done(struct tree *t, struct spot *p);
