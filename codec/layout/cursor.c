/* cursor.c - reads a source in order, with an error that sticks */
#include "codec/layout/cursor.h"

#include <errno.h>

#include "codec/mem.h"

void cursor_init(struct cursor *c, const struct source *src)
{
	c->src = src;
	c->pos = 0;
	c->err = 0;
	c->buf_off = 0;
	c->buf_len = 0;
}

void cursor_rewind(struct cursor *c, uint64_t pos)
{
	c->pos = pos;
	c->err = 0;
}

void cursor_fail(struct cursor *c)
{
	if (!c->err)
		c->err = -ENOENT;
}

/* The next len bytes, len <= 8; NULL when there are none. */
static const uint8_t *cursor_take(struct cursor *c, size_t len)
{
	if (!c->err && cursor_left(c) < len)
		c->err = -ENOENT;
	if (c->err)
		return NULL;

	if (c->pos < c->buf_off || c->pos + len > c->buf_off + c->buf_len) {
		size_t want = sizeof(c->buf);

		if (want > cursor_left(c))
			want = (size_t)cursor_left(c);
		c->buf_len = 0;
		c->err = c->src->read(c->src->ctx, c->pos, c->buf, want);
		if (c->err)
			return NULL;
		c->buf_off = c->pos;
		c->buf_len = want;
	}

	const uint8_t *p = c->buf + (c->pos - c->buf_off);

	c->pos += len;
	return p;
}

uint32_t cursor_u32(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, sizeof(uint32_t));

	return p ? load32(p) : 0;
}

uint64_t cursor_u64(struct cursor *c)
{
	const uint8_t *p = cursor_take(c, sizeof(uint64_t));

	return p ? load64(p) : 0;
}

void cursor_skip(struct cursor *c, uint64_t n, uint64_t size)
{
	uint64_t len;

	if (__builtin_mul_overflow(n, size, &len) || len > cursor_left(c))
		cursor_fail(c);
	if (!c->err)
		c->pos += len;
}
