/*
 * ref_window.c - StreamingLLM: the first tokens and the last, no others
 *
 * The file keeps its size, so a dropped token must read as something: as its
 * channel's mean over the dropped tokens of its tile of WINDOW_TILE rows, 16
 * bits each, which a model takes nearly as if the token were not there.
 */
#include <string.h>

#include "tools/ref_schemes.h"

#define WINDOW_TILE 256u

static uint32_t window_tail(uint32_t rows, double x)
{
	return (uint32_t)(x * rows + 0.5);
}

static uint32_t window_rows(const struct ref_part *p, uint32_t first)
{
	return p->rows - first < WINDOW_TILE ? p->rows - first : WINDOW_TILE;
}

static void window_encode(const struct ref_part *p, struct ref_code *c)
{
	uint32_t cols = p->m->cols;
	float *mean = c->scale;

	for (uint32_t t = 0; t < p->rows; t += WINDOW_TILE, mean += cols) {
		const float *v = c->v + (size_t)t * cols;
		uint32_t n = window_rows(p, t);

		memset(mean, 0, cols * sizeof(*mean));
		for (uint32_t r = 0; r < n; r++)
			for (uint32_t k = 0; k < cols; k++)
				mean[k] += *v++;
		for (uint32_t k = 0; k < cols; k++)
			mean[k] /= (float)n;
		c->bits += 16 * cols;
	}
}

static void window_decode(const struct ref_part *p, struct ref_code *c)
{
	uint32_t cols = p->m->cols;
	const float *mean = c->scale;

	for (uint32_t t = 0; t < p->rows; t += WINDOW_TILE, mean += cols) {
		float *v = c->v + (size_t)t * cols;

		for (uint32_t r = 0; r < window_rows(p, t); r++, v += cols)
			memcpy(v, mean, cols * sizeof(*v));
	}
}

const struct ref_scheme ref_window = {
	.name = "window",
	.about = "StreamingLLM: the first 4 tokens and a last share X (0.5)",
	.x = 0.5,
	.x_max = 1,
	.sinks = true,
	.tail = window_tail,
	.encode = window_encode,
	.decode = window_decode,
};
