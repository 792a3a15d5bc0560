/* heat.c - how often an entry is wanted, and how that fades */
#include "policy/heat.h"

#include <math.h>

/* Flat from 120 to 1000 s on the traces tried; 3000 s loses a third. */
static const double HORIZON_S = 600;

/* What every cell is taken to have seen besides what it saw. */
static const double PRIOR_HITS = 0.02;
static const double PRIOR_S = 20;

/* What the table starts from, until its own evidence outweighs that. */
static const double START_HITS = 0.1;
static const double START_S = 500;

/* Neighbouring classes of re-used entries share their evidence. */
static const double NEIGHBOUR = 0.2;

static const double COUNT_HALF_LIFE_S = 3600;

static unsigned heat_bin(double age_s)
{
	if (age_s < 1)
		return 0;

	unsigned bin = 1 + (unsigned)(2 * log2(age_s));
	return bin < HEAT_BINS ? bin : HEAT_BINS - 1;
}

/* The age at which a bin begins; that of HEAT_BINS is for ever. */
static double heat_edge(unsigned bin)
{
	if (bin == 0)
		return 0;
	return bin < HEAT_BINS ? exp2((bin - 1) / 2.0) : INFINITY;
}

void heat_init(struct heat *h)
{
	for (int c = 0; c < HEAT_CLASSES; c++) {
		int count = c > HEAT_BURSTS ? c - HEAT_BURSTS : 0;

		for (int i = 0; i < HEAT_BINS; i++) {
			h->hits[c][i] = START_HITS * exp2(count / 2.0);
			h->exposure_s[c][i] = START_S;
		}
	}
	heat_rebuild(h, 1);
}

void heat_expose(struct heat *h, uint8_t class, double from_s, double to_s)
{
	unsigned bin = heat_bin(from_s);

	while (from_s < to_s) {
		double edge_s = heat_edge(bin + 1);
		double end_s = edge_s < to_s ? edge_s : to_s;

		if (end_s > from_s) {
			h->exposure_s[class][bin] += end_s - from_s;
			from_s = end_s;
		}
		bin++;
	}
}

void heat_hit(struct heat *h, uint8_t class, double age_s)
{
	h->hits[class][heat_bin(age_s)] += 1;
}

/* The rate of one cell, its neighbours' evidence included. */
static double heat_cell(const struct heat *h, int c, int i)
{
	double hits = h->hits[c][i], exposure_s = h->exposure_s[c][i];

	for (int n = c - 1; n <= c + 1; n += 2) {
		if (c < HEAT_BURSTS || n < HEAT_BURSTS || n >= HEAT_CLASSES)
			continue;
		hits += NEIGHBOUR * h->hits[n][i];
		exposure_s += NEIGHBOUR * h->exposure_s[n][i];
	}
	return (hits + PRIOR_HITS) / (exposure_s + PRIOR_S);
}

/* Mean of the cells' rates over the horizon from the middle of bin i. */
static double heat_mean(const double *cell, unsigned i)
{
	double from_s = i + 1 < HEAT_BINS
			    ? (heat_edge(i) + heat_edge(i + 1)) / 2
			    : heat_edge(i);
	double end_s = from_s + HORIZON_S, sum = 0;

	while (from_s < end_s) {
		double edge_s = heat_edge(i + 1);
		double to_s = edge_s < end_s ? edge_s : end_s;

		sum += cell[i++] * (to_s - from_s);
		from_s = to_s;
	}
	return sum / HORIZON_S;
}

void heat_rebuild(struct heat *h, double keep)
{
	double cell[HEAT_BINS];

	for (int c = 0; c < HEAT_CLASSES; c++) {
		for (int i = 0; i < HEAT_BINS; i++) {
			h->hits[c][i] *= keep;
			h->exposure_s[c][i] *= keep;
		}
	}
	for (int c = 0; c < HEAT_CLASSES; c++) {
		for (int i = 0; i < HEAT_BINS; i++)
			cell[i] = heat_cell(h, c, i);
		for (unsigned i = 0; i < HEAT_BINS; i++)
			h->rate[c][i] = (float)heat_mean(cell, i);
	}
}

double heat_rate(const struct heat *h, uint8_t class, double age_s)
{
	return h->rate[class][heat_bin(age_s)];
}

double heat_weight(double weight, double age_s)
{
	return 1 + weight * exp2(-age_s / COUNT_HALF_LIFE_S);
}

uint8_t heat_class(double weight)
{
	long c = lrint(2 * log2(weight < 1 ? 1 : weight));

	if (c >= HEAT_COUNTS)
		c = HEAT_COUNTS - 1;
	return (uint8_t)(HEAT_BURSTS + c);
}

uint8_t heat_burst_class(unsigned files, unsigned hits, bool tail)
{
	unsigned size = files < 8 ? 0 : files < 32 ? 1 : files < 96 ? 2 : 3;

	if (tail)
		return HEAT_BURSTS - 1;
	return (uint8_t)(4 * (hits < 3 ? hits : 3) + size);
}
