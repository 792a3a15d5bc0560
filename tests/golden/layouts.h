/*
 * layouts.h - files of clients that say what they are beside their bytes
 *
 * For make_golden.c: each a content, and the facts to recognise it by.
 */
#pragma once

#include "codec/layout/declare.h"
#include "codec/layout/layout.h"
#include "tests/golden/plain.h"

/* A page of SGLang's behind a head: K, then V, of two layers of the model. */
static inline void make_declared(struct plain *p)
{
	plain_bytes(p, "a head of 28 bytes, verbatim", 28);
	for (int i = 0; i < 4; i++)
		plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 16);
}

static const struct declaration declared = {
	.given = DECLARE_TENSOR | DECLARE_HEADER,
	.elem = ELEM_BF16,
	.axes = { .n = 5,
		  .letter = { '2', 'L', 'T', 'H', 'D' },
		  .dim = { 2, 1, 1, 1, 1 } },
	.dims = 0x1e,
	.dim = { [1] = 2, [3] = 2, [4] = 8 },
	.header = 28,
};

static const struct source facts_declared = { .declared = &declared };
