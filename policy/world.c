/* world.c - which settings make sense, and a machine to start from */
#include "policy/world.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

static bool world_positive(double v)
{
	return isfinite(v) && v > 0;
}

static const char *world_device_fault(const struct world *w)
{
	for (int t = 0; t < N_TIERS; t++) {
		if (!world_positive(w->bytes_per_s[t]))
			return "a device's bandwidth must be above 0";
		if (!isfinite(w->latency_s[t]) || w->latency_s[t] < 0)
			return "a device's latency must be 0 or more";
	}
	for (int k = 0; k < N_RUNGS; k++)
		if (!world_positive(w->decode_bytes_per_s[k]))
			return "a decode rate must be above 0";
	return NULL;
}

const char *world_fault(const struct world *w,
			const uint64_t pinned_bytes[N_TIERS])
{
	if (!isfinite(w->alpha) || w->alpha < 0)
		return "alpha must be a number of seconds, 0 or more";
	if (!isfinite(w->ssd_write_bytes_per_s) || w->ssd_write_bytes_per_s < 0)
		return "the SSD write budget must be 0 or more";
	for (int t = 0; t < N_TIERS; t++) {
		if (w->limit_bytes[t] == 0)
			return "a tier's limit must be above 0";
		if (w->limit_bytes[t] < pinned_bytes[t])
			return "a tier's limit is below what is pinned there";
	}
	return world_device_fault(w);
}

struct world world_default(uint64_t ram_bytes, uint64_t ssd_bytes)
{
	struct world w = {
		.limit_bytes = { ram_bytes, ssd_bytes },
		.bytes_per_s = { 20e9, 1e9 },
		.latency_s = { 10e-6, 100e-6 },
		.alpha = 1,
	};

	for (int k = 0; k < N_RUNGS; k++)
		w.decode_bytes_per_s[k] = 24e9;
	return w;
}
