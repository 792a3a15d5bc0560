/* rate.c - what the layers of a container cost, and what each rate loses */
#include "fs/store/rate.h"

#include <math.h>

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

void rate_errors(const struct head *h, unsigned n_layers, float ret[2])
{
	double sum[2] = { 0 }, bytes[2] = { 0 };

	for (uint32_t i = 0; i < h->n_extents; i++) {
		const struct head_extent *e = &h->extents[i];

		if (e->role == ROLE_NONE && !(e->error[n_layers - 1] > 0))
			continue; /* exact for ever */
		for (int v = 0; v < 2; v++) {
			if (e->role == (v ? ROLE_K : ROLE_V))
				continue; /* lost without a role: both */
			sum[v] +=
			    (double)e->error[n_layers - 1] * (double)e->len;
			bytes[v] += (double)e->len;
		}
	}
	for (int v = 0; v < 2; v++)
		ret[v] = bytes[v] > 0 ? (float)(sum[v] / bytes[v]) : 0;
}

double rate_nats(const struct head *h, unsigned n_layers)
{
	float error[2];

	rate_errors(h, n_layers, error);
	return damage_nats(&DAMAGE_DEFAULT, (double)error[0], (double)error[1]);
}

unsigned rate_least(const struct head *h, double floor_nats)
{
	for (unsigned n = 1; n <= N_LAYERS; n++)
		if (head_survives(h, n) && rate_nats(h, n) <= floor_nats)
			return n;
	return N_LAYERS + 1;
}

void rate_facts(const struct head *h, double floor_nats, struct facts *ret)
{
	unsigned least = rate_least(h, floor_nats);

	for (unsigned l = 0; l < N_LAYERS; l++) {
		float error[2];

		rate_errors(h, l + 1, error);
		ret->layer_bytes[l] = h->section[l].len;
		ret->loss[l] =
		    head_survives(h, l + 1)
			? damage_loss(&DAMAGE_DEFAULT, (double)error[0],
				      (double)error[1])
			: 1;
	}
	ret->layer_bytes[LAYER_HEAD] += head_bytes(h);
	ret->floor_rung =
	    (uint8_t)(least < N_LAYERS ? least - 1 : N_LAYERS - 1);
}
