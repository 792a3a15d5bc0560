/* damage.c - from the error a rung leaves to the quality it costs */
#include "policy/damage.h"

#include <math.h>
#include <stddef.h>

const struct damage DAMAGE_DEFAULT = {
	.k_gain = 0.35,
	.k_power = 1,
	.v_gain = 0.11,
	.v_power = 1,
	.sensitivity = 1,
};

const char *damage_fault(const struct damage *d)
{
	if (!(d->k_gain >= 0 && d->v_gain >= 0) || isinf(d->k_gain) ||
	    isinf(d->v_gain))
		return "a gain must be 0 or more";
	if (!(d->k_power > 0 && d->v_power > 0))
		return "a power must be above 0";
	if (!(d->sensitivity > 0) || isinf(d->sensitivity))
		return "the sensitivity must be above 0";
	return NULL;
}

double damage_nats(const struct damage *d, double k_error, double v_error)
{
	return d->k_gain * pow(k_error, d->k_power) +
	       d->v_gain * pow(v_error, d->v_power);
}

float damage_loss(const struct damage *d, double k_error, double v_error)
{
	double loss = d->sensitivity * damage_nats(d, k_error, v_error);

	return loss < 1 ? (float)loss : 1;
}
