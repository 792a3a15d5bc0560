/* rate.c - what the layers of a container cost, and what each rate loses */
#include "fs/store/rate.h"

#include <math.h>
#include <string.h>

#include "codec/tile.h"

/* Base steps between which the layers of a tile are worth having. */
#define STEP_LEAST 0.25
#define STEP_MOST  2.0

/* A step s leaves a relative error of about s^2 / 12: keep clear of the floor.
 */
#define STEP_MARGIN 0.85

/* The step that leaves the error which does so much damage. */
static double rate_step_of(const struct damage *d, double nats)
{
	return nats > 0 ? STEP_MARGIN * sqrt(12 * damage_error(d, nats)) : 0;
}

float rate_step(const struct damage *d, double floor_nats)
{
	double step = rate_step_of(d, floor_nats);

	while (step > 0 && step < STEP_LEAST)
		step *= 3; /* refine 1 divides it by that */
	return (float)(step < STEP_MOST ? step : STEP_MOST);
}

float rate_window_step(const struct damage *d, double floor_nats, double share)
{
	double kept = floor_nats - damage_dropped(d, share);
	double step = share > 0 ? rate_step_of(d, kept) : 0;

	if (step < STEP_LEAST)
		return 0; /* finer than a base should be */
	return (float)(step < STEP_MOST ? step : STEP_MOST);
}

/* Of one rate, weighed by bytes: of K, of V. */
struct sums {
	double error[2], bytes[2];
};

static void rate_add(const struct head_extent *e, unsigned n_layers,
		     struct sums *s)
{
	double error = (double)e->error[n_layers - 1];

	if (e->role == ROLE_NONE && !(error > 0))
		return; /* exact for ever */
	for (int v = 0; v < 2; v++) {
		if (e->role == (v ? ROLE_K : ROLE_V))
			continue; /* lost without a role: both */
		s->error[v] += error * (double)e->len;
		s->bytes[v] += (double)e->len;
	}
}

/* Errors of the rates of first to last layers, in one pass. */
static void rate_errors_of(const struct head *h, unsigned first, unsigned last,
			   float ret[][2])
{
	struct sums s[N_LAYERS] = { 0 };

	for (uint32_t i = 0; i < h->n_extents; i++)
		for (unsigned n = first; n <= last; n++)
			rate_add(&h->extents[i], n, &s[n - first]);
	for (unsigned k = 0; k <= last - first; k++)
		for (int v = 0; v < 2; v++)
			ret[k][v] = s[k].bytes[v] > 0
					? (float)(s[k].error[v] / s[k].bytes[v])
					: 0;
}

void rate_errors(const struct head *h, unsigned n_layers, float ret[2])
{
	float error[1][2];

	rate_errors_of(h, n_layers, n_layers, error);
	memcpy(ret, error[0], sizeof(error[0]));
}

/* The share of the tokens that the window does without, by their bytes. */
static double rate_dropped(const struct head *h)
{
	double all = 0, dropped = 0;

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		const struct head_tile *tile = &h->tiles[t];
		struct shape shape = head_shape(h, t);
		double bytes = (double)shape_bytes(&shape);
		bool drops = tile_drops(tile->codec, tile->len);

		if (drops)
			dropped += bytes;
		if (drops || shape.role != ROLE_NONE)
			all += bytes;
	}
	return dropped > 0 ? dropped / all : 0;
}

/* Damage of every rate, in one pass over extents and one over tiles. */
static void rate_nats_of_all(const struct damage *d, const struct head *h,
			     double ret[N_LAYERS])
{
	float error[N_LAYERS][2];

	rate_errors_of(h, 1, N_LAYERS, error);
	for (unsigned l = 0; l < N_LAYERS; l++)
		ret[l] =
		    damage_nats(d, (double)error[l][0], (double)error[l][1]);
	/* What is kept is at its base, and what is dropped has its own price.
	 */
	if (h->section[LAYER_WINDOW].len)
		ret[LAYER_WINDOW] =
		    ret[LAYER_BASE] + damage_dropped(d, rate_dropped(h));
}

double rate_nats(const struct damage *d, const struct head *h,
		 unsigned n_layers)
{
	double nats[N_LAYERS];

	rate_nats_of_all(d, h, nats);
	return nats[n_layers - 1];
}

void rate_lost(const struct damage *d, const struct head *h, unsigned n_layers,
	       float ret[2])
{
	rate_errors(h, n_layers, ret);
	if (n_layers == LAYER_WINDOW + 1)
		ret[0] = ret[1] =
		    (float)damage_error(d, rate_nats(d, h, n_layers));
}

/* The fewest that the floor allows, of `readable` layers and more. */
static unsigned rate_allowed(const double nats[N_LAYERS], unsigned readable,
			     double floor_nats)
{
	unsigned n = N_LAYERS + 1;

	while (n > 1 && n > readable && nats[n - 2] <= floor_nats)
		n--;
	return n;
}

unsigned rate_least(const struct damage *d, const struct head *h,
		    double floor_nats)
{
	double nats[N_LAYERS];

	rate_nats_of_all(d, h, nats);
	return rate_allowed(nats, head_least_layers(h), floor_nats);
}

void rate_facts(const struct damage *d, const struct head *h, double floor_nats,
		struct facts *ret)
{
	double nats[N_LAYERS];
	unsigned readable = head_least_layers(h);

	rate_nats_of_all(d, h, nats);
	unsigned least = rate_allowed(nats, readable, floor_nats);
	for (unsigned l = 0; l < N_LAYERS; l++) {
		ret->layer_bytes[l] = h->section[l].len;
		ret->loss[l] = l + 1 >= readable ? damage_loss(d, nats[l]) : 1;
	}
	ret->layer_bytes[LAYER_HEAD] += head_bytes(h);
	ret->floor_rung =
	    (uint8_t)(least < N_LAYERS ? least - 1 : N_LAYERS - 1);
}
