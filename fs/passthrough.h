/*
 * passthrough.h - lets the kernel serve a plain copy without asking us
 *
 * The kernel wants all opens of an inode to be in one mode: the first open may
 * start passing when nobody else has the file open; while anyone passes, every
 * other open names the same backing id, and what may not bypass us says
 * direct_io as well, which has the kernel ask us after all.  The id is given
 * up with the last of them.
 *
 * Needs libfuse >= 3.17, a kernel >= 6.9 and CAP_SYS_ADMIN; without one of
 * them every open is served by replies.  Thread-safe.
 */
#pragma once

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct handle;
struct passing;
struct store;

struct passthrough {
	pthread_mutex_t lock; /* guards all below */
	bool wanted;          /* by the options */
	bool works;           /* as far as we know */
	const char *why_not;
	struct passing *buckets[256];
};

void passthrough_init(struct passthrough *p, bool wanted);
void passthrough_done(struct passthrough *p);

/* At INIT: asks the kernel for it. */
void passthrough_ask(struct passthrough *p, struct fuse_conn_info *conn);

/*
 * Decides how this open of ino is served and sets fi accordingly; caching: the
 * open is not direct_io for the kernel.  Every open calls it once, and
 * passthrough_release when it is released or its reply failed.
 */
void passthrough_open(struct passthrough *p, fuse_req_t req, fuse_ino_t ino,
		      struct store *s, struct handle *h,
		      struct fuse_file_info *fi);
void passthrough_release(struct passthrough *p, fuse_req_t req, fuse_ino_t ino);

/* "on", or why it is off. */
const char *passthrough_state(struct passthrough *p);
