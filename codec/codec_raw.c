/* codec_raw.c - the bytes as they are: what cannot be made smaller */
#include "codec/codecs.h"

#include <errno.h>
#include <string.h>

static int raw_encode(const struct shape *shape, const void *src,
		      struct scratch *ws, void *dst, size_t dst_cap,
		      struct coded *ret)
{
	size_t len = shape_bytes(shape);

	(void)ws;
	if (len > dst_cap || len > UINT32_MAX)
		return -E2BIG;

	memcpy(dst, src, len);
	*ret = (struct coded){ .len[LAYER_EXACT] = (uint32_t)len };
	return 0;
}

static int raw_decode(const struct shape *shape, const struct coded_view *in,
		      struct scratch *ws, void *dst)
{
	size_t len = shape_bytes(shape);

	(void)ws;
	if (in->n_layers <= LAYER_EXACT || in->len[LAYER_EXACT] != len)
		return -EBADMSG;

	memcpy(dst, in->layer[LAYER_EXACT], len);
	return 0;
}

const struct codec codec_raw = {
	.id = CODEC_RAW,
	.name = "raw",
	.encode = raw_encode,
	.decode = raw_decode,
};
