/* planes.c - a tile's planes of bytes: exponents by channels, mantissas as
 * noise
 */
#include "codec/planes.h"

#include <errno.h>

#include "codec/codec.h"
#include "codec/entropy.h"
#include "codec/mem.h"
#include "codec/plane16.h"
#include "codec/scratch.h"

/* A mean needs no more than every fourth row. */
#define PLANES_KEY_STEP 4u

#define PLANES_KEYS 256u

size_t planes_n_keys(const struct shape *s)
{
	return s->rows >= PLANES_SORT_ROWS ? s->cols : 0;
}

int planes_prepare(const struct shape *s, struct scratch *ws, size_t n_low,
		   struct planes *ret, uint8_t **ret_low)
{
	size_t n = align_up((uint64_t)s->rows * s->cols, 64);
	size_t n_keys = align_up(planes_n_keys(s), 64);
	uint8_t *p =
	    scratch_buf(ws, (2 + n_low) * n + 2 * n_keys * sizeof(uint32_t));

	if (!p)
		return -ENOMEM;

	ret->high = p;
	ret->sorted = p + n;
	for (size_t i = 0; i < n_low; i++)
		ret_low[i] = p + (2 + i) * n;
	ret->place = (void *)(p + (2 + n_low) * n);
	ret->sum = ret->place + n_keys;
	return 0;
}

/* The mean high byte of each channel. */
static void planes_find_keys(const struct shape *s, struct planes *w,
			     uint8_t *key)
{
	uint32_t n = (s->rows + PLANES_KEY_STEP - 1) / PLANES_KEY_STEP;

	memset(w->sum, 0, s->cols * sizeof(*w->sum));
	for (size_t r = 0; r < s->rows; r += PLANES_KEY_STEP)
		for (size_t c = 0; c < s->cols; c++)
			w->sum[c] += w->high[r * s->cols + c];
	for (size_t c = 0; c < s->cols; c++)
		key[c] = (uint8_t)(w->sum[c] / n);
}

/* Counting sort: a permutation whatever the keys. */
static void planes_find_places(const uint8_t *key, size_t n_keys,
			       uint32_t *place)
{
	uint32_t next[PLANES_KEYS] = { 0 };
	uint32_t below = 0;

	for (size_t c = 0; c < n_keys; c++)
		next[key[c]]++;
	for (size_t k = 0; k < PLANES_KEYS; k++) {
		uint32_t n = next[k];

		next[k] = below;
		below += n;
	}
	for (size_t c = 0; c < n_keys; c++)
		place[c] = next[key[c]]++;
}

const uint8_t *planes_sort(const struct shape *s, struct planes *w,
			   uint8_t *key)
{
	size_t n_keys = planes_n_keys(s);

	if (!n_keys)
		return w->high;

	planes_find_keys(s, w, key);
	planes_find_places(key, n_keys, w->place);
	plane16_to_columns(w->high, s->rows, s->cols, w->place, w->sorted);
	return w->sorted;
}

int planes_get_high(const struct shape *s, struct planes *w, const uint8_t *key,
		    struct scratch *ws, const uint8_t *src, size_t len)
{
	size_t n = (size_t)s->rows * s->cols;
	size_t n_keys = planes_n_keys(s);
	int r = entropy_decode(ws, src, len, n_keys ? w->sorted : w->high, n);

	if (r < 0 || !n_keys)
		return r;

	planes_find_places(key, n_keys, w->place);
	plane16_from_columns(w->sorted, s->rows, s->cols, w->place, w->high);
	return 0;
}

int planes_put_low(const uint8_t *low, size_t n, struct scratch *ws,
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

int planes_get_low(const uint8_t **low, size_t len, size_t n,
		   struct scratch *ws, uint8_t *buf)
{
	int r = len < n ? entropy_decode(ws, *low, len, buf, n) : 0;

	if (r == 0 && len < n)
		*low = buf;
	return r;
}
