/*
 * grid_shift.c - channels whose steps are twice or half as wide as others'
 *
 * What an error in a channel of K costs is the square of what queries have
 * there, which differs between channels far more than between tokens: a
 * model's profile knows it.
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_layers.h"

size_t grid_shift_room(const struct grid *g)
{
	return g->w + 64;
}

static int grid_shift_take(struct grid *g, struct arena *mem)
{
	g->shift = arena_take(mem, g->w);
	if (!g->shift)
		return -ENOMEM;
	memset(g->shift, 0, g->w);
	return 0;
}

static void grid_shift_find_most(struct grid *g)
{
	g->most_shift = 0;
	for (uint32_t c = 0; c < g->cols; c++)
		if (g->shift[c] > g->most_shift)
			g->most_shift = g->shift[c];
}

/* The other column of c's pair. */
static uint32_t grid_shift_partner(const struct grid *g, uint32_t c)
{
	uint32_t dims = grid_turns[g->turn - 1].dims;

	if (g->pairing == GRID_INTERLEAVED)
		return c ^ 1;
	return c % dims < dims / 2 ? c + dims / 2 : c - dims / 2;
}

int grid_shift_set(struct grid *g, const uint8_t *shift, struct arena *mem)
{
	int r = grid_shift_take(g, mem);

	if (r)
		return r;
	for (uint32_t c = 0; c < g->cols; c++) {
		uint8_t other = g->turn ? shift[grid_shift_partner(g, c)] : 255;

		g->shift[c] = shift[c] < other ? shift[c] : other;
	}
	g->k -= SHAPE_SHIFT;
	grid_shift_find_most(g);
	return 0;
}

int grid_shift_parse(struct grid *g, const uint8_t *p, struct arena *mem)
{
	int r = grid_shift_take(g, mem);

	if (r)
		return r;
	for (uint32_t c = 0; c < g->cols; c++)
		g->shift[c] = p[c / 4] >> c % 4 * 2 & 3;
	grid_shift_find_most(g);
	return 0;
}

void grid_shift_write(const struct grid *g, struct out *out)
{
	for (uint32_t c = 0; c < g->cols; c += 4) {
		uint8_t four = 0;

		for (uint32_t i = 0; i < 4 && c + i < g->cols; i++)
			four = (uint8_t)(four | g->shift[c + i] << 2 * i);
		out_put(out, &four, 1);
	}
}

void grid_scales(const struct grid *g, int sign, int half, float *ret)
{
	for (uint32_t c = 0; c < g->w; c++) {
		int k = sign * (grid_k(g, c) - half);
		uint32_t bits = (uint32_t)(k + 127) << 23;

		memcpy(&ret[c], &bits, sizeof(bits));
	}
}
