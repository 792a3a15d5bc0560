/*
 * codec_split16.c - 16-bit floats, bit-exact: exponents coded, noise raw
 *
 * Every float gives a high byte (exponent, for f16 also three bits of mantissa)
 * and a low byte (sign and the other mantissa bits, plane16.h); planes.h says
 * what becomes of them.
 *
 * The tile, all in LAYER_EXACT:
 *     u32  low_len
 *     u8   key[cols]      only if rows >= PLANES_SORT_ROWS
 *     low_len bytes       low bytes, row-major; raw if low_len is their
 *                         number, else a frame
 *     the rest            frame of the high bytes: sorted channel by channel
 *                         if there are keys, else row-major
 * Keys sort the channels, equal keys by channel: any keys are good keys.
 */
#include "codec/codecs.h"

#include <errno.h>
#include <stdbool.h>

#include "codec/entropy.h"
#include "codec/mem.h"
#include "codec/plane16.h"
#include "codec/planes.h"

static bool split16_takes(const struct shape *s)
{
	if (s->elem != ELEM_F16 && s->elem != ELEM_BF16)
		return false;
	if (!s->rows || !s->cols)
		return false;
	return (uint64_t)s->rows * s->cols <= TILE_MAX_BYTES / 2;
}

static size_t split16_head_bytes(const struct shape *s)
{
	return sizeof(uint32_t) + planes_n_keys(s);
}

static int split16_encode(const struct shape *s, const void *src,
			  struct scratch *ws, void *dst, size_t dst_cap,
			  struct coded *ret)
{
	struct planes w;
	uint8_t *out = dst, *plane;

	if (!split16_takes(s))
		return -E2BIG;

	size_t n = (size_t)s->rows * s->cols;
	size_t pos = split16_head_bytes(s);
	size_t len;
	int r = pos <= dst_cap ? planes_prepare(s, ws, 1, &w, &plane) : -E2BIG;

	if (r < 0)
		return r;

	plane16_split(src, n, w.high, plane);

	const uint8_t *high = planes_sort(s, &w, out + sizeof(uint32_t));

	r = planes_put_low(plane, n, ws, out + pos, dst_cap - pos, &len);
	if (r < 0)
		return r;
	store32(out, (uint32_t)len);
	pos += len;

	r = entropy_encode(ws, high, n, out + pos, dst_cap - pos, &len);
	if (r < 0)
		return r;
	pos += len;

	*ret = (struct coded){ .len[LAYER_EXACT] = (uint32_t)pos };
	return 0;
}

static int split16_decode(const struct shape *s, const struct coded_view *in,
			  struct scratch *ws, void *dst)
{
	struct planes w;

	if (!split16_takes(s) || in->n_layers <= LAYER_EXACT)
		return -EBADMSG;

	const uint8_t *p = in->layer[LAYER_EXACT];
	size_t left = in->len[LAYER_EXACT];
	size_t n = (size_t)s->rows * s->cols;
	size_t head = split16_head_bytes(s);

	if (left < head)
		return -EBADMSG;

	size_t low_len = load32(p);
	const uint8_t *low = p + head;

	left -= head;
	if (low_len > n || low_len > left)
		return -EBADMSG;

	uint8_t *buf;
	int r = planes_prepare(s, ws, 1, &w, &buf);

	if (r == 0)
		r = planes_get_high(s, &w, p + sizeof(uint32_t), ws,
				    low + low_len, left - low_len);
	if (r == 0)
		r = planes_get_low(&low, low_len, n, ws, buf);
	if (r < 0)
		return r;

	plane16_merge(w.high, low, n, dst);
	return 0;
}

const struct codec codec_split16 = {
	.id = 3,
	.name = "split16",
	.encode = split16_encode,
	.decode = split16_decode,
};
