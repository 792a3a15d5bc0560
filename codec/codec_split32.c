/*
 * codec_split32.c - 32-bit floats, bit-exact: exponents coded, noise raw
 *
 * Every float gives a byte in each of four planes (plane32.h): the exponent,
 * which is the high plane, and three low ones; planes.h says what becomes of
 * them.  A low plane of zeros takes nothing: of floats that had 16 bits once
 * there are one or two.
 *
 * The tile, all in LAYER_EXACT, n = rows * cols:
 *     u32  len[3]         of the low planes, sign and upper mantissa first
 *     u8   key[cols]      only if rows >= PLANES_SORT_ROWS
 *     len[0] bytes        a low plane, row-major: zeros if len is 0, raw if
 *     len[1] bytes        it is n, else a frame
 *     len[2] bytes
 *     the rest            frame of the high plane: sorted channel by channel
 *                         if there are keys, else row-major
 * Keys sort the channels, equal keys by channel: any keys are good keys.
 */
#include "codec/codecs.h"

#include <errno.h>
#include <stdbool.h>

#include "codec/entropy.h"
#include "codec/mem.h"
#include "codec/plane32.h"
#include "codec/planes.h"

#define SPLIT32_LOWS (PLANE32_N - 1)

static bool split32_takes(const struct shape *s)
{
	return s->elem == ELEM_F32 && s->rows && s->cols &&
	       (uint64_t)s->rows * s->cols <= TILE_MAX_BYTES / 4;
}

static size_t split32_head_bytes(const struct shape *s)
{
	return SPLIT32_LOWS * sizeof(uint32_t) + planes_n_keys(s);
}

/* The low planes to dst, their lengths to len; *ret_pos is the sum of these. */
static int split32_put_lows(uint8_t *const low[SPLIT32_LOWS], size_t n,
			    struct scratch *ws, uint8_t *len, uint8_t *dst,
			    size_t dst_cap, size_t *ret_pos)
{
	size_t pos = 0;

	for (size_t i = 0; i < SPLIT32_LOWS; i++) {
		size_t one = 0;
		int r = zero_is(low[i], n)
			    ? 0
			    : planes_put_low(low[i], n, ws, dst + pos,
					     dst_cap - pos, &one);

		if (r < 0)
			return r;
		store32(len + i * sizeof(uint32_t), (uint32_t)one);
		pos += one;
	}
	*ret_pos = pos;
	return 0;
}

static int split32_encode(const struct shape *s, const void *src,
			  struct scratch *ws, void *dst, size_t dst_cap,
			  struct coded *ret)
{
	struct planes w;
	uint8_t *out = dst, *plane[PLANE32_N];

	if (!split32_takes(s))
		return -E2BIG;

	size_t n = (size_t)s->rows * s->cols;
	size_t pos = split32_head_bytes(s);
	size_t len;
	int r = pos <= dst_cap
		    ? planes_prepare(s, ws, SPLIT32_LOWS, &w, plane + 1)
		    : -E2BIG;

	if (r < 0)
		return r;

	plane[0] = w.high;
	plane32_split(src, n, plane);

	const uint8_t *high =
	    planes_sort(s, &w, out + SPLIT32_LOWS * sizeof(uint32_t));

	r = split32_put_lows(plane + 1, n, ws, out, out + pos, dst_cap - pos,
			     &len);
	if (r < 0)
		return r;
	pos += len;

	r = entropy_encode(ws, high, n, out + pos, dst_cap - pos, &len);
	if (r < 0)
		return r;
	pos += len;

	*ret = (struct coded){ .len[LAYER_EXACT] = (uint32_t)pos };
	return 0;
}

/* What the len bytes at src are: *ret is n bytes there, or in buf. */
static int split32_get_low(const uint8_t *src, size_t len, size_t n,
			   struct scratch *ws, uint8_t *buf,
			   const uint8_t **ret)
{
	if (len) {
		*ret = src;
		return planes_get_low(ret, len, n, ws, buf);
	}
	memset(buf, 0, n);
	*ret = buf;
	return 0;
}

static int split32_decode(const struct shape *s, const struct coded_view *in,
			  struct scratch *ws, void *dst)
{
	const uint8_t *plane[PLANE32_N], *p = in->layer[LAYER_EXACT];
	uint8_t *buf[SPLIT32_LOWS];
	struct planes w;

	if (!split32_takes(s) || in->n_layers <= LAYER_EXACT ||
	    in->len[LAYER_EXACT] < split32_head_bytes(s))
		return -EBADMSG;

	size_t n = (size_t)s->rows * s->cols;
	const uint8_t *at = p + split32_head_bytes(s);
	size_t left = in->len[LAYER_EXACT] - split32_head_bytes(s);
	int r = planes_prepare(s, ws, SPLIT32_LOWS, &w, buf);

	for (size_t i = 0; r == 0 && i < SPLIT32_LOWS; i++) {
		size_t len = load32(p + i * sizeof(uint32_t));

		if (len > n || len > left)
			return -EBADMSG;
		r = split32_get_low(at, len, n, ws, buf[i], &plane[1 + i]);
		at += len;
		left -= len;
	}
	if (r == 0)
		r = planes_get_high(s, &w, p + SPLIT32_LOWS * sizeof(uint32_t),
				    ws, at, left);
	if (r < 0)
		return r;

	plane[0] = w.high;
	plane32_merge(plane, n, dst);
	return 0;
}

const struct codec codec_split32 = {
	.id = 6,
	.name = "split32",
	.encode = split32_encode,
	.decode = split32_decode,
};
