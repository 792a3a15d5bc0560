/* damage.c - from the error a rung leaves to the quality it costs */
#include "policy/damage.h"

#include <math.h>
#include <stddef.h>

const struct damage DAMAGE_DEFAULT = {
	.k_gain = 0.35,
	.k_power = 1,
	.v_gain = 0.11,
	.v_power = 1,
	.dropped_gain = INFINITY,
	.dropped_power = 1,
	.sensitivity = 1,
};

/* As `adaptcache profile --fit` says of tools/profiles/continue.samples. */
const struct damage DAMAGE_CONTINUE = {
	.k_gain = 0.468,
	.k_power = 1,
	.v_gain = 0.147,
	.v_power = 1,
	.dropped_gain = 0.0813,
	.dropped_power = 1.77,
	.sensitivity = 1,
};

const char *damage_fault(const struct damage *d)
{
	if (!(d->k_gain >= 0 && d->v_gain >= 0) || isinf(d->k_gain) ||
	    isinf(d->v_gain) || !(d->dropped_gain >= 0))
		return "a gain must be 0 or more";
	if (!(d->k_power > 0 && d->v_power > 0 && d->dropped_power > 0))
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

double damage_dropped(const struct damage *d, double share)
{
	return share > 0 ? d->dropped_gain * pow(share, d->dropped_power) : 0;
}

bool damage_drops(const struct damage *d)
{
	return isfinite(d->dropped_gain);
}

double damage_error(const struct damage *d, double nats)
{
	double least = 1e-9, most = 1e9;

	/* The curve only rises; half of the digits of a double are plenty. */
	while (most / least > 1 + 1e-9) {
		double middle = sqrt(least * most);

		if (damage_nats(d, middle, middle) < nats)
			least = middle;
		else
			most = middle;
	}
	return least;
}

float damage_loss(const struct damage *d, double nats)
{
	double loss = d->sensitivity * nats;

	return loss < 1 ? (float)loss : 1;
}
