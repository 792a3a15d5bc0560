/*
 * fuzz_grid.c - any values through the grid codec and back, then damaged
 *
 * Input: u8 bits (0: bf16, 1: first tile, 2: K, 3..5: step, 6: read as they
 * are, 7: shifts, of the values' first bytes), u8 columns less 16, u8 length of
 * the damage, the damage as triples (u16 place, u8 what to flip), then the
 * values.  What is encoded must come back; what is damaged must be refused or
 * decode to anything.  With bit 6 the values are layers instead, cut in five by
 * the damage's first bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"
#include "codec/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FUZZ_HEAD 3u
#define FUZZ_ROWS 67u

struct fuzz {
	struct scratch *ws;
	const uint8_t *damage, *values;
	size_t n_damage, len;
	unsigned bits;
};

/* Each prefix of the layers, from memory that ends where they do. */
static void fuzz_decode(const struct fuzz *f, const struct shape *s,
			const uint8_t *p, const uint32_t *lens)
{
	struct coded_view in = { .n_layers = 0 };
	uint8_t *copy[N_LAYERS];
	auto_free uint8_t *back = malloc(shape_bytes(s));

	for (unsigned l = 0; l < N_LAYERS; l++) {
		copy[l] = malloc(lens[l] + !lens[l]);
		if (!copy[l] || !back)
			abort();
		memcpy(copy[l], p, lens[l]);
		p += lens[l];
		in.layer[l] = copy[l];
		in.len[l] = lens[l];
	}
	for (in.n_layers = 0; in.n_layers <= N_LAYERS; in.n_layers++) {
		int r = grid_decode(s, &in, f->ws, back);

		if (r && r != -EBADMSG)
			abort();
	}
	for (unsigned l = 0; l < N_LAYERS; l++)
		free(copy[l]);
}

static void fuzz_forged(const struct fuzz *f, struct shape *s)
{
	uint32_t lens[N_LAYERS] = { 0 };
	size_t left = f->len;

	s->rows = FUZZ_ROWS;
	for (unsigned l = 0, cut = 0; l < N_LAYERS; l++) {
		if (l == LAYER_WINDOW)
			continue; /* of which the codec has nothing */
		size_t want =
		    cut < f->n_damage ? load16(f->damage + 3 * cut) : left;

		cut++;
		lens[l] = (uint32_t)(want < left ? want : left);
		left -= lens[l];
	}
	fuzz_decode(f, s, f->values, lens);
}

static void fuzz_check(const struct fuzz *f, const struct shape *s,
		       const uint8_t *p, const struct coded *c)
{
	struct coded_view in = { .n_layers = N_LAYERS };
	auto_free uint8_t *back = malloc(shape_bytes(s));

	for (unsigned l = 0; l < N_LAYERS; l++) {
		in.layer[l] = p;
		in.len[l] = c->len[l];
		p += c->len[l];
	}
	if (!back || grid_decode(s, &in, f->ws, back) ||
	    memcmp(back, f->values, shape_bytes(s)))
		abort();
}

static void fuzz_round_trip(const struct fuzz *f, struct shape *s)
{
	size_t cap = 4 * f->len + 65536, total = 0;
	auto_free uint8_t *dst = malloc(cap);
	uint8_t shift[16 + 255];
	struct out out = { .at = dst, .end = dst ? dst + cap : NULL };
	struct coded c;

	s->rows = (uint32_t)(f->len / 2 / s->cols);
	s->step = (float)(f->bits >> 3 & 7) * 0.25f;
	for (uint32_t i = 0; f->bits & 128 && i < s->cols; i++) {
		shift[i] = f->len ? f->values[i % f->len] & 3 : 0;
		s->shift = shift;
	}
	if (!dst || !s->rows || grid_encode(s, f->values, f->ws, &out, &c))
		return;
	fuzz_check(f, s, dst, &c);
	for (unsigned l = 0; l < N_LAYERS; l++)
		total += c.len[l];
	for (size_t i = 0; i < f->n_damage; i++)
		dst[load16(f->damage + 3 * i) % total] ^= f->damage[3 * i + 2];
	fuzz_decode(f, s, dst, c.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct scratch *ws;

	if (len < FUZZ_HEAD || len > 1 << 18 || (!ws && !(ws = scratch_new())))
		return 0;

	struct fuzz f = { .ws = ws, .bits = data[0], .n_damage = data[2] };
	struct shape s = { .elem = data[0] & 1 ? ELEM_BF16 : ELEM_F16,
			   .first_row = data[0] & 2 ? 0 : 7,
			   .role = data[0] & 4 ? ROLE_K : ROLE_V,
			   .cols = 16u + data[1] };

	if ((len - FUZZ_HEAD) / 3 < f.n_damage)
		return 0;
	f.damage = data + FUZZ_HEAD;
	f.values = f.damage + 3 * f.n_damage;
	f.len = len - FUZZ_HEAD - 3 * f.n_damage;
	if (f.bits & 64)
		fuzz_forged(&f, &s);
	else
		fuzz_round_trip(&f, &s);
	return 0;
}
