/* meter.c - how fast this machine fetches and decodes, measured as it does */
#include "fs/store/meter.h"

#include <pthread.h>

#include "codec/mem.h"
#include "fs/store/clock.h"

/* Less says nothing yet; more is halved, so that the past fades. */
#define METER_LEAST_BYTES (16ull << 20)
#define METER_MOST_BYTES  (4ull << 30)

struct gauge {
	pthread_mutex_t lock; /* guards the rest */
	unsigned n_active;
	uint64_t since_ns, busy_ns, bytes;
};

static struct gauge meter_gauges[N_METERS] = {
	[0 ... N_METERS - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER },
};

void meter_begin(unsigned meter)
{
	struct gauge *g = &meter_gauges[meter];
	uint64_t now = clock_ns();
	auto_unlock pthread_mutex_t *held = mutex_lock(&g->lock);

	if (!g->n_active++)
		g->since_ns = now;
}

void meter_end(unsigned meter, uint64_t bytes)
{
	struct gauge *g = &meter_gauges[meter];
	uint64_t now = clock_ns();
	auto_unlock pthread_mutex_t *held = mutex_lock(&g->lock);

	g->bytes += bytes;
	g->n_active--;
	if (now > g->since_ns) {
		g->busy_ns += now - g->since_ns;
		g->since_ns = now;
	}
	if (g->bytes > METER_MOST_BYTES) {
		g->bytes /= 2;
		g->busy_ns /= 2;
	}
}

double meter_rate(unsigned meter)
{
	struct gauge *g = &meter_gauges[meter];
	auto_unlock pthread_mutex_t *held = mutex_lock(&g->lock);

	if (g->bytes < METER_LEAST_BYTES || !g->busy_ns)
		return 0;
	return (double)g->bytes / (double)g->busy_ns * 1e9;
}

/*
 * The rate of a rung, or of the nearest that is known: one never read yet must
 * not look better than it can be.  0: none is known.
 */
static double meter_nearest(unsigned meter, unsigned rung)
{
	for (unsigned far = 0; far < N_RUNGS; far++) {
		double finer =
		    rung + far < N_RUNGS ? meter_rate(meter + rung + far) : 0;
		double coarser =
		    rung >= far ? meter_rate(meter + rung - far) : 0;

		if (finer > 0 || coarser > 0)
			return finer > 0 ? finer : coarser;
	}
	return 0;
}

void meter_world(struct world *w)
{
	double fetch = meter_rate(METER_FETCH);

	if (fetch > 0)
		w->bytes_per_s[TIER_SSD] = fetch;
	for (unsigned k = 0; k < N_RUNGS; k++) {
		double serve = meter_nearest(METER_SERVE, k);
		double decode = meter_nearest(METER_DECODE, k);

		if (serve > 0 || decode > 0)
			w->decode_bytes_per_s[k] = serve > 0 ? serve : decode;
	}
}
