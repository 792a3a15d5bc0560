/*
 * bytes.h - files written in memory, and read back through a struct source
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "codec/layout/layout.h"
#include "codec/mem.h"

struct bytes {
	uint8_t at[1 << 16];
	size_t len;
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

/* What the first len bytes are taken for: an id, 0 for none. */
static inline uint8_t bytes_recognise(struct bytes *b, size_t len,
				      struct extents *ret)
{
	struct source src = { len, bytes_read, b };
	const struct layout *layout;
	size_t whole = b->len;

	b->len = len;

	int r = layout_recognise(&src, &layout, ret);

	b->len = whole;
	ck_assert_int_eq(r, 0);
	return layout ? layout->id : LAYOUT_NONE;
}
