/* scan.c - learns what is on the backing, while everybody is served */
#include "fs/store/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/log.h"
#include "fs/store/mover.h"
#include "fs/store/names.h"
#include "fs/store/quarantine.h"
#include "fs/store/quota.h"

/* An entry that was found and counted, to be told to the policy in order. */
struct found {
	struct node *node; /* holds a reference */
	uint64_t used_ns, ino;
};

struct scan {
	struct store *store;
	struct found *found;
	size_t n, cap;
};

static bool scan_has_room(struct scan *c)
{
	size_t cap = c->cap ? 2 * c->cap : 256;

	if (c->n < c->cap)
		return true;
	void *grown = realloc(c->found, cap * sizeof(*c->found));
	if (!grown)
		return false;
	c->found = grown;
	c->cap = cap;
	return true;
}

/* Counts it.  Whether n is kept with its reference: a lookup was not faster. */
static bool scan_keep(struct scan *c, struct node *n, const struct stat *st)
{
	if (!scan_has_room(c) || !names_count(c->store, n, st))
		return false;
	c->found[c->n++] = (struct found){
		.node = n,
		.ino = st->st_ino,
		.used_ns = (uint64_t)st->st_atim.tv_sec * 1000000000 +
			   (uint64_t)st->st_atim.tv_nsec,
	};
	return true;
}

static bool scan_is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static void scan_dir(struct scan *c, struct node *dir);

static void scan_name(struct scan *c, struct node *dir, const char *name)
{
	struct store *s = c->store;
	struct node *n = NULL;
	struct stat st;
	int r;

	{
		auto_rwunlock pthread_rwlock_t *names =
		    lock_shared(&s->tree.names);
		r = names_child(s, dir, name, &n, &st);
	}
	if (r < 0)
		return;
	if (S_ISDIR(st.st_mode))
		scan_dir(c, n);
	else if (S_ISREG(st.st_mode) && st.st_size == 0 && !n->id)
		quarantine_node(s, n, -ENODATA); /* a crash left it */
	else if (S_ISREG(st.st_mode) && st.st_size && !n->stored &&
		 scan_keep(c, n, &st))
		return; /* the reference is kept */
	node_put(&s->tree, n);
}

static void scan_dir(struct scan *c, struct node *dir)
{
	DIR *d = io_list(c->store->io, dir->fd);
	struct dirent *at;

	if (!d)
		return;
	while (!c->store->stopping && (at = readdir(d)))
		if (!scan_is_dot(at->d_name))
			scan_name(c, dir, at->d_name);
	closedir(d);
}

static int scan_by_use(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->used_ns > y->used_ns) - (x->used_ns < y->used_ns);
}

static int scan_by_ino(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* What lies in quarantine costs room, too. */
static void scan_quarantine(struct store *s)
{
	DIR *d = io_list(s->io, s->quarantine);
	struct dirent *at;
	struct stat st;

	if (!d)
		return;
	while ((at = readdir(d)))
		if (!scan_is_dot(at->d_name) &&
		    fstatat(s->quarantine, at->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0)
			budget_set_disk(&s->budget, 0,
					(uint64_t)st.st_blocks * 512);
	closedir(d);
}

/* Size and kind of the entry; damage is for a lookup to tell. */
static void scan_peek(struct store *s, struct node *n)
{
	struct spot at;
	auto_rwunlock pthread_rwlock_t *names = lock_shared(&s->tree.names);

	if (tree_spot(&s->tree, n, 0, &at) < 0)
		return;
	names_peek(s, n, at.dir, at.name);
	spot_done(&s->tree, &at);
}

/*
 * Room can be made from now on.  Heads are read later, so that nobody waits
 * for so many reads: until then an entry is as long as what it stores, and
 * whole.  A record of decisions needs what only the head says, the id.
 */
static void scan_tell(struct scan *c)
{
	struct store *s = c->store;

	if (c->n)
		qsort(c->found, c->n, sizeof(*c->found), scan_by_use);
	for (size_t i = 0; i < c->n && !s->stopping; i++) {
		struct node *n = c->found[i].node;

		if (s->options.record)
			scan_peek(s, n);
		if (!n->known)
			mover_enter(s, n);
	}
}

/* The rest, by inode: near each other on the backing. */
static void scan_look(struct scan *c)
{
	struct store *s = c->store;

	if (c->n)
		qsort(c->found, c->n, sizeof(*c->found), scan_by_ino);
	for (size_t i = 0; i < c->n && !s->stopping; i++) {
		struct node *n = c->found[i].node;

		scan_peek(s, n);
		mover_revise(s, n);
		if (n->layered)
			mover_tell(s, n);
	}
}

static void scan_done(struct scan *c)
{
	for (size_t i = 0; i < c->n; i++)
		node_put(&c->store->tree, c->found[i].node);
	free(c->found);
	malloc_trim(0); /* tables that grew have left holes */
}

static void scan_reached(struct store *s, enum scan_stage stage)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->scan_lock);

	s->scan_stage = stage;
	pthread_cond_broadcast(&s->scan_ended);
}

static void *scan_thread(void *arg)
{
	struct store *s = arg;
	struct scan c = { .store = s };

	prctl(PR_SET_NAME, "adaptcache-scan");
	scan_quarantine(s);
	scan_dir(&c, s->tree.root);
	scan_reached(s, SCAN_COUNTED);
	if (quota_pinned(s) > quota_pin_limit(s))
		log_error("more is pinned than half of size=: what is written "
			  "under a pin gets ENOSPC until some is released");
	scan_tell(&c);
	scan_reached(s, SCAN_TOLD);
	scan_look(&c);
	scan_done(&c);
	scan_reached(s, SCAN_LOOKED);
	return NULL;
}

int scan_start(struct store *s)
{
	int r = pthread_create(&s->scanner, NULL, scan_thread, s);

	s->scanning = r == 0;
	return -r;
}

void scan_stop(struct store *s)
{
	if (!s->scanning)
		return;
	s->stopping = true;
	pthread_join(s->scanner, NULL);
	s->scanning = false;
}

void scan_wait(struct store *s)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->scan_lock);

	while (s->scan_stage < SCAN_COUNTED)
		pthread_cond_wait(&s->scan_ended, &s->scan_lock);
}

bool scan_wait_told(struct store *s)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->scan_lock);
	bool told = s->scan_stage >= SCAN_TOLD;

	while (s->scan_stage < SCAN_TOLD)
		pthread_cond_wait(&s->scan_ended, &s->scan_lock);
	return !told;
}

static void scan_links_in(struct store *s, struct node *dir, struct node *n)
{
	DIR *d = io_list(s->io, dir->fd);
	struct dirent *at;

	if (!d)
		return;
	while ((at = readdir(d))) {
		struct node *kid;
		struct stat st;

		if (scan_is_dot(at->d_name) ||
		    (at->d_ino != n->ino && at->d_type == DT_REG) ||
		    names_child(s, dir, at->d_name, &kid, &st) < 0)
			continue; /* names_child notes the name */
		if (S_ISDIR(st.st_mode))
			scan_links_in(s, kid, n);
		node_put(&s->tree, kid);
	}
	closedir(d);
}

void scan_links(struct store *s, struct node *n)
{
	scan_links_in(s, s->tree.root, n);
}
