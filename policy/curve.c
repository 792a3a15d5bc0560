/* curve.c - what each place would cost an entry, in bytes, time and quality */
#include "policy/curve.h"

#include <math.h>

/*
 * Losses are kept in a byte: 0 is none, x is 2^((x - 255) / 16), 1 down to
 * 1.7e-5.  A step of 4.4 % is far below what a curve per task is good for.
 */
static const double LOSS_STEPS = 16;

static const unsigned SHARE_UNIT = 32768;

static uint8_t curve_pack_loss(float loss)
{
	if (!(loss > 0))
		return 0;

	double x = 255 + LOSS_STEPS * log2(loss);
	return x >= 255 ? 255 : x < 1 ? 1 : (uint8_t)lrint(x);
}

double curve_loss(const struct policy_entry *e, unsigned k)
{
	uint8_t x = e->loss[k];

	return x ? exp2f(((float)x - 255) / (float)LOSS_STEPS) : 0;
}

uint64_t curve_bytes(const struct policy_entry *e, unsigned n_layers)
{
	if (n_layers == 0)
		return 0;
	return (uint64_t)e->raw_bytes * e->share[n_layers - 1] / SHARE_UNIT;
}

void curve_learn(struct policy_entry *e, const struct facts *facts)
{
	double sum = 0;

	e->name = facts->name;
	e->raw_bytes = (float)facts->raw_bytes;
	e->recompute_s = (float)facts->recompute_s;
	e->floor_rung =
	    facts->floor_rung < N_RUNGS ? facts->floor_rung : N_RUNGS - 1;
	e->pin = facts->pin;
	e->priority = facts->priority;
	e->dead = facts->dead;
	for (int k = 0; k < N_RUNGS; k++) {
		sum += (double)facts->layer_bytes[k];

		double share =
		    ceil(sum / (double)facts->raw_bytes * SHARE_UNIT);
		e->share[k] = share < 65535 ? (uint16_t)share : 65535;
		e->loss[k] = curve_pack_loss(facts->loss[k]);
	}
}

struct facts curve_facts(const struct policy_entry *e)
{
	struct facts f = {
		.name = e->name,
		.raw_bytes = (uint64_t)e->raw_bytes,
		.recompute_s = (double)e->recompute_s,
		.floor_rung = e->floor_rung,
		.pin = e->pin,
		.priority = e->priority,
		.dead = e->dead,
	};

	for (unsigned k = 0; k < N_RUNGS; k++) {
		f.layer_bytes[k] = curve_bytes(e, k + 1) - curve_bytes(e, k);
		f.loss[k] = (float)curve_loss(e, k);
	}
	return f;
}

/* By option; curve.h says in which order. */
static const struct place PLACES[N_OPTIONS] = {
	{ 0, 0, 0x00, 0 },
	{ 1, 0, 0x01, 0 },
	{ 1, 1, 0x00, 0 },
	{ 2, 0, 0x03, 0 },
	{ 2, 1, 0x02, 0 },
	{ 2, 2, 0x00, 0 },
	{ 3, 0, 0x07, 0 },
	{ 3, 1, 0x06, 0 },
	{ 3, 2, 0x04, 0 },
	{ 3, 3, 0x00, 0 },
	{ 4, 0, 0x0f, 0 },
	{ 4, 1, 0x0e, 0 },
	{ 4, 2, 0x0c, 0 },
	{ 4, 3, 0x08, 0 },
	{ 4, 4, 0x00, 0 },
	{ 5, 0, 0x1f, 0 },
	{ 5, 1, 0x1e, 0 },
	{ 5, 2, 0x1c, 0 },
	{ 5, 3, 0x18, 0 },
	{ 5, 4, 0x10, 0 },
	{ 5, 5, 0x00, 0 },
	{ 6, 0, 0x3f, 0 },
	{ 6, 1, 0x3e, 0 },
	{ 6, 2, 0x3c, 0 },
	{ 6, 3, 0x38, 0 },
	{ 6, 4, 0x30, 0 },
	{ 6, 5, 0x20, 0 },
	{ 6, 6, 0x00, 0 },
	{ 6, 0, 0x00, 1 << TIER_RAM },
	{ 6, 0, 0x00, 1 << TIER_SSD },
};

/* The first option of `top` layers: 2 + 3 + ... + top before it, and 1. */
static unsigned curve_first(unsigned top)
{
	return top ? top * (top + 1) / 2 : OPT_ABSENT;
}

unsigned curve_option(const struct place *p)
{
	if (p->plain & 1u << TIER_RAM)
		return OPT_PLAIN_RAM;
	if (p->plain & 1u << TIER_SSD)
		return OPT_PLAIN_SSD;
	return curve_first(p->top) + p->ram;
}

struct place curve_place(unsigned option)
{
	return PLACES[option];
}

uint32_t curve_options_of(unsigned top)
{
	uint32_t bits = (1u << curve_first(top + 1)) - (1u << curve_first(top));

	return top == N_RUNGS ? bits | CURVE_PLAIN : bits;
}

static double curve_tier_s(const struct world *w, enum tier t, double bytes)
{
	return bytes > 0 ? bytes / w->bytes_per_s[t] + w->latency_s[t] : 0;
}

/* Delay of rung k when its first `ram` layers come from DRAM. */
static double curve_delay(const struct policy_entry *e, const struct world *w,
			  unsigned ram, unsigned k, uint32_t traits)
{
	double all = (double)curve_bytes(e, k + 1);
	double fast = ram <= k ? (double)curve_bytes(e, ram) : all;
	double ram_s = curve_tier_s(w, TIER_RAM, fast);
	double ssd_s = curve_tier_s(w, TIER_SSD, all - fast);
	double decode_s = traits & CURVE_NO_DECODE
			      ? 0
			      : e->raw_bytes / w->decode_bytes_per_s[k];
	double load_s = ram_s > ssd_s ? ram_s : ssd_s;

	return load_s > decode_s ? load_s : decode_s;
}

/* The rungs that traits leave, a bit each. */
static unsigned curve_rungs(uint32_t traits)
{
	if (traits & CURVE_TWO_RUNGS)
		return 1u << 3 | 1u << 5;
	if (traits & CURVE_THREE_RUNGS)
		return 1u << 2 | 1u << 4 | 1u << 5;
	if (traits & CURVE_ONE_RUNG)
		return 1u << 4;
	return (1u << N_RUNGS) - 1;
}

/* Layers without bytes: the rung, or the part in DRAM, is the one below. */
static unsigned curve_empty(const struct policy_entry *e)
{
	unsigned empty = 0;

	for (unsigned k = 1; k + 1 < N_RUNGS; k++)
		if (e->share[k] == e->share[k - 1])
			empty |= 1u << k;
	return empty;
}

/* The options of `top` layers, each part in DRAM once. */
static uint32_t curve_distinct(unsigned top, unsigned empty)
{
	uint32_t bits = curve_options_of(top);

	for (unsigned ram = 2; ram < top; ram++)
		if (empty >> (ram - 1) & 1)
			bits &= ~(1u << (curve_first(top) + ram));
	return bits;
}

/* Pins take absence away, and the SSD too where the pin is to DRAM. */
uint32_t curve_offered(const struct policy_entry *e, unsigned top,
		       uint32_t traits)
{
	unsigned rungs = curve_rungs(traits) & ~curve_empty(e);
	uint32_t bits = 1u << OPT_ABSENT;

	for (unsigned t = e->floor_rung + 1u; t <= top; t++)
		if (rungs >> (t - 1) & 1)
			bits |= curve_distinct(t, curve_empty(e));
	if (top == N_RUNGS)
		bits |= CURVE_PLAIN;
	if (e->pin != PIN_NONE)
		bits &= ~(1u << OPT_ABSENT);
	if (e->pin == PIN_RAM)
		bits &= CURVE_IN_RAM;
	if (traits & CURVE_NO_PLAIN)
		bits &= ~CURVE_PLAIN;
	if (traits & CURVE_NO_SPLIT)
		bits &= ~CURVE_SPLIT;
	if (traits & CURVE_INCLUSIVE)
		bits &= ~(1u << OPT_PLAIN_SSD);
	return bits;
}

/* What all options of an entry share: per rung, or per count of layers. */
struct curve_terms {
	double bytes[N_RUNGS + 1]; /* of the first layers */
	double ssd_s[N_RUNGS + 1]; /* to load them, latency aside */
	double decode_s[N_RUNGS];
	double lost_s[N_RUNGS]; /* what the loss of quality is worth */
	double ssd_latency_s;
	unsigned rungs;
	bool whole; /* only the finest at hand is read */
};

static void curve_terms(const struct policy_entry *e, const struct world *w,
			uint32_t traits, struct curve_terms *ret)
{
	double raw = (double)e->raw_bytes;
	double slow = 1 / w->bytes_per_s[TIER_SSD];
	bool free_decode = traits & CURVE_NO_DECODE;

	ret->rungs = curve_rungs(traits) & ~((1u << e->floor_rung) - 1);
	ret->whole = traits & CURVE_WHOLE;
	ret->ssd_latency_s = w->latency_s[TIER_SSD];
	ret->bytes[0] = ret->ssd_s[0] = 0;
	for (unsigned k = 0; k < N_RUNGS; k++) {
		ret->bytes[k + 1] = (double)curve_bytes(e, k + 1);
		ret->ssd_s[k + 1] = ret->bytes[k + 1] * slow;
		ret->decode_s[k] =
		    free_decode ? 0 : raw / w->decode_bytes_per_s[k];
		ret->lost_s[k] = w->alpha * curve_loss(e, k);
	}
}

/* Fills the options with `ram` layers in DRAM, best rung so far. */
static void curve_column(const struct policy_entry *e,
			 const struct curve_terms *c, double ram_s,
			 unsigned ram, struct curve *ret)
{
	double least = INFINITY;

	for (unsigned k = 0; k < N_RUNGS; k++) {
		double load_s = ram_s, cost;

		/* Less than `ram` layers read is never the slower part. */
		if (k >= ram) {
			double ssd_s =
			    c->ssd_s[k + 1] - c->ssd_s[ram] + c->ssd_latency_s;
			load_s = load_s > ssd_s ? load_s : ssd_s;
		}
		if (load_s < c->decode_s[k])
			load_s = c->decode_s[k];
		cost = load_s + c->lost_s[k];
		if (c->rungs >> k & 1 && (c->whole || cost < least))
			least = cost;
		if (k + 1 < ram)
			continue;

		unsigned o = curve_first(k + 1) + ram;
		double saved = (double)e->recompute_s - least;
		ret->value_s[o] = saved > 0 ? (float)saved : 0;
		ret->bytes[o][TIER_RAM] = (float)c->bytes[ram];
		ret->bytes[o][TIER_SSD] =
		    (float)(c->bytes[k + 1] - c->bytes[ram]);
	}
}

static void curve_plain(const struct policy_entry *e, const struct world *w,
			enum tier t, struct curve *ret)
{
	unsigned o = t == TIER_RAM ? OPT_PLAIN_RAM : OPT_PLAIN_SSD;
	double load_s = curve_tier_s(w, t, (double)e->raw_bytes);
	double saved = (double)e->recompute_s - load_s;

	ret->value_s[o] = saved > 0 ? (float)saved : 0;
	ret->bytes[o][t] = e->raw_bytes;
	ret->bytes[o][1 - t] = 0;
}

void curve_fill(const struct policy_entry *e, const struct world *w,
		unsigned top, uint32_t traits, struct curve *ret)
{
	struct curve_terms terms;

	curve_terms(e, w, traits, &terms);
	ret->value_s[OPT_ABSENT] = 0;
	ret->bytes[OPT_ABSENT][TIER_RAM] = 0;
	ret->bytes[OPT_ABSENT][TIER_SSD] = 0;
	for (unsigned ram = 0; ram <= N_RUNGS; ram++)
		curve_column(e, &terms,
			     curve_tier_s(w, TIER_RAM, terms.bytes[ram]), ram,
			     ret);
	curve_plain(e, w, TIER_RAM, ret);
	curve_plain(e, w, TIER_SSD, ret);
	for (unsigned o = 0; traits & CURVE_INCLUSIVE && o < N_OPTIONS; o++)
		ret->bytes[o][TIER_SSD] = (float)terms.bytes[PLACES[o].top];
	ret->offered = curve_offered(e, top, traits);
}

static void curve_better(struct reading *best, double *least, unsigned layers,
			 double delay_s, double loss, double alpha)
{
	double cost = delay_s + alpha * loss;

	if (cost >= *least)
		return;
	*least = cost;
	*best = (struct reading){ (uint8_t)layers, delay_s, loss };
}

struct reading curve_read(const struct policy_entry *e, const struct world *w,
			  uint32_t traits)
{
	struct reading best = { .delay_s = e->recompute_s };
	double least = e->recompute_s;

	unsigned packed = e->at.ssd | ((1u << e->at.ram) - 1);
	unsigned rungs = curve_rungs(traits);

	unsigned k = e->floor_rung;
	if (traits & CURVE_WHOLE && e->at.top > k)
		k = e->at.top - 1u;
	for (; k < e->at.top; k++)
		if ((~packed & ((2u << k) - 1)) == 0 && rungs >> k & 1)
			curve_better(&best, &least, k + 1,
				     curve_delay(e, w, e->at.ram, k, 0),
				     curve_loss(e, k), w->alpha);
	for (int t = 0; t < N_TIERS; t++)
		if (e->at.plain >> t & 1)
			curve_better(&best, &least, N_RUNGS,
				     curve_tier_s(w, t, e->raw_bytes), 0,
				     w->alpha);
	return best;
}
