/*
 * grid_prefix.c - lanes of prefix-coded pairs, written and found again
 */
#include "codec/grid_prefix.h"

#include <string.h>

#include "codec/mem.h"

static unsigned prefix_length(unsigned table, unsigned pair)
{
	char c = grid_lengths[table][pair >> 4][pair & 15];

	if (c == '.')
		return 0;
	return (unsigned)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

static unsigned prefix_reversed(unsigned code, unsigned n)
{
	unsigned r = 0;

	for (unsigned i = 0; i < n; i++)
		r |= (code >> i & 1) << (n - 1 - i);
	return r;
}

/* The coded pair nearest to a rare one, the larger nibble being lowered. */
static uint8_t prefix_stand_in(unsigned table, unsigned pair)
{
	while (!prefix_length(table, pair))
		pair -= (pair & 15) >= pair >> 4 ? 1 : 16;
	return (uint8_t)pair;
}

static void prefix_init_encoder(unsigned table, struct prefix_encoder *ret)
{
	unsigned code = 0;

	for (unsigned n = 1; n <= PREFIX_BITS; n++) {
		for (unsigned pair = 0; pair < 256; pair++) {
			if (prefix_length(table, pair) != n)
				continue;
			ret->at[pair] = prefix_reversed(code++, n) << 8 | n;
		}
		code <<= 1;
	}
	for (unsigned pair = 0; pair < 256; pair++) {
		ret->stand_in[pair] = prefix_stand_in(table, pair);
		if (ret->stand_in[pair] != pair)
			ret->at[pair] =
			    ret->at[ret->stand_in[pair]] | PREFIX_RARE;
	}
}

/* The pair whose code begins bits, and the length of the code. */
static unsigned prefix_first(const uint16_t *by_bits, unsigned bits,
			     unsigned *ret_n)
{
	*ret_n = by_bits[bits] >> 8;
	return by_bits[bits] & 255;
}

static void prefix_init_decoder(const struct prefix_encoder *code,
				struct prefix_decoder *ret)
{
	uint16_t by_bits[1 << PREFIX_BITS];

	for (unsigned pair = 0; pair < 256; pair++) {
		unsigned n = prefix_bits(code->at[pair]);

		if (code->at[pair] & PREFIX_RARE)
			continue;
		for (unsigned i = 0; i < 1u << (PREFIX_BITS - n); i++)
			by_bits[code->at[pair] >> 8 | i << n] =
			    (uint16_t)(pair | n << 8);
	}
	for (unsigned bits = 0; bits < 1 << PREFIX_BITS; bits++) {
		uint64_t pairs = 0, count = 0;
		unsigned used = 0, n;

		while (count < 4) {
			uint64_t pair = prefix_first(by_bits, bits >> used, &n);

			if (used + n > PREFIX_BITS)
				break;
			pairs |= pair << 8 * count++;
			used += n;
		}
		ret->at[bits] = pairs | (uint64_t)used << 32 | count << 40;
	}
}

void grid_codes_init(struct grid_codes *ret)
{
	for (unsigned t = 0; t < GRID_CODES; t++) {
		prefix_init_encoder(t, &ret->encoder[t]);
		prefix_init_decoder(&ret->encoder[t], &ret->decoder[t]);
	}
}

/* Writes what acc has, n bits, all but the last few for good. */
kernel_inline void prefix_flush(struct bit_writer *b, uint64_t acc, unsigned n)
{
	store64(b->dst, acc);
	b->dst += n / 8;
	b->acc = acc >> (n & ~7u);
	b->n = n % 8;
}

uint32_t prefix_put(const struct prefix_encoder *code, const uint8_t *pairs,
		    size_t n, struct bit_writer *b)
{
	uint32_t all = 0;
	size_t i = 0;

	struct bit_writer at = *b;

	for (; i + 4 <= n; i += 4) {
		uint64_t acc = at.acc, shift = at.n;

#pragma GCC unroll 4
		for (size_t l = 0; l < 4; l++) {
			uint32_t e = code->at[pairs[i + l]];

			all |= e;
			acc |= (uint64_t)(e >> 8) << (shift & 63);
			shift += e;
		}
		prefix_flush(&at, acc, shift & 63);
	}
	for (; i < n; i++) {
		uint32_t e = code->at[pairs[i]];

		all |= e;
		prefix_flush(&at, at.acc | (uint64_t)(e >> 8) << at.n,
			     at.n + prefix_bits(e));
	}
	*b = at;
	return all;
}

void escapes_add(struct grid_escapes *list, uint32_t at, uint32_t value)
{
	if (list->n < list->cap)
		list->at[list->n] = (struct grid_escape){ at, value };
	list->n++;
}

size_t lanes_parse(const uint8_t *p, const uint8_t *src, size_t avail,
		   struct lane lane[4])
{
	size_t sum = 0;

	for (unsigned l = 0; l < 4; l++) {
		lane[l].src = src + sum;
		lane[l].len = load32(p + 4 * l);
		if (lane[l].len > avail - sum)
			return SIZE_MAX;
		sum += lane[l].len;
	}
	return sum;
}

void out_put(struct out *out, const void *src, size_t len)
{
	if (len > (size_t)(out->end - out->at)) {
		out->full = true;
		return;
	}
	if (len)
		memcpy(out->at, src, len);
	out->at += len;
}
