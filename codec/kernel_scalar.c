/*
 * kernel_scalar.c - plain C of the loops over bytes: pairs, digits, codes
 */
#include <string.h>

#include "codec/kernel.h"
#include "codec/mem.h"

static void scalar_pair(const uint8_t *mag, size_t w, uint8_t *dst,
			size_t stride)
{
	for (size_t c = 0; c < w; c++) {
		for (size_t h = 0; h < KERNEL_BAND / 2; h++) {
			unsigned a = mag[2 * h * w + c];
			unsigned b = mag[(2 * h + 1) * w + c];

			a = a > 14 ? 14 : a;
			b = b > 14 ? 14 : b;
			dst[c * stride + h] = (uint8_t)(a | b << 4);
		}
	}
}

static void scalar_unpair(const uint8_t *src, const uint32_t *at, size_t w,
			  uint8_t *mag)
{
	for (size_t c = 0; c < w; c++) {
		for (size_t h = 0; h < KERNEL_BAND / 2; h++) {
			uint8_t pair = src[at[c] + h];

			mag[2 * h * w + c] = pair & 15;
			mag[(2 * h + 1) * w + c] = pair >> 4;
		}
	}
}

static void scalar_count(const uint8_t *pairs, size_t len, uint32_t ret[4])
{
	memset(ret, 0, 4 * sizeof(ret[0]));
	for (size_t i = 0; i < 2 * len; i++) {
		unsigned v = pairs[i / 2] >> 4 * (i % 2) & 15;

		if (v > 2) {
			ret[2]++;
			ret[3] += v;
		} else if (v) {
			ret[v - 1]++;
		}
	}
}

static void scalar_pack3(const uint8_t *d, size_t plane, uint8_t *dst)
{
	for (size_t i = 0; i < plane; i++) {
		unsigned v = 0;

		for (size_t p = 0; p < 5; p++)
			v = 3 * v + d[p * plane + i];
		dst[i] = (uint8_t)((256 * v + 242) / 243);
	}
}

static void scalar_pack4(const uint8_t *d, size_t plane, uint8_t *dst)
{
	for (size_t i = 0; i < plane; i++) {
		dst[i] =
		    (uint8_t)(d[i] | d[plane + i] << 2 | d[2 * plane + i] << 4 |
			      d[3 * plane + i] << 6);
	}
}

static void scalar_unpack3(const uint8_t *src, size_t plane, unsigned times,
			   uint8_t *dst)
{
	for (size_t i = 0; i < plane; i++) {
		unsigned v = src[i];

		for (size_t p = 0; p < 5; p++) {
			uint8_t *to = dst + p * plane + i;

			v *= 3;
			*to = (uint8_t)(*to * times + (v >> 8));
			v &= 255;
		}
	}
}

static void scalar_unpack4(const uint8_t *src, size_t plane, unsigned times,
			   uint8_t *dst)
{
	for (size_t i = 0; i < plane; i++) {
		for (size_t p = 0; p < 4; p++) {
			uint8_t *to = dst + p * plane + i;

			*to = (uint8_t)(*to * times + (src[i] >> 2 * p & 3));
		}
	}
}

static void scalar_prefix_lane(const struct prefix_decoder *code,
			       const struct lane *lane)
{
	size_t at = 0, end = 8 * lane->len, i = 0;

	while (i < lane->n) {
		const uint8_t *p = lane->src + at / 8;
		uint64_t e =
		    code->at[load32(p) >> at % 8 & ((1 << PREFIX_BITS) - 1)];

		store32(lane->dst + i, (uint32_t)e);
		i += e >> 40;
		at += e >> 32 & 255;
		if (at > end)
			at = end;
	}
}

static void scalar_prefix_decode(const struct prefix_decoder *code,
				 const struct lane lane[4])
{
	for (unsigned l = 0; l < 4; l++)
		scalar_prefix_lane(code, &lane[l]);
}

static int scalar_mulhrs(int a, int b)
{
	return ((a * b >> 14) + 1) >> 1;
}

static void scalar_turn(const struct turn_row *s, const int16_t *a,
			const int16_t *b, int16_t *dst)
{
	for (size_t c = 0; c < s->w; c++) {
		size_t i = c % s->dims;

		int m = scalar_mulhrs(a[c], s->cos[i]) +
			scalar_mulhrs(b[c], s->sin[i]);

		dst[c] = (int16_t)((m * (1 << s->shift)) + s->bias);
	}
}

void kernels_fill_scalar(struct kernels *k)
{
	k->pair = scalar_pair;
	k->unpair = scalar_unpair;
	k->count = scalar_count;
	k->pack3 = scalar_pack3;
	k->pack4 = scalar_pack4;
	k->unpack3 = scalar_unpack3;
	k->unpack4 = scalar_unpack4;
	k->prefix_decode = scalar_prefix_decode;
	k->turn = scalar_turn;
	kernels_fill_scalar_rows(k);
}
