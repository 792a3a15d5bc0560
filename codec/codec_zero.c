/* codec_zero.c - a tile of zeros: holes, and buffers filled short */
#include "codec/codecs.h"

#include <errno.h>
#include <string.h>

bool zero_is(const void *src, size_t len)
{
	const uint8_t *b = src;

	return !len || (!b[0] && !memcmp(b, b + 1, len - 1));
}

static int zero_encode(const struct shape *shape, const void *src,
		       struct scratch *ws, void *dst, size_t dst_cap,
		       struct coded *ret)
{
	(void)ws;
	(void)dst;
	(void)dst_cap;
	if (!zero_is(src, shape_bytes(shape)))
		return -E2BIG;
	*ret = (struct coded){ 0 };
	return 0;
}

static int zero_decode(const struct shape *shape, const struct coded_view *in,
		       struct scratch *ws, void *dst)
{
	(void)ws;
	for (unsigned l = 0; l < N_LAYERS; l++)
		if (in->len[l])
			return -EBADMSG;
	memset(dst, 0, shape_bytes(shape));
	return 0;
}

const struct codec codec_zero = {
	.id = CODEC_ZERO,
	.name = "zero",
	.encode = zero_encode,
	.decode = zero_decode,
};
