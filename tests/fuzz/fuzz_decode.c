/*
 * fuzz_decode.c - any bytes as a coded tile, and any tile there and back
 *
 * Input: u8 codec id, u8 (elem, and what to do: the high bit), u16 cols, then
 * bytes.  Without the high bit they are what lies on disk, its first fifth
 * the first layer and so on: decoding may refuse, no more.  With it they are
 * the plain tile: what is encoded must come back.
 */
#include <errno.h>
#include <stdlib.h>

#include "codec/mem.h"
#include "codec/scratch.h"
#include "codec/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FUZZ_HEAD 4u

/* A forged tile claims this many rows, the last of a whole one and more. */
#define FUZZ_ROWS 67u

static void fuzz_forged(const struct codec *c, const struct shape *s,
			const uint8_t *data, size_t len, struct scratch *ws)
{
	struct coded_view in = { .n_layers = N_LAYERS };
	auto_free void *dst = malloc(shape_bytes(s));

	if (!dst)
		abort();

	/* Once all of it in the last layer, once spread over all. */
	in.layer[LAYER_EXACT] = data;
	in.len[LAYER_EXACT] = (uint32_t)len;
	c->decode(s, &in, ws, dst);
	for (size_t i = 0; i < N_LAYERS; i++) {
		in.layer[i] = data + len * i / N_LAYERS;
		in.len[i] = (uint32_t)(len / N_LAYERS);
	}
	for (in.n_layers = 0; in.n_layers <= N_LAYERS; in.n_layers++)
		c->decode(s, &in, ws, dst);
}

static void fuzz_round_trip(const struct codec *c, const struct shape *s,
			    const uint8_t *data, struct scratch *ws)
{
	struct coded_view in = { .n_layers = N_LAYERS };
	struct coded coded = { 0 };
	size_t len = shape_bytes(s);
	size_t cap = 2 * len + 4096;
	auto_free uint8_t *dst = malloc(cap);
	auto_free uint8_t *back = malloc(len);

	if (!dst || !back)
		abort();

	int r = c->encode(s, data, ws, dst, cap, &coded);
	const uint8_t *p = dst;

	if (r == -E2BIG)
		return;
	for (size_t i = 0; i < N_LAYERS; i++) {
		in.layer[i] = p;
		in.len[i] = coded.len[i];
		p += coded.len[i];
	}
	if (r < 0 || c->decode(s, &in, ws, back) < 0 || memcmp(data, back, len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct scratch *ws;

	if (len < FUZZ_HEAD || (!ws && !(ws = scratch_new())))
		return 0;

	const struct codec *c = codec_by_id(data[0]);
	struct shape s = { .elem = data[1] & 3, .cols = load16(data + 2) };

	if (s.elem == ELEM_U8)
		s.cols = 1;

	size_t row = s.cols * elem_bytes(s.elem);

	s.rows = FUZZ_ROWS;
	if (data[1] & 0x80 && row)
		s.rows = (uint32_t)((len - FUZZ_HEAD) / row);
	if (!c || !shape_valid(&s))
		return 0;
	if (data[1] & 0x80)
		fuzz_round_trip(c, &s, data + FUZZ_HEAD, ws);
	else
		fuzz_forged(c, &s, data + FUZZ_HEAD, len - FUZZ_HEAD, ws);
	return 0;
}
