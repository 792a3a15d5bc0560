/*
 * codec_split16.c - 16-bit floats, bit-exact: exponents coded, noise raw
 *
 * 1. Every float gives a high byte (exponent, for f16 also three bits of
 *    mantissa) and a low byte (sign and the other mantissa bits, plane16.h).
 * 2. The scale of a value is that of its channel.  The high bytes are laid
 *    out channel by channel, channels sorted by their mean high byte, so that
 *    each block of the coder (entropy.h) sees channels of one scale and has a
 *    table of its own.  The coder cares for nothing else: order inside a block
 *    is free.
 * 3. Low bytes are stored raw, unless a sample of them is no noise (f16 made
 *    from bf16, padding).
 *
 * The tile, all in LAYER_EXACT:
 *     u32  low_len
 *     u8   key[cols]      only if rows >= SPLIT16_SORT_ROWS
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
#include "codec/scratch.h"

/* With fewer rows a channel's key costs more than sorting gains. */
#define SPLIT16_SORT_ROWS 64u

/* A mean needs no more than every fourth row. */
#define SPLIT16_KEY_STEP 4u

#define SPLIT16_N_KEYS 256u

struct split16_work {
	uint8_t *high;   /* n bytes, row-major */
	uint8_t *low;    /* n bytes, row-major */
	uint8_t *sorted; /* n bytes, high by channels */
	uint32_t *place; /* cols: a channel's place among the sorted */
	uint32_t *sum;   /* cols */
};

static bool split16_takes(const struct shape *s)
{
	if (s->elem != ELEM_F16 && s->elem != ELEM_BF16)
		return false;
	if (!s->rows || !s->cols)
		return false;
	return (uint64_t)s->rows * s->cols <= TILE_MAX_BYTES / 2;
}

static size_t split16_n_keys(const struct shape *s)
{
	return s->rows >= SPLIT16_SORT_ROWS ? s->cols : 0;
}

static size_t split16_head_bytes(const struct shape *s)
{
	return sizeof(uint32_t) + split16_n_keys(s);
}

static int split16_prepare(const struct shape *s, struct scratch *ws,
			   struct split16_work *ret)
{
	size_t n = align_up((uint64_t)s->rows * s->cols, 64);
	size_t n_keys = align_up(split16_n_keys(s), 64);
	uint8_t *p = scratch_buf(ws, 3 * n + 2 * n_keys * sizeof(uint32_t));

	if (!p)
		return -ENOMEM;

	ret->high = p;
	ret->low = p + n;
	ret->sorted = p + 2 * n;
	ret->place = (void *)(p + 3 * n);
	ret->sum = ret->place + n_keys;
	return 0;
}

/* The mean high byte of each channel. */
static void split16_find_keys(const struct shape *s, struct split16_work *w,
			      uint8_t *key)
{
	uint32_t n = (s->rows + SPLIT16_KEY_STEP - 1) / SPLIT16_KEY_STEP;

	memset(w->sum, 0, s->cols * sizeof(*w->sum));
	for (size_t r = 0; r < s->rows; r += SPLIT16_KEY_STEP)
		for (size_t c = 0; c < s->cols; c++)
			w->sum[c] += w->high[r * s->cols + c];
	for (size_t c = 0; c < s->cols; c++)
		key[c] = (uint8_t)(w->sum[c] / n);
}

/* Counting sort: a permutation whatever the keys. */
static void split16_find_places(const uint8_t *key, size_t n_keys,
				uint32_t *place)
{
	uint32_t next[SPLIT16_N_KEYS] = { 0 };
	uint32_t below = 0;

	for (size_t c = 0; c < n_keys; c++)
		next[key[c]]++;
	for (size_t k = 0; k < SPLIT16_N_KEYS; k++) {
		uint32_t n = next[k];

		next[k] = below;
		below += n;
	}
	for (size_t c = 0; c < n_keys; c++)
		place[c] = next[key[c]]++;
}

/* Leaves the high bytes sorted by the keys found, if the tile has keys. */
static const uint8_t *split16_sort(const struct shape *s,
				   struct split16_work *w, uint8_t *key)
{
	size_t n_keys = split16_n_keys(s);

	if (!n_keys)
		return w->high;

	split16_find_keys(s, w, key);
	split16_find_places(key, n_keys, w->place);
	plane16_to_columns(w->high, s->rows, s->cols, w->place, w->sorted);
	return w->sorted;
}

static int split16_put_low(const uint8_t *low, size_t n, struct scratch *ws,
			   uint8_t *dst, size_t dst_cap, size_t *ret_len)
{
	size_t len;

	if (!entropy_is_noise(low, n)) {
		int r = entropy_encode(ws, low, n, dst, dst_cap, &len);

		if (r == -ENOMEM)
			return r;
		if (r == 0 && len < n) {
			*ret_len = len;
			return 0;
		}
	}
	if (n > dst_cap)
		return -E2BIG;

	memcpy(dst, low, n);
	*ret_len = n;
	return 0;
}

static int split16_encode(const struct shape *s, const void *src,
			  struct scratch *ws, void *dst, size_t dst_cap,
			  struct coded *ret)
{
	struct split16_work w;
	uint8_t *out = dst;

	if (!split16_takes(s))
		return -E2BIG;

	size_t n = (size_t)s->rows * s->cols;
	size_t pos = split16_head_bytes(s);
	size_t len;
	int r = pos <= dst_cap ? split16_prepare(s, ws, &w) : -E2BIG;

	if (r < 0)
		return r;

	plane16_split(src, n, w.high, w.low);

	const uint8_t *high = split16_sort(s, &w, out + sizeof(uint32_t));

	r = split16_put_low(w.low, n, ws, out + pos, dst_cap - pos, &len);
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

/* The inverse of split16_sort, from the frame on; fills w->high. */
static int split16_get_high(const struct shape *s, struct split16_work *w,
			    const uint8_t *key, struct scratch *ws,
			    const uint8_t *src, size_t len)
{
	size_t n = (size_t)s->rows * s->cols;
	size_t n_keys = split16_n_keys(s);
	int r = entropy_decode(ws, src, len, n_keys ? w->sorted : w->high, n);

	if (r < 0 || !n_keys)
		return r;

	split16_find_places(key, n_keys, w->place);
	plane16_from_columns(w->sorted, s->rows, s->cols, w->place, w->high);
	return 0;
}

static int split16_decode(const struct shape *s, const struct coded_view *in,
			  struct scratch *ws, void *dst)
{
	struct split16_work w;

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

	int r = split16_prepare(s, ws, &w);

	if (r == 0)
		r = split16_get_high(s, &w, p + sizeof(uint32_t), ws,
				     low + low_len, left - low_len);
	if (r == 0 && low_len < n) {
		r = entropy_decode(ws, low, low_len, w.low, n);
		low = w.low;
	}
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
