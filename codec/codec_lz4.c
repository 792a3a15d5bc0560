/* codec_lz4.c - any bytes through LZ4's block format: little, but fast */
#include "codec/codecs.h"

#include <errno.h>
#include <limits.h>

#include <lz4.h>

#include "codec/scratch.h"

static int lz4_encode(const struct shape *shape, const void *src,
		      struct scratch *ws, void *dst, size_t dst_cap,
		      struct coded *ret)
{
	size_t len = shape_bytes(shape);

	if (len > LZ4_MAX_INPUT_SIZE)
		return -E2BIG;

	void *state = scratch_buf(ws, (size_t)LZ4_sizeofState());

	if (!state)
		return -ENOMEM;

	int cap = dst_cap < INT_MAX ? (int)dst_cap : INT_MAX;
	int n = LZ4_compress_fast_extState(state, src, dst, (int)len, cap, 1);

	if (n <= 0)
		return -E2BIG;
	*ret = (struct coded){ .len[LAYER_EXACT] = (uint32_t)n };
	return 0;
}

static int lz4_decode(const struct shape *shape, const struct coded_view *in,
		      struct scratch *ws, void *dst)
{
	size_t want = shape_bytes(shape);

	(void)ws;
	if (in->n_layers <= LAYER_EXACT)
		return -EBADMSG;
	if (in->len[LAYER_EXACT] > INT_MAX || want > INT_MAX)
		return -EBADMSG;

	int n = LZ4_decompress_safe((const char *)in->layer[LAYER_EXACT], dst,
				    (int)in->len[LAYER_EXACT], (int)want);

	return n >= 0 && (size_t)n == want ? 0 : -EBADMSG;
}

const struct codec codec_lz4 = {
	.id = 1,
	.name = "lz4",
	.encode = lz4_encode,
	.decode = lz4_decode,
};
