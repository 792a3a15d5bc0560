/*
 * planes.h - a tile's planes of bytes: exponents by channels, mantissas as
 * noise
 *
 * What codecs of floats, bit-exact, share.
 *
 * 1. The scale of a value is that of its channel.  The high plane (exponents)
 *    is laid out channel by channel, channels sorted by their mean byte, so
 *    that each block of the coder (entropy.h) sees channels of one scale and
 *    has a table of its own.  The coder cares for nothing else: order inside a
 *    block is free.
 * 2. A low plane is stored raw, unless a sample of it is no noise (made from
 *    fewer bits, padding).
 *
 * Thread-safe for different memory.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct scratch;
struct shape;

/* With fewer rows a channel's key costs more than sorting gains. */
#define PLANES_SORT_ROWS 64u

/* Memory for one tile of n = rows * cols values; all of it is the caller's. */
struct planes {
	uint8_t *high;   /* n bytes, row-major */
	uint8_t *sorted; /* n bytes, high by channels */
	uint32_t *place; /* cols: a channel's place among the sorted */
	uint32_t *sum;   /* cols */
};

/* One for each channel, or 0: fewer than PLANES_SORT_ROWS rows. */
size_t planes_n_keys(const struct shape *s);

/*
 * One block from the scratch: of it all of *ret, and n_low planes of n bytes in
 * ret_low.  Returns 0 or -ENOMEM.
 */
int planes_prepare(const struct shape *s, struct scratch *ws, size_t n_low,
		   struct planes *ret, uint8_t **ret_low);

/*
 * Fills key, and returns the n bytes to be coded: w->sorted, or w->high if
 * there are no keys.
 */
const uint8_t *planes_sort(const struct shape *s, struct planes *w,
			   uint8_t *key);

/*
 * Fills w->high from what entropy_encode made of those.  Any keys are good
 * keys.  Returns 0, -EBADMSG or -ENOMEM.
 */
int planes_get_high(const struct shape *s, struct planes *w, const uint8_t *key,
		    struct scratch *ws, const uint8_t *src, size_t len);

/*
 * A low plane to dst: *ret_len is n where it is raw, else less.  Returns 0,
 * -E2BIG or -ENOMEM.
 */
int planes_put_low(const uint8_t *low, size_t n, struct scratch *ws,
		   uint8_t *dst, size_t dst_cap, size_t *ret_len);

/*
 * The plane of n bytes that the len <= n bytes at *low are: *low itself, or
 * buf, and then *low points there.  Returns 0, -EBADMSG or -ENOMEM.
 */
int planes_get_low(const uint8_t **low, size_t len, size_t n,
		   struct scratch *ws, uint8_t *buf);
