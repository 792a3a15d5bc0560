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
 * 2. Two clients name their tensor so that its axes are known.  LMCache's
 *    "kvcache" has a "__metadata__" of its own with the number of its format,
 *    and dtypes spelled its own way.  vLLM's "kv_cache" is one layer: tokens,
 *    heads, K and V; or K then V, tokens, heads, channels; or latents.
 * 3. The rows of all others are guessed from the shape (axes.h), and have no
 *    role.
 * 4. Beside packed integers and small floats, floats are scales of a quantised
 *    cache: then all stays opaque.
 */
#include <errno.h>
#include <stdbool.h>

#include "codec/codec.h"
#include "codec/layout/axes.h"
#include "codec/layout/json.h"
#include "codec/layout/layouts.h"
#include "codec/layout/lmcache.h"
#include "codec/mem.h"

/* 100 MB by the format; what describes EXTENTS_MAX tensors is smaller. */
#define SAFETENSORS_MAX_HEAD (16u << 20)

#define SAFETENSORS_MAX_DIMS 16u

struct safetensors_dtype {
	const char *name;
	uint8_t elem;
	uint8_t bytes; /* of one element; 0: less than one, not checked */
	bool packed;   /* floats beside it are scales */
};

static const struct safetensors_dtype safetensors_dtypes[] = {
	{ "F16", ELEM_F16, 2, false },    { "BF16", ELEM_BF16, 2, false },
	{ "F32", ELEM_F32, 4, false },    { "BOOL", ELEM_U8, 1, false },
	{ "U8", ELEM_U8, 1, true },       { "I8", ELEM_U8, 1, true },
	{ "I16", ELEM_U8, 2, false },     { "U16", ELEM_U8, 2, false },
	{ "I32", ELEM_U8, 4, false },     { "U32", ELEM_U8, 4, true },
	{ "I64", ELEM_U8, 8, false },     { "U64", ELEM_U8, 8, false },
	{ "F64", ELEM_U8, 8, false },     { "C64", ELEM_U8, 8, false },
	{ "F8_E4M3", ELEM_U8, 1, true },  { "F8_E5M2", ELEM_U8, 1, true },
	{ "F8E4M3FN", ELEM_U8, 1, true }, { "F8E5M2", ELEM_U8, 1, true },
};

#define SAFETENSORS_N_DTYPES                                                   \
	(sizeof(safetensors_dtypes) / sizeof(safetensors_dtypes[0]))

#define SAFETENSORS_NO_FORMAT UINT64_MAX

struct safetensors_tensor {
	struct json_text dtype;
	uint64_t dim[SAFETENSORS_MAX_DIMS];
	size_t n_dims;
	uint64_t offset[2];
	uint64_t format; /* LMCache's */
	unsigned seen;   /* one bit per key */
};

/* All tensors, opaque ones too, in the order of the JSON. */
struct safetensors {
	struct json j;
	struct extents *ret;
	bool packed; /* some tensor is */
};

/* Any value, as it is written; a text without its quotes. */
static struct json_text safetensors_value(struct json *j)
{
	if (json_next_is(j, '"'))
		return json_string(j);

	const char *start = j->at;

	json_skip(j);
	return (struct json_text){ start, (size_t)(j->at - start) };
}

/* What is known of a tensor, or of all.  Returns LMCache's format. */
static uint64_t safetensors_metadata(struct json *j)
{
	uint64_t format = SAFETENSORS_NO_FORMAT;

	json_need(j, '{');
	if (json_take(j, '}'))
		return format;

	do {
		struct json_text key = json_string(j);

		json_need(j, ':');

		struct json_text text = safetensors_value(j);
		struct json number = { .at = text.at,
				       .end = text.at + text.len };
		uint64_t v = json_whole(&number);

		if (json_text_is(key, "fmt") && !number.bad &&
		    json_at_end(&number))
			format = v;
	} while (json_take(j, ','));
	json_need(j, '}');
	return format;
}

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
	} else if (json_text_is(key, "__metadata__")) {
		bit = 8;
		t->format = safetensors_metadata(j);
	}
	if (!bit || t->seen & bit)
		j->bad = true;
	t->seen |= bit;
}

/* Unknown names are dtypes of the future: opaque, their size not checked. */
static struct safetensors_dtype safetensors_find(struct json_text name)
{
	for (size_t i = 0; i < SAFETENSORS_N_DTYPES; i++)
		if (json_text_is(name, safetensors_dtypes[i].name))
			return safetensors_dtypes[i];
	return (struct safetensors_dtype){ "", ELEM_U8, 0, true };
}

/* Returns whether the shape and the offsets agree. */
static bool safetensors_agrees(const struct safetensors_tensor *t,
			       const struct safetensors_dtype *dtype)
{
	uint64_t len = dtype->bytes;

	for (size_t i = 0; i < t->n_dims; i++)
		if (__builtin_mul_overflow(len, t->dim[i], &len))
			return false;
	if ((t->seen & 7) != 7 || t->offset[0] > t->offset[1])
		return false;
	return !dtype->bytes || len == t->offset[1] - t->offset[0];
}

/* Returns whether the tensor's name says what its dimensions are. */
static bool safetensors_axes(struct json_text name,
			     const struct safetensors_tensor *t,
			     struct axes *ret)
{
	static const char *const vllm[] = { [2] = "TC", "THC", "2THD" };
	uint64_t elems;

	ret->n = 0;
	if (json_text_is(name, "kvcache") && t->n_dims <= LMCACHE_DIMS) {
		uint64_t shape[LMCACHE_DIMS] = { 1, 1, 1, 1 };

		memcpy(shape, t->dim, t->n_dims * sizeof(*shape));
		return lmcache_axes(t->format, shape, ret);
	}
	if (!json_text_is(name, "kv_cache") || t->n_dims < 2 || t->n_dims > 4)
		return false;
	for (size_t i = 0; i < t->n_dims; i++)
		axes_add(ret, vllm[t->n_dims][i], t->dim[i]);
	return axes_elems(ret, &elems) == 0;
}

static int safetensors_tensor(struct safetensors *s, struct json_text name)
{
	struct safetensors_tensor t = { .format = SAFETENSORS_NO_FORMAT };
	struct axes axes;

	json_need(&s->j, '{');
	do
		safetensors_key(&s->j, &t);
	while (json_take(&s->j, ','));
	json_need(&s->j, '}');

	struct safetensors_dtype dtype = safetensors_find(t.dtype);
	struct extent e = { .off = t.offset[0],
			    .len = t.offset[1] - t.offset[0],
			    .elem = dtype.elem,
			    .cols = 1 };

	if (s->j.bad || !safetensors_agrees(&t, &dtype))
		return -ENOENT;
	if (!e.len)
		return 0;
	s->packed |= dtype.packed;
	if (e.elem == ELEM_U8)
		return extents_add(s->ret, &e);
	if (safetensors_axes(name, &t, &axes))
		return axes_list(&axes, e.elem, e.off, s->ret);
	e.cols = axes_guess_cols(t.dim, t.n_dims);
	return extents_add(s->ret, &e);
}

static int safetensors_parse(struct safetensors *s)
{
	int r = 0;

	json_need(&s->j, '{');
	if (json_take(&s->j, '}'))
		return !s->j.bad && json_at_end(&s->j) ? 0 : -ENOENT;

	do {
		struct json_text name = json_string(&s->j);

		json_need(&s->j, ':');
		if (json_text_is(name, "__metadata__"))
			safetensors_metadata(&s->j);
		else
			r = safetensors_tensor(s, name);
	} while (r == 0 && json_take(&s->j, ','));
	json_need(&s->j, '}');

	if (r < 0)
		return r;
	return !s->j.bad && json_at_end(&s->j) ? 0 : -ENOENT;
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

	struct safetensors s = { .j = { .at = head, .end = head + len },
				 .ret = ret };

	if (*head != '{')
		return -ENOENT;
	r = safetensors_parse(&s);
	if (r == 0)
		r = safetensors_settle(ret, sizeof(word) + len, src->size);
	if (r == 0 && s.packed)
		ret->n = 0;
	return r;
}

const struct layout layout_safetensors = {
	.id = 3,
	.name = "safetensors",
	.recognise = safetensors_recognise,
};
