/*
 * llama.h - llama.cpp's files of every type and shape
 *
 * For make_golden.c: each a content.
 */
#pragma once

#include "codec/codec.h"
#include "tests/golden/plain.h"

/* One stream of a llama.cpp state: K, then V, of two layers of the model. */
static inline void make_stream(struct plain *p, uint32_t type, uint32_t cells)
{
	uint8_t elem = type == 30 ? ELEM_BF16 : type ? ELEM_F16 : ELEM_F32;
	uint32_t cols = 16;

	plain_u32(p, 1); /* streams */
	plain_u32(p, cells);
	for (uint32_t i = 0; i < cells; i++) {
		plain_u32(p, i);
		plain_u32(p, 1);
		plain_u32(p, 0);
	}
	plain_u32(p, 0); /* V is not turned */
	plain_u32(p, 2);
	plain_u64(p, 0);
	for (int i = 0; i < 4; i++) {
		plain_u32(p, type);
		plain_u64(p, cols * elem_bytes(elem));
		plain_sample(p, SAMPLE_NORMAL, elem, cells, cols);
	}
}

static inline void make_sequence(struct plain *p, uint32_t type, uint32_t cells)
{
	plain_bytes(p, "qsgg", 4);
	plain_u32(p, 4);
	plain_u32(p, 2);
	plain_u64(p, 0x123400004321);
	make_stream(p, type, cells);
}

static inline void make_sequence_f16(struct plain *p)
{
	make_sequence(p, 1, 100);
}

static inline void make_sequence_bf16(struct plain *p)
{
	make_sequence(p, 30, 100);
}

static inline void make_sequence_f32(struct plain *p)
{
	make_sequence(p, 0, 40);
}

/* With keys. */
static inline void make_split32(struct plain *p)
{
	make_sequence(p, 0, 80);
}

/* f32 that was f16 or, every other tensor, bf16 once: planes of zeros. */
static inline void make_split32_rounded(struct plain *p)
{
	size_t before = 20, row = 64, cells = 100;

	make_sequence(p, 0, (uint32_t)cells);
	before += 8 + 12 * cells + 16;
	for (size_t i = before; i < p->len; i++) {
		size_t tensor = (i - before) / (12 + row * cells);
		size_t in = (i - before) % (12 + row * cells);

		if (in < 12)
			continue;
		if (in % 4 < 1 + tensor % 2)
			p->at[i] = 0;
		else if (in % 4 == 1 + tensor % 2)
			p->at[i] &= tensor % 2 ? 0xff : 0xe0;
	}
}

/* Small: five sections take five blocks before they hold anything. */
static inline void make_grid_f16(struct plain *p)
{
	make_sequence(p, 1, 40);
}

static inline void make_grid_bf16(struct plain *p)
{
	make_sequence(p, 30, 40);
}

/* Three tiles of each tensor, of which the first is not recent. */
static inline void make_window(struct plain *p)
{
	make_sequence(p, 1, 72);
}

/* Too few rows for keys. */
static inline void make_sequence_short(struct plain *p)
{
	make_sequence(p, 1, 63);
}

/* Attention, then the state of two recurrent layers for one cell. */
static inline void make_hybrid(struct plain *p)
{
	static const uint32_t state[] = { 1, 99, 0, 0, 4 };

	make_sequence(p, 1, 70);
	for (int i = 0; i < 5; i++)
		plain_u32(p, state[i]);
	for (int i = 0; i < 4; i++) {
		plain_u32(p, 0);
		plain_u64(p, i < 2 ? 192 : 1024);
		plain_sample(p, SAMPLE_NORMAL, ELEM_F32, 1, i < 2 ? 48 : 256);
	}
}

static inline void make_session(struct plain *p)
{
	plain_bytes(p, "nsgg", 4);
	plain_u32(p, 11);
	plain_u32(p, 2);
	plain_u64(p, 0x123400004321);
	plain_u32(p, 5);
	plain_bytes(p, "llama", 5);
	make_stream(p, 1, 80);
}

/* f16 with few bits of mantissa: the low bytes are coded, too. */
static inline void make_coarse(struct plain *p)
{
	size_t before;

	plain_bytes(p, "qsgg", 4);
	plain_u32(p, 4);
	plain_u32(p, 2);
	plain_u64(p, 0x123400004321);
	before = p->len;
	make_stream(p, 1, 200);
	for (size_t i = before + 24 + 200 * 12; i < p->len; i++) {
		size_t in = (i - before - 24 - 200 * 12) % (12 + 200 * 32);

		if (in >= 12 && in % 2 == 0)
			p->at[i] &= 0x80;
	}
}

/* NaNs of every kind, infinities, subnormals: bits, not numbers. */
static inline void make_specials_of(struct plain *p, uint32_t type)
{
	uint8_t elem = type ? ELEM_F16 : ELEM_F32;

	plain_bytes(p, "qsgg", 4);
	plain_u32(p, 4);
	plain_u32(p, 0);
	plain_u32(p, 1);
	plain_u32(p, 70);
	for (uint32_t i = 0; i < 70; i++) {
		plain_u32(p, i);
		plain_u32(p, 0);
	}
	plain_u32(p, 0);
	plain_u32(p, 1);
	plain_u64(p, 0);
	plain_u32(p, type);
	plain_u64(p, 16 * elem_bytes(elem));
	plain_sample(p, SAMPLE_SPECIALS, elem, 70, 16);
	plain_u32(p, type);
	plain_u64(p, 16 * elem_bytes(elem));
	plain_sample(p, SAMPLE_RANDOM, elem, 70, 16);
}

static inline void make_specials(struct plain *p)
{
	make_specials_of(p, 1);
}

static inline void make_split32_specials(struct plain *p)
{
	make_specials_of(p, 0);
}
