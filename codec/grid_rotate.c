/*
 * grid_rotate.c - means that turn with the position
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_layers.h"

size_t turner_room(const struct grid *g)
{
	return 6 * (g->w * sizeof(int16_t) + KERNEL_SLACK + 64);
}

void turner_scale(struct turner *s, const struct grid *g, const int16_t *m,
		  unsigned shift, int bias)
{
	for (uint32_t c = 0; c < g->w; c++)
		s->row[c] = (int16_t)(m[c] * (1 << shift) + bias);
}

int turner_init(struct turner *s, const struct grid *g, const struct kernels *k,
		const int16_t *m, struct arena *mem)
{
	(void)m;
	memset(s, 0, sizeof(*s));
	s->k = k;
	s->row = arena_take(mem, g->w * sizeof(int16_t) + KERNEL_SLACK);
	return s->row ? 0 : -ENOMEM;
}

const int16_t *turner_row(struct turner *s, uint32_t t)
{
	(void)t;
	return s->row;
}

double rotate_find(struct grid *g, const struct kernels *k, const uint16_t *x,
		   double variance, double *mean, struct arena *mem)
{
	(void)g, (void)k, (void)x, (void)mean, (void)mem;
	return variance;
}
