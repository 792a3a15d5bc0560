/* axes.c - a tensor by its axes: where its tokens are, and so its extents */
#include "codec/layout/axes.h"

#include <errno.h>
#include <string.h>

#include "codec/codec.h"

/* More than this in the last but one dimension are no heads. */
#define AXES_MAX_HEADS 64u

int axes_index(char letter)
{
	const char *at = letter ? strchr(AXES_LETTERS, letter) : NULL;

	return at ? (int)(at - AXES_LETTERS) : -1;
}

void axes_add(struct axes *a, char letter, uint64_t dim)
{
	a->letter[a->n] = letter;
	a->dim[a->n] = dim;
	a->n++;
}

static unsigned axes_find(const struct axes *a, char letter)
{
	unsigned i = 0;

	while (i < a->n && a->letter[i] != letter)
		i++;
	return i;
}

int axes_elems(const struct axes *a, uint64_t *ret)
{
	uint64_t elems = 1;
	unsigned seen = 0;

	for (unsigned i = 0; i < a->n; i++) {
		int index = axes_index(a->letter[i]);

		if (index < 0 || seen & 1u << index || !a->dim[i])
			return -EINVAL;
		if (a->letter[i] == '2' && a->dim[i] != 2)
			return -EINVAL;
		if (__builtin_mul_overflow(elems, a->dim[i], &elems))
			return -EINVAL;
		seen |= 1u << index;
	}
	if (axes_find(a, 'T') == a->n)
		return -EINVAL;
	*ret = elems;
	return 0;
}

/* Which axes are counted as rows: from first_row to before first_col. */
struct axes_cut {
	unsigned first_row, first_col;
	bool turned;
};

static bool axes_is_channel(char letter)
{
	return letter == 'D' || letter == 'C';
}

static struct axes_cut axes_cut(const struct axes *a)
{
	unsigned t = axes_find(a, 'T');
	struct axes_cut cut = { t, t + 1, false };

	for (unsigned i = 0; i < t; i++)
		if (axes_is_channel(a->letter[i]))
			cut = (struct axes_cut){ i, i + 1, true };
	while (cut.first_row && !cut.turned &&
	       a->letter[cut.first_row - 1] == 'B')
		cut.first_row--;
	while (cut.first_row && cut.turned &&
	       (a->letter[cut.first_row - 1] == 'H' ||
		axes_is_channel(a->letter[cut.first_row - 1])))
		cut.first_row--;
	return cut;
}

/* The elements of the axes from `from` to before `to`. */
static uint64_t axes_product(const struct axes *a, unsigned from, unsigned to)
{
	uint64_t product = 1;

	for (unsigned i = from; i < to; i++)
		product *= a->dim[i];
	return product;
}

/* What extent number `nr` is by the axes before its rows. */
static void axes_name(const struct axes *a, const struct axes_cut *cut,
		      uint64_t nr, struct extent *e)
{
	e->role = cut->turned ? ROLE_NONE : ROLE_K;
	e->model_layer = 0;
	for (unsigned i = cut->first_row; i-- > 0; nr /= a->dim[i]) {
		uint64_t at = nr % a->dim[i];

		if (a->letter[i] == 'L')
			e->model_layer = (uint16_t)at;
		if (a->letter[i] == '2' && at && !cut->turned)
			e->role = ROLE_V;
	}
}

int axes_list(const struct axes *a, uint8_t elem, uint64_t off,
	      struct extents *ret)
{
	uint64_t elems;
	int r = axes_elems(a, &elems);

	if (r < 0 || elem == ELEM_U8)
		return r;

	struct axes_cut cut = axes_cut(a);
	uint64_t n = axes_product(a, 0, cut.first_row);
	uint64_t cols = axes_product(a, cut.first_col, a->n);
	struct extent e = { .off = off,
			    .len = elems / n * elem_bytes(elem),
			    .elem = elem,
			    .cols = (uint32_t)cols };

	if (n > EXTENTS_MAX || cols > UINT32_MAX)
		return -ENOENT;
	for (uint64_t i = 0; r == 0 && i < n; i++) {
		axes_name(a, &cut, i, &e);
		r = extents_add(ret, &e);
		e.off += e.len;
	}
	return r;
}

uint32_t axes_guess_cols(const uint64_t *dim, size_t n)
{
	const uint64_t *end = dim + n;
	uint64_t cols = 1;

	if (n >= 2)
		cols = end[-1];
	if (n >= 3 && end[-2] <= AXES_MAX_HEADS && end[-2] < end[-3] &&
	    __builtin_mul_overflow(cols, end[-2], &cols))
		return UINT32_MAX;
	return cols <= UINT32_MAX ? (uint32_t)cols : UINT32_MAX;
}
