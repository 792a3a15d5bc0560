/*
 * bytes.h - files written in memory, and read back through a struct source
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/layout/layout.h"
#include "codec/mem.h"

struct bytes {
	uint8_t at[1 << 17];
	size_t len;
	const char *beside_name, *beside; /* the one file beside it, or NULL */
};

static inline void bytes_zeros(struct bytes *b, size_t len)
{
	/* Check takes note of every assertion that holds: too slow here. */
	if (len > sizeof(b->at) - b->len)
		ck_abort_msg("the file in memory is full");
	memset(b->at + b->len, 0, len);
	b->len += len;
}

static inline void bytes_u32(struct bytes *b, uint32_t v)
{
	bytes_zeros(b, 4);
	store32(b->at + b->len - 4, v);
}

static inline void bytes_u64(struct bytes *b, uint64_t v)
{
	bytes_zeros(b, 8);
	store64(b->at + b->len - 8, v);
}

static inline void bytes_text(struct bytes *b, const char *text)
{
	size_t len = strlen(text);

	bytes_zeros(b, len);
	memcpy(b->at + b->len - len, text, len);
}

static inline int bytes_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct bytes *b = ctx;

	if (off > b->len || len > b->len - off)
		ck_abort_msg("a read past the end");
	memcpy(dst, b->at + off, len);
	return 0;
}

static inline int bytes_sidecar(void *ctx, const char *name, void *buf,
				size_t cap, size_t *ret_len)
{
	const struct bytes *b = ctx;
	size_t len;

	if (!b->beside || strcmp(name, b->beside_name) != 0)
		return -ENOENT;
	len = strlen(b->beside);
	if (len > cap)
		return -E2BIG;
	memcpy(buf, b->beside, len);
	*ret_len = len;
	return 0;
}

/*
 * What the first len bytes are taken for, with the facts' name, declaration and
 * checksum: an id, 0 for none.
 */
static inline uint8_t bytes_recognise_as(struct bytes *b, size_t len,
					 const struct source *facts,
					 struct extents *ret)
{
	struct source src = *facts;
	const struct layout *layout;
	size_t whole = b->len;

	src.size = b->len = len;
	src.read = bytes_read;
	src.sidecar = bytes_sidecar;
	src.ctx = b;

	int r = layout_recognise(&src, &layout, ret);

	b->len = whole;
	ck_assert_int_eq(r, 0);
	return layout ? layout->id : LAYOUT_NONE;
}

static inline uint8_t bytes_recognise(struct bytes *b, size_t len,
				      struct extents *ret)
{
	return bytes_recognise_as(b, len, &(struct source){ .size = 0 }, ret);
}

/* Extents lie in the file, in order, apart, and in whole rows. */
static inline void bytes_check_extents(const struct extents *list,
				       size_t file_len)
{
	uint64_t end = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct extent *e = &list->at[i];

		if (e->off < end || !e->len || e->len > file_len - e->off ||
		    e->len % (e->cols * elem_bytes(e->elem)))
			ck_abort_msg("extent %zu", i);
		end = e->off + e->len;
	}
}

/* These extents and no others. */
static inline void bytes_check_list(const char *label,
				    const struct extents *list,
				    const struct extent *want, size_t n)
{
	ck_assert_msg(list->n == n, "%s: %zu extents", label, list->n);
	for (size_t i = 0; i < n; i++) {
		const struct extent *e = &list->at[i], *w = &want[i];

		if (e->off != w->off || e->len != w->len ||
		    e->elem != w->elem || e->role != w->role ||
		    e->model_layer != w->model_layer || e->cols != w->cols)
			ck_abort_msg("%s: extent %zu: %zu bytes from %zu, "
				     "elem %d role %d layer %d cols %u",
				     label, i, (size_t)e->len, (size_t)e->off,
				     e->elem, e->role, e->model_layer, e->cols);
	}
}
