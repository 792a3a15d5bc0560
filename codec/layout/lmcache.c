/*
 * lmcache.c - the chunks that LMCache writes to a file system with their head
 *
 * i32 len, i32 format, then for each group of layers (mostly one) i32 dtype and
 * i32 shape[4]; then the payload, len bytes to the end of the file: one tensor
 * after another, as the groups say.  All little-endian.  So the number of
 * groups follows from the sizes, and all of it must add up.
 *
 * Chunks without a head, the local disk's files and the objects of its server
 * say nothing: they are for a declaration (declared.c).
 */
#include "codec/layout/lmcache.h"

#include <errno.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/layout/cursor.h"
#include "codec/layout/layouts.h"

#define LMCACHE_HEAD       8u
#define LMCACHE_GROUP      20u
#define LMCACHE_MAX_GROUPS 64u

struct lmcache_dtype {
	uint8_t elem;
	uint8_t bytes; /* 0: no such dtype */
};

/* By LMCache's number: half, float16, bfloat16, f32, f64, u8, two of fp8. */
static const struct lmcache_dtype lmcache_dtypes[] = {
	[1] = { ELEM_F16, 2 }, [2] = { ELEM_F16, 2 }, [3] = { ELEM_BF16, 2 },
	[4] = { ELEM_F32, 4 }, [5] = { ELEM_U8, 8 },  [6] = { ELEM_U8, 1 },
	[7] = { ELEM_U8, 1 },  [8] = { ELEM_U8, 1 },
};

#define LMCACHE_N_DTYPES (sizeof(lmcache_dtypes) / sizeof(lmcache_dtypes[0]))

/* By LMCache's number; 1 stands for a dimension of one. */
static const char *const lmcache_formats[] = {
	[1] = "2LTC",
	[2] = "T2C",
	[3] = "2TC",
	[6] = "1LTC",
};

#define LMCACHE_N_FORMATS (sizeof(lmcache_formats) / sizeof(lmcache_formats[0]))

bool lmcache_axes(uint64_t format, const uint64_t shape[LMCACHE_DIMS],
		  struct axes *ret)
{
	const char *letters =
	    format < LMCACHE_N_FORMATS ? lmcache_formats[format] : NULL;
	uint64_t elems;

	ret->n = 0;
	if (!letters)
		return false;
	for (unsigned i = 0; i < LMCACHE_DIMS; i++) {
		if (i >= strlen(letters) && shape[i] > 1)
			return false;
		if (i >= strlen(letters))
			continue;
		if (letters[i] == '1' && shape[i] != 1)
			return false;
		if (letters[i] != '1')
			axes_add(ret, letters[i], shape[i]);
	}
	return axes_elems(ret, &elems) == 0;
}

/* The next group, its tensor at off.  Adds its bytes to *off. */
static int lmcache_group(struct cursor *c, uint32_t format, uint64_t *off,
			 struct extents *ret)
{
	uint32_t nr = cursor_u32(c);
	struct lmcache_dtype dtype = { ELEM_U8, 0 };
	uint64_t shape[LMCACHE_DIMS], len;
	struct axes axes;

	if (nr < LMCACHE_N_DTYPES)
		dtype = lmcache_dtypes[nr];
	for (unsigned i = 0; i < LMCACHE_DIMS; i++)
		shape[i] = cursor_u32(c);
	if (c->err)
		return c->err;
	if (!dtype.bytes || !lmcache_axes(format, shape, &axes) ||
	    axes_elems(&axes, &len) < 0 ||
	    __builtin_mul_overflow(len, dtype.bytes, &len) ||
	    len > c->src->size - *off)
		return -ENOENT;

	int r = axes_list(&axes, dtype.elem, *off, ret);

	*off += len;
	return r;
}

static int lmcache_recognise(const struct source *src, struct extents *ret)
{
	struct cursor c;

	cursor_init(&c, src);

	uint32_t len = cursor_u32(&c);
	uint32_t format = cursor_u32(&c);

	if (c.err)
		return c.err;
	if (len > src->size - LMCACHE_HEAD)
		return -ENOENT;

	uint64_t off = src->size - len;
	uint64_t n_groups = (off - LMCACHE_HEAD) / LMCACHE_GROUP;
	int r = 0;

	if ((off - LMCACHE_HEAD) % LMCACHE_GROUP || !n_groups ||
	    n_groups > LMCACHE_MAX_GROUPS)
		return -ENOENT;
	for (uint64_t i = 0; r == 0 && i < n_groups; i++)
		r = lmcache_group(&c, format, &off, ret);
	if (r < 0)
		return r;
	return off == src->size ? 0 : -ENOENT;
}

const struct layout layout_lmcache = {
	.id = 6,
	.name = "lmcache-chunk",
	.recognise = lmcache_recognise,
};
