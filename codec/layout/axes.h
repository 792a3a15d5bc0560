/*
 * axes.h - a tensor by its axes: where its tokens are, and so its extents
 *
 * A tensor without gaps, its axes named by letters, the outermost first, as in
 * "2LTHD":
 *
 *   2  K, then V                T  tokens
 *   L  layers of the model      H  heads
 *   B  blocks of tokens         D  channels of a head
 *   W  workers                  C  channels of a row: of all heads, K and V
 *                                  beside each other, or a latent
 *
 * 1. A row is one token with all axes behind T, and an extent is the tokens
 *    that follow each other: T, with any B directly before it.  So each layer,
 *    each of K and V, and each head is an extent of its own where its axis
 *    stands before T, and a part of the row where it stands behind it.
 * 2. With D or C before T a row would be a channel: the tensor lies
 *    transposed.  Then an extent is the channels that follow each other, all
 *    else in the row, and it has no role.
 *
 * Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "codec/layout/layout.h"

#define AXES_LETTERS "2LTHDCBW"
#define AXES_MAX     8u

struct axes {
	unsigned n;
	char letter[AXES_MAX];
	uint64_t dim[AXES_MAX];
};

/* The place of a letter in AXES_LETTERS, or -1. */
int axes_index(char letter);

/* Adds an axis inside those that are there; n < AXES_MAX. */
void axes_add(struct axes *a, char letter, uint64_t dim);

/*
 * Elements of the whole.  Returns 0, or -EINVAL: a letter is unknown or there
 * twice, a dimension is 0, that of 2 is not 2, T is missing, or the elements
 * or the columns of a row are beyond counting.
 */
int axes_elems(const struct axes *a, uint64_t *ret);

/*
 * Appends the extents of the tensor at off, a file's bytes from there being
 * all of it; ELEM_U8 has none.  Returns 0, what extents_add said, or -EINVAL as
 * axes_elems; -ENOENT for more extents than EXTENTS_MAX.
 */
int axes_list(const struct axes *a, uint8_t elem, uint64_t off,
	      struct extents *ret);

/*
 * Elements of a row of a tensor of which only the dimensions are known, the
 * outermost first: the last one.  Where the last but one is small (heads) and
 * smaller than the one before it (tokens), these two: then a row is one token,
 * as in [tokens, heads, dim]; not so in [heads, tokens, dim], where channels of
 * all heads share their columns.  UINT32_MAX: a row no tile can hold.
 */
uint32_t axes_guess_cols(const uint64_t *dim, size_t n);
