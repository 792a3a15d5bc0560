/* entropy.c - Huffman-coded bytes through libzstd, shared by codecs */
#include "codec/entropy.h"

#include <errno.h>
#include <stdint.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "codec/scratch.h"

/*
 * What zstd calls ZSTD_c_literalCompressionMode = ZSTD_ps_enable.  Only the
 * names are experimental.  A library that no longer knows it answers with an
 * error; its frames are then no smaller than the input, but as readable.
 */
#define ENTROPY_LITERAL_MODE  ZSTD_c_experimentalParam5
#define ENTROPY_LITERAL_CODED 1

struct entropy_param {
	ZSTD_cParameter name;
	int value;
};

/*
 * The fast strategy steps by targetLength where it finds nothing, so that the
 * largest one means no search at all.
 */
static const struct entropy_param entropy_params[] = {
	{ ZSTD_c_compressionLevel, 1 },
	{ ZSTD_c_strategy, ZSTD_fast },
	{ ZSTD_c_targetLength, 1 << 17 },
	{ ZSTD_c_minMatch, 7 },
	{ ZSTD_c_hashLog, 6 },
	{ ENTROPY_LITERAL_MODE, ENTROPY_LITERAL_CODED },
};

/* The window bounds a block. */
#define ENTROPY_WINDOW_LOG 15
_Static_assert(ENTROPY_BLOCK == 1u << ENTROPY_WINDOW_LOG, "one block");

/* Up to here smaller blocks gain 0.7 %; above, a tenth of that for speed. */
#define ENTROPY_SHORT (2 * ENTROPY_BLOCK)

/* A sample: runs spread over the input, so that no row length hides from it. */
#define ENTROPY_RUN    64u
#define ENTROPY_N_RUNS 64u

#define ENTROPY_N_PARAMS (sizeof(entropy_params) / sizeof(entropy_params[0]))

int entropy_encode(struct scratch *ws, const void *src, size_t len, void *dst,
		   size_t dst_cap, size_t *ret_len)
{
	ZSTD_CCtx *ctx = scratch_cctx(ws);

	if (!ctx)
		return -ENOMEM;

	ZSTD_CCtx_reset(ctx, ZSTD_reset_session_and_parameters);
	for (size_t i = 0; i < ENTROPY_N_PARAMS; i++)
		ZSTD_CCtx_setParameter(ctx, entropy_params[i].name,
				       entropy_params[i].value);

	ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog,
			       ENTROPY_WINDOW_LOG - (len <= ENTROPY_SHORT));

	size_t n = ZSTD_compress2(ctx, dst, dst_cap, src, len);

	if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
		return -ENOMEM;
	if (ZSTD_isError(n))
		return -E2BIG;
	*ret_len = n;
	return 0;
}

int entropy_decode(struct scratch *ws, const void *src, size_t src_len,
		   void *dst, size_t dst_len)
{
	ZSTD_DCtx *ctx = scratch_dctx(ws);

	if (!ctx)
		return -ENOMEM;

	size_t n = ZSTD_decompressDCtx(ctx, dst, dst_len, src, src_len);

	return !ZSTD_isError(n) && n == dst_len ? 0 : -EBADMSG;
}

/*
 * Two bytes of even noise are equal once in 256 times; where they are half as
 * often again, there are 7.4 bits in a byte (by Renyi's measure).
 */
bool entropy_is_noise(const void *src, size_t len)
{
	const uint8_t *p = src;
	uint32_t count[256] = { 0 };
	uint64_t n = 0, pairs = 0;
	size_t run = len < ENTROPY_RUN * ENTROPY_N_RUNS ? len : ENTROPY_RUN;
	size_t step = run < len ? (len - run) / (ENTROPY_N_RUNS - 1) : len;

	for (size_t at = 0; at + run <= len && run; at += step)
		for (size_t i = 0; i < run; i++, n++)
			count[p[at + i]]++;
	for (size_t i = 0; i < 256; i++)
		pairs += (uint64_t)count[i] * count[i];

	return (pairs - n) * 256 * 2 < n * n * 3;
}
