/*
 * declare.h - what the owner of a file says is in it
 *
 * Four extended attributes of the file, or of a directory above it:
 *
 *   user.kv.dtype   f16, bf16, f32, or what stays bit-exact: fp8e4m3, fp8e5m2,
 *                   u8.  u8 alone declares the file opaque
 *   user.kv.axes    letters of axes.h, the outermost first: 2LTHD
 *   user.kv.dims    of each axis but 2: L=32,T=?,H=8,D=128.  One of them may be
 *                   ?: what the file's size makes of it
 *   user.kv.header  bytes before the tensor: 28.  0 unless given
 *
 * They may come one by one and from different places (a directory gives dtype,
 * axes and dims, a file its header); only all of dtype, axes and dims together
 * declare a tensor.  What they declare is all of the file behind the header.
 *
 * Setting one, as the mount does it: copy the declaration, declare_set, then
 * declare_check; keep the copy if both say 0, else answer -EINVAL and nothing
 * has changed.
 *
 * Pure functions.  Zero-initialise; nothing is to be given back.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "codec/layout/axes.h"

/* One bit for each attribute. */
enum declare_key {
	DECLARE_DTYPE = 1,
	DECLARE_AXES = 2,
	DECLARE_DIMS = 4,
	DECLARE_HEADER = 8,
	DECLARE_TENSOR = DECLARE_DTYPE | DECLARE_AXES | DECLARE_DIMS,
};

struct declaration {
	uint8_t given;          /* enum declare_key */
	uint8_t elem;           /* enum elem */
	uint8_t dims;           /* bit i: dim[i] was given */
	struct axes axes;       /* without dimensions */
	uint64_t dim[AXES_MAX]; /* by the place in AXES_LETTERS; 0: ? */
	uint64_t header;        /* bytes */
};

/* In place of a size, for a directory. */
#define DECLARE_NO_SIZE UINT64_MAX

/*
 * Takes one attribute, key without "user.kv.", value of len bytes without a
 * NUL.  Returns 0, -ENODATA (key is none of the four) or -EINVAL (value is not
 * of the grammar); d is then as it was.
 */
int declare_set(struct declaration *d, const char *key, const char *value,
		size_t len);

/*
 * Whether a file of this size can be what d says as far as it goes.  Nothing
 * contradicts an empty file, which is yet to be written, but d itself.
 * Returns 0, or -EINVAL: dims and axes have not the same letters, more than
 * one is ?, T is missing, or a tensor (or the header) of this size is not.
 */
int declare_check(const struct declaration *d, uint64_t size);

/*
 * The tensor of a file of this size: its axes with all dimensions.  Returns 0,
 * -ENOENT (d does not declare one) or -EINVAL as declare_check.
 */
int declare_solve(const struct declaration *d, uint64_t size, struct axes *ret);
