/*
 * safetensors.c - the container most Python engines write
 *
 * u64 N, N bytes of JSON (blanks may pad it), then the tensors.  The JSON is
 * one object: for each tensor {"dtype": text, "shape": [wholes],
 * "data_offsets": [begin, end]} counted from the end of the JSON, and perhaps
 * "__metadata__", an object of strings.
 *
 * 1. The tensors, sorted, cover what follows the JSON without a gap: that is
 *    what "to the last byte" means here.
 * 2. A tensor's rows are guessed from its shape (axes.h).
 */
#include <errno.h>
#include <stdbool.h>

#include "codec/codec.h"
#include "codec/layout/axes.h"
#include "codec/layout/json.h"
#include "codec/layout/layouts.h"
#include "codec/mem.h"

/* 100 MB by the format; what describes EXTENTS_MAX tensors is smaller. */
#define SAFETENSORS_MAX_HEAD (16u << 20)

#define SAFETENSORS_MAX_DIMS 16u

struct safetensors_dtype {
	const char *name;
	uint8_t elem;
	uint8_t bytes; /* of one element; 0: less than one, not checked */
};

static const struct safetensors_dtype safetensors_dtypes[] = {
	{ "F16", ELEM_F16, 2 }, { "BF16", ELEM_BF16, 2 },
	{ "F32", ELEM_F32, 4 }, { "BOOL", ELEM_U8, 1 },
	{ "U8", ELEM_U8, 1 },   { "I8", ELEM_U8, 1 },
	{ "I16", ELEM_U8, 2 },  { "U16", ELEM_U8, 2 },
	{ "I32", ELEM_U8, 4 },  { "U32", ELEM_U8, 4 },
	{ "I64", ELEM_U8, 8 },  { "U64", ELEM_U8, 8 },
	{ "F64", ELEM_U8, 8 },  { "C64", ELEM_U8, 8 },
};

#define SAFETENSORS_N_DTYPES                                                   \
	(sizeof(safetensors_dtypes) / sizeof(safetensors_dtypes[0]))

struct safetensors_tensor {
	struct json_text dtype;
	uint64_t dim[SAFETENSORS_MAX_DIMS];
	size_t n_dims;
	uint64_t offset[2];
	unsigned seen; /* one bit per key */
};

static void safetensors_key(struct json *j, struct safetensors_tensor *t)
{
	struct json_text key = json_string(j);
	unsigned bit = 0;

	json_need(j, ':');
	if (json_text_is(key, "dtype")) {
		bit = 1;
		t->dtype = json_string(j);
	} else if (json_text_is(key, "shape")) {
		bit = 2;
		t->n_dims = json_wholes(j, t->dim, SAFETENSORS_MAX_DIMS);
		j->bad |= t->n_dims > SAFETENSORS_MAX_DIMS;
	} else if (json_text_is(key, "data_offsets")) {
		bit = 4;
		j->bad |= json_wholes(j, t->offset, 2) != 2;
	}
	if (!bit || t->seen & bit)
		j->bad = true;
	t->seen |= bit;
}

static void safetensors_metadata(struct json *j)
{
	json_need(j, '{');
	if (json_take(j, '}'))
		return;

	do {
		json_string(j);
		json_need(j, ':');
		json_string(j);
	} while (json_take(j, ','));
	json_need(j, '}');
}

/* Unknown names are dtypes of the future: opaque, their size not checked. */
static struct safetensors_dtype safetensors_find(struct json_text name)
{
	for (size_t i = 0; i < SAFETENSORS_N_DTYPES; i++)
		if (json_text_is(name, safetensors_dtypes[i].name))
			return safetensors_dtypes[i];
	return (struct safetensors_dtype){ "", ELEM_U8, 0 };
}

/* Returns whether the shape and the offsets agree. */
static bool safetensors_extent(const struct safetensors_tensor *t,
			       struct extent *ret)
{
	struct safetensors_dtype dtype = safetensors_find(t->dtype);
	uint64_t len = dtype.bytes;

	for (size_t i = 0; i < t->n_dims; i++)
		if (__builtin_mul_overflow(len, t->dim[i], &len))
			return false;
	if (t->seen != 7 || t->offset[0] > t->offset[1])
		return false;
	if (dtype.bytes && len != t->offset[1] - t->offset[0])
		return false;

	*ret = (struct extent){ .off = t->offset[0],
				.len = t->offset[1] - t->offset[0],
				.elem = dtype.elem,
				.cols = 1 };
	if (dtype.elem != ELEM_U8 && ret->len)
		ret->cols = axes_guess_cols(t->dim, t->n_dims);
	return true;
}

static int safetensors_tensor(struct json *j, struct extents *ret)
{
	struct safetensors_tensor t = { .seen = 0 };
	struct extent e;

	json_need(j, '{');
	do
		safetensors_key(j, &t);
	while (json_take(j, ','));
	json_need(j, '}');

	if (j->bad || !safetensors_extent(&t, &e))
		return -ENOENT;
	return e.len ? extents_add(ret, &e) : 0;
}

/* Lists all tensors, opaque ones too, in the order of the JSON. */
static int safetensors_parse(struct json *j, struct extents *ret)
{
	int r = 0;

	json_need(j, '{');
	if (json_take(j, '}'))
		return !j->bad && json_at_end(j) ? 0 : -ENOENT;

	do {
		struct json_text name = json_string(j);

		json_need(j, ':');
		if (json_text_is(name, "__metadata__"))
			safetensors_metadata(j);
		else
			r = safetensors_tensor(j, ret);
	} while (r == 0 && json_take(j, ','));
	json_need(j, '}');

	if (r < 0)
		return r;
	return !j->bad && json_at_end(j) ? 0 : -ENOENT;
}

static int safetensors_compare(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return (x->off > y->off) - (x->off < y->off);
}

/* Sorts, checks the cover, drops what is opaque, counts from the file. */
static int safetensors_settle(struct extents *list, uint64_t start,
			      uint64_t size)
{
	uint64_t end = 0;
	size_t kept = 0;

	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at),
		      safetensors_compare);
	for (size_t i = 0; i < list->n; i++) {
		struct extent e = list->at[i];

		if (e.off != end || e.len > size - start - end)
			return -ENOENT;
		end += e.len;
		e.off += start;
		if (e.elem != ELEM_U8)
			list->at[kept++] = e;
	}
	list->n = kept;
	return end == size - start ? 0 : -ENOENT;
}

static int safetensors_recognise(const struct source *src, struct extents *ret)
{
	uint8_t word[8];

	if (src->size < sizeof(word) + 2)
		return -ENOENT;

	int r = src->read(src->ctx, 0, word, sizeof(word));

	if (r < 0)
		return r;

	uint64_t len = load64(word);

	if (len < 2 || len > SAFETENSORS_MAX_HEAD ||
	    len > src->size - sizeof(word))
		return -ENOENT;

	auto_free char *head = malloc(len);

	if (!head)
		return -ENOMEM;
	r = src->read(src->ctx, sizeof(word), head, len);
	if (r < 0)
		return r;

	struct json j = { .at = head, .end = head + len };

	if (*head != '{')
		return -ENOENT;
	r = safetensors_parse(&j, ret);
	if (r < 0)
		return r;
	return safetensors_settle(ret, sizeof(word) + len, src->size);
}

const struct layout layout_safetensors = {
	.id = 3,
	.name = "safetensors",
	.recognise = safetensors_recognise,
};
