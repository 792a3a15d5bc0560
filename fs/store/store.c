/* store.c - opening, draining and closing a store */
#include "fs/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/handle.h"
#include "fs/store/local.h"
#include "fs/store/log.h"
#include "fs/store/mover.h"
#include "fs/store/pack.h"
#include "fs/store/scan.h"
#include "fs/store/settings.h"
#include "fs/store/stream.h"
#include "fs/store/tune.h"

/* A quarter of the machine: the engine beside us wants the rest. */
#define MEMORY_SHARE 4
/* Of memory=, what threads that have nothing to do may hold. */
#define WARM_SHARE 16

/* In .lock, while what was staged is published after the unmount. */
#define DRAINING            'D'
#define LOCK_PAUSE_US       20000
#define LOCK_TRIES          50   /* 1 s */
#define LOCK_TRIES_DRAINING 6000 /* 2 min */

/*
 * What the owner would wait for without us, where nobody says: a cache cannot
 * see the engine compute.  This is a small model on one GPU.
 */
#define RECOMPUTE_BYTES_PER_S (100u << 20)

/* Of what is free on the backing when nobody said. */
#define SIZE_SHARE_PERCENT 80
/* The inode, O_DIRECT, the plain copy; one to spare. */
#define FDS_PER_ENTRY 4

void store_defaults(const char *backing, struct store_options *ret)
{
	struct statvfs v;
	struct sysinfo info;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*ret = (struct store_options){
		.memory = 1u << 30,
		.size = 1u << 30,
		.high = 100,
		.alpha = 1,
		.recompute = RECOMPUTE_BYTES_PER_S,
	};
	if (sysinfo(&info) == 0)
		ret->memory =
		    (uint64_t)info.totalram * info.mem_unit / MEMORY_SHARE;
	if (statvfs(backing, &v) == 0)
		ret->size = (uint64_t)v.f_bavail * v.f_frsize / 100 *
			    SIZE_SHARE_PERCENT;
	ret->threads = cpus > 1 ? (unsigned)cpus : 2;
}

/* A directory of the backing, made when it is missing; or -errno. */
static int store_dir(int backing, const char *name, mode_t mode)
{
	if (mkdirat(backing, name, mode) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(backing, name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The lock is ours, so whatever lies in .tmp is nobody's. */
static void store_sweep(struct store *s)
{
	DIR *d = io_list(s->io, s->tmp);
	struct dirent *at;

	if (!d)
		return;
	while ((at = readdir(d)))
		if (at->d_type == DT_REG)
			unlinkat(s->tmp, at->d_name, 0);
	closedir(d);
}

/*
 * One daemon per backing.  After an unmount the one before may still publish
 * what was staged, and says so: that is waited for.  One that has not noticed
 * the unmount yet gets a moment.
 */
static int store_lock(struct store *s)
{
	for (unsigned tries = 0;; tries++) {
		char word = 0;

		if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
			break;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (pread(s->lock_fd, &word, 1, 0) == 1 && word == DRAINING &&
		    tries < LOCK_TRIES_DRAINING)
			usleep(LOCK_PAUSE_US);
		else if (tries < LOCK_TRIES)
			usleep(LOCK_PAUSE_US);
		else
			return -EBUSY;
	}
	return ftruncate(s->lock_fd, 0) < 0 ? -errno : 0;
}

void store_retire(struct store *s)
{
	char word = DRAINING;
	ssize_t n = pwrite(s->lock_fd, &word, 1, 0);

	(void)n; /* then the next daemon is less patient */
}

static int store_open_dirs(struct store *s, const char *backing,
			   const char **ret_why)
{
	*ret_why = "cannot open the backing directory";
	s->backing = open(backing, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->backing < 0)
		return -errno;
	*ret_why = "cannot write to the backing directory";
	s->lock_fd = openat(s->backing, ".lock",
			    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return -errno;
	*ret_why = "another adaptcachefs has the backing directory";
	int locked = store_lock(s);
	if (locked < 0)
		return locked;

	*ret_why = "cannot make the directories of the backing";
	s->tmp = store_dir(s->backing, ".tmp", 0700);
	if (s->tmp < 0)
		return s->tmp;
	s->quarantine = store_dir(s->backing, ".quarantine", 0700);
	if (s->quarantine < 0)
		return s->quarantine;
	int tree = store_dir(s->backing, "tree", 0755);
	if (tree < 0)
		return tree;
	int r = tree_init(&s->tree, tree);
	if (r == 0)
		settings_learn(s, s->tree.root, s->tree.root, ".");
	return r;
}

/* Descriptors: one per directory known and per open entry. */
static void store_raise_limits(struct store *s)
{
	struct rlimit r;

	s->entries_limit = 256;
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
		s->entries_limit = r.rlim_cur / FDS_PER_ENTRY;
	}
}

/*
 * Ids of entries: a random start, so that no other run of the store gave the
 * same; high, so that they never meet an inode number of the backing.
 */
static uint64_t store_first_id(void)
{
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = (uint64_t)time(NULL) << 24;
	return (id >> 2) | 1ull << 62;
}

static void store_no_stale(void *ctx, struct node *n, const char *name)
{
	(void)ctx;
	(void)n;
	(void)name;
}

static int store_start(struct store *s, const char **ret_why)
{
	/* More than processors: some of them wait for the disk. */
	unsigned n = 2 * s->options.threads;
	bool warm = s->options.memory / WARM_SHARE / LOCAL_WARM_BYTES >= n;

	*ret_why = "cannot start threads";
	s->pool = pool_new(n, s->options.threads, warm ? local_warm : NULL);
	if (!s->pool)
		return -EAGAIN;
	*ret_why = "out of memory";
	if (mover_init(s) < 0)
		return -ENOMEM;
	stream_prepare(s);
	return scan_start(s);
}

int store_open(const char *backing, const struct store_options *options,
	       struct store **ret, const char **ret_why)
{
	struct store *s = calloc(1, sizeof(*s));

	*ret_why = "out of memory";
	if (!s)
		return -ENOMEM;
	s->options = *options;
	if (!s->options.stale)
		s->options.stale = store_no_stale;
	s->io = options->io ? options->io : &io_real;
	s->backing = s->tmp = s->quarantine = s->lock_fd = s->home.dram = -1;
	s->next_id = store_first_id();
	pthread_mutex_init(&s->entries_lock, NULL);
	pthread_mutex_init(&s->commit.lock, NULL);
	s->commit.work.run = commit_run;
	pthread_mutex_init(&s->settings_lock, NULL);
	pthread_mutex_init(&s->scan_lock, NULL);
	pthread_cond_init(&s->scan_ended, NULL);
	profiles_load(&s->profiles, options->profiles);
	budget_init(&s->budget, options->memory, options->size);
	store_raise_limits(s);

	int r = store_open_dirs(s, backing, ret_why);
	if (r == 0)
		r = tune_start(s, ret_why);
	if (r == 0) {
		plain_home_init(&s->home, s->tmp);
		store_sweep(s);
		r = store_start(s, ret_why);
	}
	if (r < 0) {
		store_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

/* With a name, and not tried in vain.  Caller holds entries_lock. */
static bool store_is_staged(const struct node *n)
{
	return n->type == S_IFREG && !n->gone && n->entry && n->entry->dirty &&
	       !n->entry->skip;
}

/* Any staged entry, with a reference; or NULL. */
static struct entry *store_some_staged(struct store *s)
{
	struct entry *found = NULL;
	auto_unlock pthread_mutex_t *table = mutex_lock(&s->tree.lock);
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->entries_lock);

	for (uint64_t b = 0; !found && b < s->tree.n_buckets; b++)
		for (struct node *n = s->tree.buckets[b]; n; n = n->hash_next)
			if (store_is_staged(n)) {
				found = n->entry;
				found->refs++;
				break;
			}
	return found;
}

void store_drain(struct store *s)
{
	struct entry *e;

	pool_drain(s->pool);
	while ((e = store_some_staged(s))) {
		int r = pack_now(e);

		e->skip = r < 0;
		if (r < 0) {
			s->counters.dropped_writes++;
			log_error("a staged entry could not be published: %s",
				  strerror(-r));
		}
		entry_put(e);
	}
}

/* Copies in DRAM keep entries in memory: let them go. */
static void store_forget_all(struct store *s)
{
	for (uint64_t b = 0; b < s->tree.n_buckets; b++)
		for (struct node *n = s->tree.buckets[b]; n;) {
			struct node *next = n->hash_next;
			struct entry *e = n->type == S_IFREG ? n->entry : NULL;

			n->refs++;
			mover_forget(s, n);
			if (e && e->held) {
				e->held = false;
				entry_put(e);
			}
			n->refs--;
			n = next;
		}
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	if (s->pool) {
		/* No release comes for what was closed just before the end. */
		while (s->handles)
			store_release(s, s->handles);
		store_drain(s);
		scan_stop(s);
		s->stopping = true;
		s->pool = pool_free(s->pool);
	}
	if (s->tree.buckets) {
		if (s->mover.run)
			store_forget_all(s);
		tree_done(&s->tree);
	}
	if (s->mover.run)
		mover_done(s);
	stream_free_spares(s);
	plain_home_done(&s->home);
	budget_done(&s->budget);
	profiles_done(&s->profiles);
	pthread_mutex_destroy(&s->entries_lock);
	pthread_mutex_destroy(&s->commit.lock);
	pthread_mutex_destroy(&s->settings_lock);
	pthread_mutex_destroy(&s->scan_lock);
	pthread_cond_destroy(&s->scan_ended);
	int fds[] = { s->tmp, s->quarantine, s->backing, s->lock_fd };
	for (unsigned i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(s);
	return NULL;
}

double store_floor(struct store *s, struct node *n)
{
	return settings_quality(s, n);
}

const struct damage *store_damage(struct store *s, struct node *n)
{
	struct setting task = settings_get(s, n, SETTING_TASK);

	return profiles_damage(&s->profiles, task.text);
}

struct node *store_root(struct store *s)
{
	return s->tree.root;
}

int store_statfs(struct store *s, struct statvfs *ret)
{
	struct statvfs v;

	if (fstatvfs(s->tmp, &v) < 0)
		return -errno;

	struct budget_view b = budget_look(&s->budget);
	uint64_t used = b.disk_used + b.disk_promised;
	uint64_t left = b.disk_limit > used ? b.disk_limit - used : 0;
	uint64_t has = (uint64_t)v.f_bavail * v.f_frsize;

	has = has > s->free_floor ? has - s->free_floor : 0;
	if (has < left)
		left = has;
	v.f_bsize = v.f_frsize = 4096;
	v.f_blocks = (used + left) / 4096;
	v.f_bfree = v.f_bavail = left / 4096;
	*ret = v;
	return 0;
}
