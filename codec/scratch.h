/*
 * scratch.h - working memory of one thread that encodes or decodes
 *
 * Owns the contexts of the entropy coders and one growing buffer, so that the
 * loops over tiles allocate nothing.  Not thread-safe: one per thread.
 */
#pragma once

#include <stddef.h>

struct scratch;

/* Returns NULL when out of memory. */
struct scratch *scratch_new(void);

/* Takes NULL; returns NULL. */
struct scratch *scratch_free(struct scratch *ws);

/*
 * At least len bytes, 64-byte aligned, contents undefined.  Valid until the
 * next call on the same scratch.  Returns NULL when out of memory.
 */
void *scratch_buf(struct scratch *ws, size_t len);

/*
 * The zstd contexts, made at first use (ZSTD_CCtx *, ZSTD_DCtx *; void here so
 * that only codecs include zstd.h).  Borrowed.  NULL when out of memory.
 */
void *scratch_cctx(struct scratch *ws);
void *scratch_dctx(struct scratch *ws);
