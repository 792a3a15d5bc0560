/*
 * local.h - working memory of the calling thread
 *
 * Made at first use, freed when the thread ends.  Not counted in memory=: it
 * is bounded by threads times a few MiB.
 */
#pragma once

#include <stddef.h>

struct scratch;

enum local_buf {
	LOCAL_STORED, /* a tile's layers, as they lie in the container */
	LOCAL_PLAIN,  /* plain bytes on their way in or out */
	LOCAL_CODED,  /* a tile's layers as encode leaves them */
	N_LOCAL_BUFS,
};

/* The codecs' working memory.  NULL when out of memory. */
struct scratch *local_scratch(void);

/*
 * At least len bytes, 4 KiB aligned, contents undefined; valid until the next
 * call by this thread for the same buffer.  NULL when out of memory.
 */
void *local_buf(enum local_buf which, size_t len);

/*
 * Makes and touches what decoding takes, about LOCAL_WARM_BYTES, so that the
 * first reads do not wait for fresh memory; best effort.
 */
#define LOCAL_WARM_BYTES (3u << 20)
void local_warm(void);
