/* scratch.c - working memory of one thread that encodes or decodes */
#include "codec/scratch.h"

#include <stdlib.h>

#include <zstd.h>

#include "codec/mem.h"

#define SCRATCH_ALIGN 64

struct scratch {
	void *buf;
	size_t cap; /* bytes of buf */
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
};

struct scratch *scratch_new(void)
{
	return calloc(1, sizeof(struct scratch));
}

struct scratch *scratch_free(struct scratch *ws)
{
	if (!ws)
		return NULL;

	ZSTD_freeCCtx(ws->cctx);
	ZSTD_freeDCtx(ws->dctx);
	free(ws->buf);
	free(ws);
	return NULL;
}

void *scratch_buf(struct scratch *ws, size_t len)
{
	size_t want = align_up(len ? len : 1, SCRATCH_ALIGN);

	if (want < len)
		return NULL;
	if (want <= ws->cap)
		return ws->buf;

	/* The contents are not kept, so there is nothing to copy. */
	free(ws->buf);
	ws->buf = aligned_alloc(SCRATCH_ALIGN, want);
	ws->cap = ws->buf ? want : 0;
	return ws->buf;
}

void *scratch_cctx(struct scratch *ws)
{
	if (!ws->cctx)
		ws->cctx = ZSTD_createCCtx();
	return ws->cctx;
}

void *scratch_dctx(struct scratch *ws)
{
	if (!ws->dctx)
		ws->dctx = ZSTD_createDCtx();
	return ws->dctx;
}
