/* rate.c - what the layers of a container cost, and what each rate loses */
#include "fs/store/rate.h"

#include <math.h>
#include <string.h>

#include "policy/damage.h"

/* Base steps between which the layers of a tile are worth having. */
#define STEP_LEAST 0.25
#define STEP_MOST  2.0

/* A step s leaves a relative error of about s^2 / 12: keep clear of the floor.
 */
#define STEP_MARGIN 0.85

float rate_step(double floor_nats)
{
	double per_error = damage_nats(&DAMAGE_DEFAULT, 1, 1);

	if (!(floor_nats > 0))
		return 0;
	double step = STEP_MARGIN * sqrt(12 * floor_nats / per_error);
	while (step < STEP_LEAST)
		step *= 3; /* refine 1 divides it by that */
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

static double rate_damage(const float error[2])
{
	return damage_nats(&DAMAGE_DEFAULT, (double)error[0], (double)error[1]);
}

void rate_errors(const struct head *h, unsigned n_layers, float ret[2])
{
	float error[1][2];

	rate_errors_of(h, n_layers, n_layers, error);
	memcpy(ret, error[0], sizeof(error[0]));
}

double rate_nats(const struct head *h, unsigned n_layers)
{
	float error[2];

	rate_errors(h, n_layers, error);
	return rate_damage(error);
}

/* The fewest that the floor allows, of `readable` layers and more. */
static unsigned rate_allowed(float error[N_LAYERS][2], unsigned readable,
			     double floor_nats)
{
	unsigned n = readable > 1 ? readable : 1;

	while (n <= N_LAYERS && !(rate_damage(error[n - 1]) <= floor_nats))
		n++;
	return n;
}

unsigned rate_least(const struct head *h, double floor_nats)
{
	float error[N_LAYERS][2];

	rate_errors_of(h, 1, N_LAYERS, error);
	return rate_allowed(error, head_least_layers(h), floor_nats);
}

void rate_facts(const struct head *h, double floor_nats, struct facts *ret)
{
	float error[N_LAYERS][2];
	unsigned readable = head_least_layers(h);

	rate_errors_of(h, 1, N_LAYERS, error);
	unsigned least = rate_allowed(error, readable, floor_nats);
	for (unsigned l = 0; l < N_LAYERS; l++) {
		ret->layer_bytes[l] = h->section[l].len;
		ret->loss[l] =
		    l + 1 >= readable
			? damage_loss(&DAMAGE_DEFAULT, (double)error[l][0],
				      (double)error[l][1])
			: 1;
	}
	ret->layer_bytes[LAYER_HEAD] += head_bytes(h);
	ret->floor_rung =
	    (uint8_t)(least < N_LAYERS ? least - 1 : N_LAYERS - 1);
}
