/*
 * store.h - KV cache management: files in, containers on the backing out
 *
 * The face of fs/store.  A store owns a backing directory:
 *
 *   BACKING/tree/        mirrors the mount: one container per entry, and the
 *                        directories, links and special files as they are
 *   BACKING/.tmp/        containers being written; swept at start
 *   BACKING/.quarantine/ what did not verify
 *   BACKING/.lock        one daemon per backing
 *
 * Every name under tree/ is whole or absent: a regular file of length 0 there
 * holds the place of an entry whose bytes were not published yet; left by a
 * crash, it is taken away when it is met.
 *
 * All functions are thread-safe.  Functions that return int return 0 or
 * -errno; outputs are untouched on failure.  A struct node that comes out has
 * been counted once in favour of the kernel: give it back by store_forget.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

struct entry;
struct handle;
struct io;
struct node;
struct policy;
struct store;

/* What may be changed while it is open. */
struct tuning {
	uint64_t free; /* bytes of its file system that are left to others */
	/*
	 * Of a tier, in percent: fuller than high it is emptied to low, which
	 * it is as well once something had to go.  100: when nothing fits.
	 */
	unsigned high, low; /* low 0: as high */
	double alpha;       /* as in policy/world.h */
	/* Bytes of plain cache that the engine makes in a second, > 0: what a
	 * miss costs. */
	uint64_t recompute;
	uint64_t size; /* bytes on the backing */
	const struct policy *policy;
};

struct store_options {
	uint64_t memory; /* bytes of DRAM: staged, packed and plain */
	uint64_t size;   /* bytes on the backing */
	unsigned threads;
	double floor_nats; /* damage that owners accept who say nothing; 0:
			      bit-exact */
	const struct policy *policy;
	uint64_t free;      /* these as in struct tuning; but */
	unsigned high, low; /* high 0 is as 100 */
	double alpha;
	uint64_t recompute;
	const char *profiles; /* directory of layer profiles, or NULL */
	const char *record;   /* file for all decisions, or NULL */
	const struct io *io;  /* NULL: io_real */

	/*
	 * Told from a thread of the store, without a lock held, when the
	 * kernel's idea of something is out of date: a name that went
	 * (name != NULL), or a node's attributes.
	 */
	void (*stale)(void *ctx, struct node *node, const char *name);
	void *stale_ctx;
};

/* DRAM and backing bytes that suit this machine. */
void store_defaults(const char *backing, struct store_options *ret);

void store_tuning(struct store *s, struct tuning *ret);
/*
 * Changes all of it, or returns -EINVAL with half a sentence and changes
 * nothing: what is pinned, a quota or the backing is in the way, or a value is
 * out of its range.
 */
int store_tune(struct store *s, const struct tuning *to, const char **ret_why);

/*
 * Records what the policy is told and answers from now on in the file path,
 * in the place of any record before; "": no more.  Returns 0, or -errno with
 * half a sentence and no change.
 */
int store_record(struct store *s, const char *path, const char **ret_why);

/*
 * Opens the backing directory, makes what is missing, sweeps what a crash
 * left, and begins to learn what is there without making anyone wait for it.
 * On failure *ret_why is a sentence.  -EBUSY: another daemon has it.
 */
int store_open(const char *backing, const struct store_options *options,
	       struct store **ret, const char **ret_why);

/*
 * The mount has ended: a store_open of the same backing from now on waits for
 * this one to be closed, where before it would have been refused.
 */
void store_retire(struct store *s);

/* Publishes all that is staged; what could not be is counted and logged. */
void store_drain(struct store *s);

/* Drains and frees.  Takes NULL; returns NULL. */
struct store *store_close(struct store *s);

struct node *store_root(struct store *s);

/* Who asks: owner of what is made. */
struct caller {
	uid_t uid;
	gid_t gid;
};

/* ---- names ---- */

int store_lookup(struct store *s, struct node *dir, const char *name,
		 struct node **ret, struct stat *ret_st);
void store_forget(struct store *s, struct node *n, uint64_t times);

/* Makes a directory, special file or empty file, as mode says. */
int store_mknod(struct store *s, struct node *dir, const char *name,
		mode_t mode, dev_t rdev, const struct caller *who);
int store_symlink(struct store *s, struct node *dir, const char *name,
		  const char *target, const struct caller *who);
int store_link(struct store *s, struct node *n, struct node *dir,
	       const char *name);
/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE as renameat2(2). */
int store_rename(struct store *s, struct node *dir, const char *name,
		 struct node *to_dir, const char *to_name, unsigned flags);
int store_unlink(struct store *s, struct node *dir, const char *name,
		 bool is_dir);
int store_readlink(struct store *s, struct node *n, char *dst, size_t len);

/* ---- attributes ---- */

int store_stat(struct store *s, struct node *n, struct stat *ret);

enum {
	SET_MODE = 1,
	SET_UID = 2,
	SET_GID = 4,
	SET_SIZE = 8,
	SET_ATIME = 16, /* st_atim; tv_nsec may be UTIME_NOW */
	SET_MTIME = 32,
};
/* Changes what `what` names, then stats.  SET_SIZE needs a regular file. */
int store_set(struct store *s, struct node *n, unsigned what,
	      const struct stat *to, struct stat *ret);

int store_setxattr(struct store *s, struct node *n, const char *name,
		   const void *value, size_t len, int flags);
/* As getxattr(2), listxattr(2): the length, or what fits is filled. */
ssize_t store_getxattr(struct store *s, struct node *n, const char *name,
		       void *dst, size_t cap);
ssize_t store_listxattr(struct store *s, struct node *n, char *dst, size_t cap);
int store_removexattr(struct store *s, struct node *n, const char *name);

int store_statfs(struct store *s, struct statvfs *ret);

/* A descriptor of the directory, for readdir; the caller closes it. */
int store_opendir(struct store *s, struct node *n, int *ret_fd);
/* The directory's names are on disk when it returns 0. */
int store_sync_dir(struct store *s, struct node *dir);

/* ---- bytes ---- */

/* Creates the file, exclusively, and opens it.  flags as open(2). */
int store_create(struct store *s, struct node *dir, const char *name,
		 mode_t mode, int flags, const struct caller *who,
		 struct node **ret, struct stat *ret_st,
		 struct handle **ret_handle);
/*
 * Opens a regular file.  -ESTALE: it was damaged and has been put into
 * quarantine, or is gone; a lookup will say so.
 */
int store_open_file(struct store *s, struct node *n, int flags,
		    struct handle **ret);
/* The last writer's release starts packing.  Takes h. */
void store_release(struct store *s, struct handle *h);

/* A read of 1 MiB needs no more. */
#define VIEW_PIECES 4

/* Bytes to reply with; give back by store_read_done once replied. */
struct view {
	struct iovec piece[VIEW_PIECES]; /* one after the other */
	unsigned n_pieces;
	size_t len;            /* less than asked only at the end of the file */
	struct entry *held;    /* the handle may be released before we are */
	struct stream *stream; /* which lent its slots from `first` on; or NULL
				*/
	unsigned first;
	unsigned meter; /* that runs until the reply; 0: none */
};

/* -EIO: what is stored does not verify. */
int store_read(struct store *s, struct handle *h, uint64_t off, size_t len,
	       struct view *ret);
void store_read_done(struct store *s, struct view *v);

/* Takes set-id bits off, as a write by an ordinary user must. */
void store_strip_setid(struct store *s, struct handle *h);

/* All of it, or an error and nothing.  -ENOSPC: no room can be made. */
int store_write(struct store *s, struct handle *h, uint64_t off,
		const void *src, size_t len);

/* Promises room; mode 0 also sets the size.  -EOPNOTSUPP: other modes. */
int store_allocate(struct store *s, struct handle *h, int mode, uint64_t off,
		   uint64_t len);

/* On disk when it returns 0, its name too. */
int store_sync(struct store *s, struct handle *h);

/*
 * A descriptor that holds the whole file plain, which the kernel may read
 * from while h is open, or -1.  The store does not take the copy away before
 * h is released.
 */
int store_pass(struct store *s, struct handle *h);

/*
 * h, which may write, is opened while the kernel serves others from the plain
 * copy: it may map that for writing without our knowledge, until its release.
 */
void store_pass_writer(struct store *s, struct handle *h);

/* ---- inspection ---- */

struct store_facts {
	uint64_t logical, stored;
	const char *codec, *layout, *tier;
	unsigned layers; /* layers held */
	uint32_t hits;
	uint32_t last_hit_s; /* since the epoch; 0: never */
};
int store_facts(struct store *s, struct node *n, struct store_facts *ret);

/* "key value" lines, and the same as Prometheus text; malloc'ed, or NULL. */
/* Why the policy has the entry where it is; NULL: it does not say. */
char *store_decision(struct store *s, struct node *n);
/* The same in a line for each entry; NULL: out of memory. */
char *store_decisions_text(struct store *s);

char *store_stats_text(struct store *s);
char *store_metrics_text(struct store *s);
