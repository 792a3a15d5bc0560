/*
 * grid_rotate.c - means that turn with the position, as those of K do
 *
 * A rotary embedding turns the pair of channels i of a head at position t by
 * t * theta^(-2 i / dims); so do the means.  cos and sin are made by integer
 * arithmetic alone, the same on every machine: the angle of one step by its
 * series, all others by turning on.  Row 16 a + b is first turned by 16 a,
 * then by b, so that little has to be made for a tile.
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_rotate.h"

__extension__ typedef unsigned __int128 rotate_u128;

#define ROTATE_ONE  ((uint64_t)1 << 62)
#define ROTATE_NEAR 16 /* rows of a group */

static uint64_t rotate_mul(uint64_t a, uint64_t b)
{
	return (uint64_t)((rotate_u128)a * b >> 62);
}

/* cos and sin of w / 2^62, at most 1, times 2^30. */
static struct rotation rotate_angle(uint64_t w)
{
	uint64_t w2 = rotate_mul(w, w);
	uint64_t c = ROTATE_ONE / 479001600, s = ROTATE_ONE / 6227020800u;

	/* 1 - w2/2! + w2^2/4! - ..., from the innermost out */
	c = ROTATE_ONE / 3628800 - rotate_mul(w2, c);
	c = ROTATE_ONE / 40320 - rotate_mul(w2, c);
	c = ROTATE_ONE / 720 - rotate_mul(w2, c);
	c = ROTATE_ONE / 24 - rotate_mul(w2, c);
	c = ROTATE_ONE / 2 - rotate_mul(w2, c);
	c = ROTATE_ONE - rotate_mul(w2, c);
	s = ROTATE_ONE / 39916800 - rotate_mul(w2, s);
	s = ROTATE_ONE / 362880 - rotate_mul(w2, s);
	s = ROTATE_ONE / 5040 - rotate_mul(w2, s);
	s = ROTATE_ONE / 120 - rotate_mul(w2, s);
	s = ROTATE_ONE / 6 - rotate_mul(w2, s);
	s = rotate_mul(w, ROTATE_ONE - rotate_mul(w2, s));
	return (struct rotation){ (int32_t)(c >> 32), (int32_t)(s >> 32) };
}

static struct rotation rotate_by(struct rotation a, struct rotation b)
{
	int64_t c = (int64_t)a.cos * b.cos - (int64_t)a.sin * b.sin;
	int64_t s = (int64_t)a.sin * b.cos + (int64_t)a.cos * b.sin;
	const int64_t half = 1 << 29;

	return (struct rotation){ (int32_t)((c + half) >> 30),
				  (int32_t)((s + half) >> 30) };
}

/* Times 2^15, as the kernels take it. */
static int16_t rotate_short(int32_t v)
{
	int32_t r = (v + (1 << 14)) >> 15;

	return (int16_t)(r > 32767 ? 32767 : r < -32767 ? -32767 : r);
}

void rotation_steps(const struct grid_turn *turn, const uint32_t *pair,
		    uint32_t n, struct rotation *ret)
{
	uint64_t w = ROTATE_ONE;
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		for (; at < pair[i]; at++)
			w = rotate_mul(w, turn->ratio);
		ret[i] = rotate_angle(w);
	}
}

struct rotation rotation_power(struct rotation a, uint32_t n)
{
	struct rotation r = { 1 << 30, 0 };

	for (; n; n >>= 1, a = rotate_by(a, a)) {
		if (n & 1)
			r = rotate_by(r, a);
	}
	return r;
}

/* The two channels of a head that pair i turns. */
static void rotate_pair(uint32_t dims, unsigned pairing, uint32_t i,
			uint32_t *ret_first, uint32_t *ret_second)
{
	*ret_first = pairing == GRID_HALVES ? i : 2 * i;
	*ret_second = pairing == GRID_HALVES ? i + dims / 2 : 2 * i + 1;
}

/* Spreads pair i's rotation to its channels. */
static void rotate_spread(const struct grid *g, uint32_t i, struct rotation r,
			  int16_t *cos, int16_t *sin)
{
	uint32_t dims = grid_turns[g->turn - 1].dims, a, b;

	rotate_pair(dims, g->pairing, i, &a, &b);
	cos[a] = cos[b] = rotate_short(r.cos);
	sin[a] = sin[b] = rotate_short(r.sin);
}

size_t turner_room(const struct grid *g)
{
	return 6 * (2 * g->w + KERNEL_SLACK + 64) +
	       GRID_MAX_DIMS * (4 * ROTATE_NEAR + 4 + 2 * 8) +
	       6 * (KERNEL_SLACK + 64);
}

static int turner_take(struct turner *s, const struct grid *g, uint32_t dims,
		       struct arena *mem)
{
	size_t row = 2 * g->w + KERNEL_SLACK;
	bool ok = true;

	for (int i = 0; i < 3; i++)
		ok &= !!(s->base[i] = arena_take(mem, row));
	for (int i = 0; i < 2; i++)
		ok &= !!(s->group[i] = arena_take(mem, row));
	s->near = arena_take(mem, 4 * ROTATE_NEAR * dims + KERNEL_SLACK);
	s->far = arena_take(mem, 4 * dims + KERNEL_SLACK);
	s->far_now = arena_take(mem, dims / 2 * sizeof(*s->far_now));
	s->far_step = arena_take(mem, dims / 2 * sizeof(*s->far_step));
	return ok && s->near && s->far && s->far_now && s->far_step ? 0
								    : -ENOMEM;
}

/* cos and sin of 0 .. 15 steps, row by row, and the step of 16. */
static void turner_make_near(struct turner *s, const struct grid *g)
{
	const struct grid_turn *turn = &grid_turns[g->turn - 1];

	uint32_t pair[GRID_MAX_DIMS / 2] = { 0 };

	for (uint32_t i = 0; i < turn->dims / 2; i++)
		pair[i] = i;
	rotation_steps(turn, pair, turn->dims / 2, s->far_now);
	for (uint32_t i = 0; i < turn->dims / 2; i++) {
		struct rotation step = s->far_now[i], r = { 1 << 30, 0 };

		for (uint32_t b = 0; b < ROTATE_NEAR; b++) {
			int16_t *at = s->near + 2 * b * turn->dims;

			rotate_spread(g, i, r, at, at + turn->dims);
			r = rotate_by(r, step);
		}
		s->far_step[i] = r;
	}
}

int turner_init(struct turner *s, const struct grid *g, const struct kernels *k,
		struct arena *mem)
{
	memset(s, 0, sizeof(*s));
	s->k = k;
	s->g = g;
	s->row = arena_take(mem, 2 * g->w + KERNEL_SLACK);
	if (!s->row)
		return -ENOMEM;
	if (!g->turn)
		return 0;

	uint32_t dims = grid_turns[g->turn - 1].dims;
	int r = turner_take(s, g, dims, mem);

	if (r)
		return r;
	s->dims = dims;
	turner_make_near(s, g);
	return 0;
}

/* The other of each pair, so that cos * mean + sin * other turns it. */
static void turner_set_means(struct turner *s, const int16_t *m)
{
	const struct grid *g = s->g;

	for (uint32_t head = 0; head < g->w; head += s->dims) {
		for (uint32_t i = 0; i < s->dims / 2; i++) {
			uint32_t a, b;

			rotate_pair(s->dims, g->pairing, i, &a, &b);
			a += head;
			b += head;
			s->base[0][a] = m[a];
			s->base[0][b] = m[b];
			s->base[1][a] = (int16_t)-m[b];
			s->base[1][b] = m[a];
			s->base[2][a] = (int16_t)-m[a];
			s->base[2][b] = (int16_t)-m[b];
		}
	}
}

void turner_start(struct turner *s, const int16_t *m, int shift, int bias)
{
	const struct grid *g = s->g;

	s->shift = shift;
	s->bias = (int16_t)bias;
	if (g->turn) {
		turner_set_means(s, m);
		return;
	}
	for (uint32_t c = 0; c < g->w; c++)
		s->row[c] = (int16_t)(m[c] * (1 << shift) + bias);
}

/* Turns on by 16 rows; t = 0 begins. */
static void turner_next_group(struct turner *s, uint32_t t)
{
	for (uint32_t i = 0; i < s->dims / 2; i++) {
		s->far_now[i] = t ? rotate_by(s->far_now[i], s->far_step[i])
				  : (struct rotation){ 1 << 30, 0 };
		rotate_spread(s->g, i, s->far_now[i], s->far, s->far + s->dims);
	}
}

static struct turn_row turner_near(const struct turner *s, uint32_t t)
{
	const int16_t *cos = s->near + 2 * (t % ROTATE_NEAR) * s->dims;

	return (struct turn_row){
		.w = s->g->w, .dims = s->dims, .cos = cos, .sin = cos + s->dims
	};
}

const int16_t *turner_row(struct turner *s, uint32_t t)
{
	if (!s->g->turn)
		return s->row;
	if (t % ROTATE_NEAR == 0) {
		struct turn_row far = { .w = s->g->w,
					.dims = s->dims,
					.cos = s->far,
					.sin = s->far + s->dims };

		turner_next_group(s, t);
		s->k->turn(&far, s->base[0], s->base[1], s->group[0]);
		s->k->turn(&far, s->base[1], s->base[2], s->group[1]);
	}
	struct turn_row near = turner_near(s, t);

	near.shift = s->shift;
	near.bias = s->bias;
	s->k->turn(&near, s->group[0], s->group[1], s->row);
	return s->row;
}

void turner_angles(struct turner *s, uint32_t t, int16_t *cos, int16_t *sin)
{
	struct turn_row near = turner_near(s, t);
	int16_t *minus_sin = s->group[0];

	near.w = s->dims;
	if (t % ROTATE_NEAR == 0) {
		turner_next_group(s, t);
		for (uint32_t c = 0; c < s->dims; c++)
			minus_sin[c] = (int16_t)-s->far[s->dims + c];
	}
	s->k->turn(&near, s->far, minus_sin, cos);
	s->k->turn(&near, s->far + s->dims, s->far, sin);
}
