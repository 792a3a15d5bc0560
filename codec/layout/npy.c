/*
 * npy.c - one array as NumPy saves it
 *
 * 93 "NUMPY", u8 major, u8 minor, then the length of the text that follows: u16
 * in version 1, u32 in 2 and 3.  The text is a dictionary as Python prints it,
 * always in this order, and blanks: {'descr': '<f2', 'fortran_order': False,
 * 'shape': (3, 4), }.  The array is the rest of the file.
 *
 * Little-endian floats in C's order are listed, their rows guessed from the
 * shape (axes.h), so without a role.  bfloat16 has no name here (it is "two
 * bytes of something") and stays opaque, as all else does.
 */
#include <errno.h>

#include "codec/codec.h"
#include "codec/layout/axes.h"
#include "codec/layout/json.h"
#include "codec/layout/layouts.h"
#include "codec/mem.h"

/* A dictionary of 32 dimensions is shorter. */
#define NPY_MAX_TEXT 4096u

#define NPY_MAX_DIMS 32u

struct npy_array {
	char order, kind; /* of bytes: < > | =; of values: f i u V ... */
	uint64_t bytes;   /* of one element */
	bool c_order;
	uint64_t dim[NPY_MAX_DIMS];
	size_t n_dims;
};

static void npy_need(struct json *j, const char *word)
{
	if (!json_take_word(j, word))
		j->bad = true;
}

/* The next character, whatever it is. */
static char npy_char(struct json *j)
{
	if (j->bad || j->at == j->end) {
		j->bad = true;
		return 0;
	}
	return *j->at++;
}

static void npy_shape(struct json *j, struct npy_array *a)
{
	npy_need(j, "(");
	while (!j->bad && !json_take(j, ')')) {
		if (a->n_dims == NPY_MAX_DIMS) {
			j->bad = true;
			return;
		}
		a->dim[a->n_dims++] = json_whole(j);
		/* Only a single one has a comma behind it. */
		if (!json_take(j, ',') && !json_next_is(j, ')'))
			j->bad = true;
	}
}

/* Returns whether the text is what NumPy writes for one plain dtype. */
static bool npy_parse(const char *text, size_t len, struct npy_array *a)
{
	struct json j = { .at = text, .end = text + len };

	npy_need(&j, "{");
	npy_need(&j, "'descr':");
	npy_need(&j, "'");
	a->order = npy_char(&j);
	a->kind = npy_char(&j);
	a->bytes = json_whole(&j);
	npy_need(&j, "'");
	npy_need(&j, ",");
	npy_need(&j, "'fortran_order':");
	a->c_order = json_take_word(&j, "False");
	if (!a->c_order)
		npy_need(&j, "True");
	npy_need(&j, ",");
	npy_need(&j, "'shape':");
	npy_shape(&j, a);
	json_take(&j, ',');
	npy_need(&j, "}");
	return !j.bad && json_at_end(&j);
}

static uint8_t npy_elem(const struct npy_array *a)
{
	if (a->order != '<' || a->kind != 'f' || !a->c_order)
		return ELEM_U8;
	return a->bytes == 2 ? ELEM_F16 : a->bytes == 4 ? ELEM_F32 : ELEM_U8;
}

/* The array at off, to the end of the file. */
static int npy_list(const struct npy_array *a, uint64_t off, uint64_t size,
		    struct extents *ret)
{
	/* Text of UCS-4 is counted in characters. */
	uint64_t len = a->kind == 'U' ? 4 : 1;
	bool whole = !__builtin_mul_overflow(len, a->bytes, &len);
	struct extent e = { .off = off, .len = size - off };

	for (size_t i = 0; whole && i < a->n_dims; i++)
		whole = !__builtin_mul_overflow(len, a->dim[i], &len);
	if (!whole || len != e.len)
		return -ENOENT;

	e.elem = npy_elem(a);
	if (e.elem == ELEM_U8 || !e.len)
		return 0;
	e.cols = axes_guess_cols(a->dim, a->n_dims);
	return extents_add(ret, &e);
}

static int npy_recognise(const struct source *src, struct extents *ret)
{
	struct npy_array a = { .n_dims = 0 };
	char text[NPY_MAX_TEXT];
	uint8_t head[12];

	if (src->size < sizeof(head))
		return -ENOENT;

	int r = src->read(src->ctx, 0, head, sizeof(head));

	if (r < 0)
		return r;
	if (memcmp(head, "\x93NUMPY", 6) != 0 || !head[6] || head[6] > 3)
		return -ENOENT;

	bool short_len = head[6] == 1;
	size_t start = short_len ? 10 : 12;
	size_t len = short_len ? load16(head + 8) : load32(head + 8);

	if (len > sizeof(text) || len > src->size - start)
		return -ENOENT;
	r = src->read(src->ctx, start, text, len);
	if (r < 0)
		return r;
	if (!npy_parse(text, len, &a))
		return -ENOENT;
	return npy_list(&a, start + len, src->size, ret);
}

const struct layout layout_npy = {
	.id = 7,
	.name = "npy",
	.recognise = npy_recognise,
};
