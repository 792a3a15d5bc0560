/* declare.c - what the owner of a file says is in it */
#include "codec/layout/declare.h"

#include <errno.h>
#include <string.h>

#include "codec/codec.h"

static const struct declare_dtype {
	const char *name;
	uint8_t elem;
} declare_dtypes[] = {
	{ "f16", ELEM_F16 },    { "bf16", ELEM_BF16 },  { "f32", ELEM_F32 },
	{ "fp8e4m3", ELEM_U8 }, { "fp8e5m2", ELEM_U8 }, { "u8", ELEM_U8 },
};

#define DECLARE_N_DTYPES (sizeof(declare_dtypes) / sizeof(declare_dtypes[0]))

static int declare_dtype(struct declaration *d, const char *at, size_t len)
{
	for (size_t i = 0; i < DECLARE_N_DTYPES; i++) {
		const char *name = declare_dtypes[i].name;

		if (len == strlen(name) && !memcmp(at, name, len)) {
			d->elem = declare_dtypes[i].elem;
			return 0;
		}
	}
	return -EINVAL;
}

static int declare_axes(struct declaration *d, const char *at, size_t len)
{
	uint64_t ignored;

	d->axes.n = 0;
	if (len > AXES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		axes_add(&d->axes, at[i], at[i] == '2' ? 2 : 1);
	return axes_elems(&d->axes, &ignored);
}

/* A whole number as it is written, or 0 digits; *at moves behind it. */
static int declare_whole(const char **at, const char *end, uint64_t max,
			 uint64_t *ret)
{
	const char *start = *at;
	uint64_t v = 0;

	while (*at < end && **at >= '0' && **at <= '9') {
		uint64_t digit = (uint64_t)(*(*at)++ - '0');

		if (v > (max - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	if (*at == start || (*start == '0' && *at - start > 1))
		return -EINVAL;
	*ret = v;
	return 0;
}

/* "L=32" or "T=?"; *at moves behind it. */
static int declare_dim(struct declaration *d, const char **at, const char *end)
{
	int index = end - *at > 2 ? axes_index(**at) : -1;
	uint64_t v = 0;

	if (index < 0 || **at == '2' || (*at)[1] != '=' ||
	    d->dims & 1u << index)
		return -EINVAL;
	*at += 2;
	if (**at == '?')
		++*at;
	else if (declare_whole(at, end, UINT32_MAX, &v) < 0 || !v)
		return -EINVAL;
	d->dims |= (uint8_t)(1u << index);
	d->dim[index] = v;
	return 0;
}

static int declare_dims(struct declaration *d, const char *at, size_t len)
{
	const char *end = at + len;
	int r;

	d->dims = 0;
	for (;;) {
		r = declare_dim(d, &at, end);
		if (r < 0 || at == end)
			return r;
		if (*at++ != ',')
			return -EINVAL;
	}
}

static int declare_header(struct declaration *d, const char *at, size_t len)
{
	const char *end = at + len;
	int r = declare_whole(&at, end, INT64_MAX, &d->header);

	return r == 0 && at != end ? -EINVAL : r;
}

static const struct declare_attr {
	const char *key;
	enum declare_key bit;
	int (*parse)(struct declaration *d, const char *at, size_t len);
} declare_attrs[] = {
	{ "dtype", DECLARE_DTYPE, declare_dtype },
	{ "axes", DECLARE_AXES, declare_axes },
	{ "dims", DECLARE_DIMS, declare_dims },
	{ "header", DECLARE_HEADER, declare_header },
};

int declare_set(struct declaration *d, const char *key, const char *value,
		size_t len)
{
	for (size_t i = 0; i < 4; i++) {
		struct declaration next = *d;

		if (strcmp(declare_attrs[i].key, key) != 0)
			continue;
		if (declare_attrs[i].parse(&next, value, len) < 0)
			return -EINVAL;
		next.given |= (uint8_t)declare_attrs[i].bit;
		*d = next;
		return 0;
	}
	return -ENODATA;
}

/* The axes with their dimensions, 1 for what is to be solved, and where. */
static int declare_join(const struct declaration *d, struct axes *ret,
			unsigned *ret_unknown)
{
	unsigned left = d->dims;

	*ret = d->axes;
	*ret_unknown = ret->n;
	for (unsigned i = 0; i < ret->n; i++) {
		int index = axes_index(ret->letter[i]);

		if (ret->letter[i] == '2')
			continue;
		if (!(left & 1u << index))
			return -EINVAL;
		left &= ~(1u << index);
		if (!d->dim[index] && *ret_unknown < ret->n)
			return -EINVAL;
		ret->dim[i] = d->dim[index] ? d->dim[index] : 1;
		if (!d->dim[index])
			*ret_unknown = i;
	}
	return left ? -EINVAL : 0;
}

int declare_solve(const struct declaration *d, uint64_t size, struct axes *ret)
{
	struct axes axes;
	unsigned unknown;
	uint64_t elems;

	if ((d->given & DECLARE_TENSOR) != DECLARE_TENSOR)
		return -ENOENT;

	int r = declare_join(d, &axes, &unknown);

	if (r == 0)
		r = axes_elems(&axes, &elems);
	if (r < 0)
		return r;
	if (size <= d->header ||
	    __builtin_mul_overflow(elems, elem_bytes(d->elem), &elems))
		return -EINVAL;

	uint64_t times = (size - d->header) / elems;

	if ((size - d->header) % elems || (unknown == axes.n && times != 1))
		return -EINVAL;
	if (unknown < axes.n)
		axes.dim[unknown] = times;
	*ret = axes;
	return 0;
}

int declare_check(const struct declaration *d, uint64_t size)
{
	struct axes axes;
	unsigned unknown;
	unsigned joined = DECLARE_AXES | DECLARE_DIMS;

	if ((d->given & joined) == joined &&
	    declare_join(d, &axes, &unknown) < 0)
		return -EINVAL;
	if (!size || size == DECLARE_NO_SIZE)
		return 0;
	if (d->header > size)
		return -EINVAL;

	int r = declare_solve(d, size, &axes);

	return r == -ENOENT ? 0 : r;
}
