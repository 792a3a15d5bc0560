/*
 * fs.h - what the files of this folder share: one mounted store
 *
 * A node id the kernel uses is the address of a struct node, but for the root
 * and the virtual files of .kv, which have small numbers of their own.
 */
#pragma once

#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>

#include "fs/notify.h"
#include "fs/opened.h"
#include "fs/options.h"
#include "fs/passthrough.h"
#include "fs/store/expire.h"
#include "fs/store/store.h"

/* Nothing changes but through this mount, with word from us, or by time. */
#define FS_TIMEOUT_S 600.0

enum fs_id {
	FS_ROOT = FUSE_ROOT_ID,
	FS_KV_DIR, /* .kv, hidden from readdir */
	FS_KV_STATS,
	FS_KV_METRICS,
	FS_KV_CONFIG,
	FS_KV_DECISIONS,
	FS_KV_CONTROL, /* may be written */
	FS_KV_END,
};

struct fs {
	struct options options; /* control.c changes some: control_lock */
	pthread_mutex_t control_lock;
	char *refused; /* the last change that was, and why; or NULL */
	struct store *store;
	struct fuse_session *session;
	struct notify *notify;
	struct opened_list opened;
	struct passthrough pass;
	bool direct; /* buffered opens may be direct: mmap works all the same */
	int ready_fd; /* a byte is written there when INIT was answered */
};

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline bool fs_is_virtual(fuse_ino_t ino)
{
	return ino > FS_ROOT && ino < FS_KV_END;
}

static inline struct node *fs_node(struct fs *fs, fuse_ino_t ino)
{
	return ino == FS_ROOT ? store_root(fs->store) : (struct node *)ino;
}

static inline fuse_ino_t fs_ino(struct fs *fs, const struct node *n)
{
	return n == store_root(fs->store) ? FS_ROOT : (fuse_ino_t)n;
}

/* r < 0 as an error reply; the store's own codes are turned into errno. */
static inline void fs_reply_err(fuse_req_t req, int r)
{
	fuse_reply_err(req, r == -EBADMSG ? EIO : -r);
}

/* How long the kernel may take it for granted that the name is there. */
static inline double fs_timeout(struct fs *fs, struct node *n)
{
	return expire_left(fs->store, n, FS_TIMEOUT_S);
}

/* What a reply says of a node. */
static inline void fs_entry(struct fs *fs, struct node *n,
			    const struct stat *st, struct fuse_entry_param *ret)
{
	*ret = (struct fuse_entry_param){
		.ino = fs_ino(fs, n),
		.attr = *st,
		.attr_timeout = FS_TIMEOUT_S,
		.entry_timeout = fs_timeout(fs, n),
	};
}

/* ops_init.c */
void fs_ops_fill(struct fuse_lowlevel_ops *ops);
/* ops_name.c, ops_dir.c, ops_file.c, xattr.c */
void fs_ops_names(struct fuse_lowlevel_ops *ops);
void fs_ops_dirs(struct fuse_lowlevel_ops *ops);
void fs_ops_files(struct fuse_lowlevel_ops *ops);
void fs_ops_xattrs(struct fuse_lowlevel_ops *ops);
