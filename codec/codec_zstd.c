/* codec_zstd.c - any bytes through zstd at a low level */
#include "codec/codecs.h"

#include <errno.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "codec/scratch.h"

/*
 * Opaque bytes of caches are mostly noise between short heads: level 3 takes
 * up to 1.4 times as long as level 1 there and saves nothing more.
 */
#define ZSTD_LEVEL 1

static int zstd_encode(const struct shape *shape, const void *src,
		       struct scratch *ws, void *dst, size_t dst_cap,
		       struct coded *ret)
{
	ZSTD_CCtx *ctx = scratch_cctx(ws);

	if (!ctx)
		return -ENOMEM;

	ZSTD_CCtx_reset(ctx, ZSTD_reset_session_and_parameters);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, ZSTD_LEVEL);

	size_t n = ZSTD_compress2(ctx, dst, dst_cap, src, shape_bytes(shape));

	if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	if (ZSTD_isError(n) || n > UINT32_MAX)
		return -E2BIG;
	*ret = (struct coded){ .len[LAYER_EXACT] = (uint32_t)n };
	return 0;
}

static int zstd_decode(const struct shape *shape, const struct coded_view *in,
		       struct scratch *ws, void *dst)
{
	size_t want = shape_bytes(shape);
	ZSTD_DCtx *ctx = scratch_dctx(ws);

	if (!ctx)
		return -ENOMEM;
	if (in->n_layers <= LAYER_EXACT)
		return -EBADMSG;

	size_t n = ZSTD_decompressDCtx(ctx, dst, want, in->layer[LAYER_EXACT],
				       in->len[LAYER_EXACT]);

	return !ZSTD_isError(n) && n == want ? 0 : -EBADMSG;
}

const struct codec codec_zstd = {
	.id = 2,
	.name = "zstd",
	.encode = zstd_encode,
	.decode = zstd_decode,
};
