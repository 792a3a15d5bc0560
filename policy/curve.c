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

unsigned curve_option(const struct place *p)
{
	if (p->plain & 1u << TIER_RAM)
		return OPT_PLAIN_RAM;
	if (p->plain & 1u << TIER_SSD)
		return OPT_PLAIN_SSD;
	if (p->top == 0)
		return OPT_ABSENT;
	/* tops below: 2 + 3 + ... + top options, 1 for absent */
	return p->top * (p->top + 1u) / 2 + p->ram;
}

struct place curve_place(unsigned option)
{
	unsigned top = 0;

	if (option == OPT_ABSENT)
		return (struct place){ 0 };
	if (option >= OPT_PLAIN_RAM)
		return (struct place){
			.top = N_RUNGS,
			.plain = option == OPT_PLAIN_RAM ? 1 << TIER_RAM
							 : 1 << TIER_SSD,
		};
	while ((top + 1) * (top + 2) / 2 <= option)
		top++;

	unsigned ram = option - top * (top + 1) / 2;
	return (struct place){
		.top = (uint8_t)top,
		.ram = (uint8_t)ram,
		.ssd = (uint8_t)((1u << top) - (1u << ram)),
	};
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

static bool curve_has_rung(unsigned k, uint32_t traits)
{
	if (traits & CURVE_TWO_RUNGS)
		return k == 2 || k == 4;
	if (traits & CURVE_THREE_RUNGS)
		return k == 1 || k == 3 || k == 4;
	if (traits & CURVE_ONE_RUNG)
		return k == 3;
	return true;
}

/* Pins take absence away, and the SSD too where the pin is to DRAM. */
static bool curve_offers(const struct policy_entry *e, unsigned option,
			 uint32_t traits)
{
	struct place p = curve_place(option);

	if (option == OPT_ABSENT)
		return e->pin == PIN_NONE;
	if (p.plain && (traits & CURVE_NO_PLAIN))
		return false;
	if (e->pin == PIN_RAM && (p.ssd || option == OPT_PLAIN_SSD))
		return false;
	if (p.plain)
		return true;
	if (traits & CURVE_NO_SPLIT && p.ram != 0 && p.ram != p.top)
		return false;
	return curve_has_rung(p.top - 1u, traits);
}

/* Saved seconds of the options (1, ram) to (top, ram), best rung so far. */
static void curve_column(const struct policy_entry *e, const struct world *w,
			 unsigned ram, uint32_t traits, struct curve *ret)
{
	double least = INFINITY;

	for (unsigned top = 1; top <= N_RUNGS; top++) {
		unsigned k = top - 1, o = top * (top + 1) / 2 + ram;

		if (k >= e->floor_rung && curve_has_rung(k, traits)) {
			double cost = curve_delay(e, w, ram, k, traits) +
				      w->alpha * curve_loss(e, k);
			least = cost < least ? cost : least;
		}
		if (ram > top)
			continue;
		double saved = e->recompute_s - least;
		ret->value_s[o] = saved > 0 ? (float)saved : 0;
		ret->bytes[o][TIER_RAM] = (float)curve_bytes(e, ram);
		ret->bytes[o][TIER_SSD] =
		    (float)(curve_bytes(e, top) - curve_bytes(e, ram));
	}
}

static void curve_plain(const struct policy_entry *e, const struct world *w,
			enum tier t, struct curve *ret)
{
	unsigned o = t == TIER_RAM ? OPT_PLAIN_RAM : OPT_PLAIN_SSD;
	double saved = e->recompute_s - curve_tier_s(w, t, e->raw_bytes);

	ret->value_s[o] = saved > 0 ? (float)saved : 0;
	ret->bytes[o][t] = e->raw_bytes;
	ret->bytes[o][1 - t] = 0;
}

void curve_fill(const struct policy_entry *e, const struct world *w,
		unsigned top, uint32_t traits, struct curve *ret)
{
	ret->value_s[OPT_ABSENT] = 0;
	ret->bytes[OPT_ABSENT][TIER_RAM] = 0;
	ret->bytes[OPT_ABSENT][TIER_SSD] = 0;
	for (unsigned ram = 0; ram <= N_RUNGS; ram++)
		curve_column(e, w, ram, traits, ret);
	curve_plain(e, w, TIER_RAM, ret);
	curve_plain(e, w, TIER_SSD, ret);

	ret->offered = 0;
	for (unsigned o = 0; o < N_OPTIONS; o++) {
		struct place p = curve_place(o);
		bool held =
		    p.top <= top && (p.top == 0 || p.top > e->floor_rung);

		if (held && curve_offers(e, o, traits))
			ret->offered |= 1u << o;
	}
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

	for (unsigned k = e->floor_rung; k < e->at.top; k++)
		if ((~packed & ((2u << k) - 1)) == 0 &&
		    curve_has_rung(k, traits))
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
