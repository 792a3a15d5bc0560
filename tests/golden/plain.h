/*
 * plain.h - the plain bytes of one golden file, written from front to end
 */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "codec/mem.h"
#include "tests/unit/sample.h"

struct plain {
	uint8_t at[1 << 19];
	size_t len;
};

static inline void plain_zeros(struct plain *p, size_t len)
{
	if (len > sizeof(p->at) - p->len)
		abort();
	memset(p->at + p->len, 0, len);
	p->len += len;
}

static inline void plain_u32(struct plain *p, uint32_t v)
{
	plain_zeros(p, 4);
	store32(p->at + p->len - 4, v);
}

static inline void plain_u64(struct plain *p, uint64_t v)
{
	plain_zeros(p, 8);
	store64(p->at + p->len - 8, v);
}

static inline void plain_bytes(struct plain *p, const void *src, size_t len)
{
	plain_zeros(p, len);
	memcpy(p->at + p->len - len, src, len);
}

static inline void plain_sample(struct plain *p, enum sample_kind kind,
				uint8_t elem, uint32_t rows, uint32_t cols)
{
	struct shape s = { .elem = elem, .rows = rows, .cols = cols };

	plain_zeros(p, shape_bytes(&s));
	sample_fill(kind, &s, p->at + p->len - shape_bytes(&s));
}
