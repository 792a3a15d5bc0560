/*
 * options.h - the command line of adaptcachefs
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct fuse_args;
struct policy;

struct options {
	char *backing;               /* absolute */
	char *mountpoint;            /* absolute */
	char *profiles;              /* directory of layer profiles */
	char record[1024];           /* file for decisions, or "" */
	uint64_t memory, size, free; /* bytes */
	unsigned threads;
	unsigned high, low; /* percent; low 0: as high */
	double floor_nats;  /* of damage; 0: bit-exact */
	double alpha;       /* seconds a unit of quality is worth */
	uint64_t recompute; /* bytes of plain cache a second */
	const struct policy *policy;
	uint64_t device_rate; /* of the backing, bytes/s; 0: as it is */
	bool foreground, debug, single;
	bool passthrough;
	bool help, version;
};

/*
 * Takes our options out of args, which is left for fuse_session_new, and
 * checks them.  Returns 0, or -EINVAL after one line on stderr.
 */
int options_parse(struct fuse_args *args, struct options *ret);
void options_done(struct options *o);

void options_help(const char *program);

/* "key value" lines for .kv/config; malloc'ed, or NULL. */
char *options_text(const struct options *o, const char *passthrough);
