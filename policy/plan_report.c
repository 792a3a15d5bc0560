/* plan_report.c - what a plan knows, for whoever asks: gauge, reasons, sample
 */
#include "policy/plan_state.h"

void plan_gauge(const struct policy_run *run, struct policy_gauge *ret)
{
	const struct plan *p = (const struct plan *)run;

	*ret = (struct policy_gauge){ 0 };
	ledger_gauge(&run->ledger, ret);
	for (int t = 0; t < N_TIERS; t++)
		ret->price[t] = p->prices.tier[t];
	ret->write_price = p->prices.write;
}

void plan_explain(const struct policy_run *run, double now_s,
		  const struct policy_entry *e,
		  struct plan_reason ret[N_OPTIONS])
{
	const struct plan *p = (const struct plan *)run;
	struct view v;

	plan_view(p, now_s, e, e->at.top, &v);
	for (unsigned o = 0; o < N_OPTIONS; o++) {
		struct plan_reason *r = &ret[o];
		double rent = p->prices.write * v.new_bytes[o];

		for (int t = 0; t < N_TIERS; t++) {
			r->bytes[t] = (uint64_t)v.curve.bytes[o][t];
			rent += p->prices.tier[t] * (double)r->bytes[t];
		}
		r->place = curve_place(o);
		r->value_s = (double)v.curve.value_s[o];
		r->worth = v.worth[o];
		r->net = v.worth[o] - rent;
		r->offered = v.curve.offered >> o & 1 &&
			     (v.new_bytes[o] <= 0 ||
			      v.new_bytes[o] <= p->prices.may_write_bytes);
		r->chosen = o == v.now;
	}
}

size_t plan_sample(const struct policy_run *run, double now_s,
		   struct bound_item *items, size_t n,
		   double ret_limit[N_TIERS], double *ret_value)
{
	const struct plan *p = (const struct plan *)run;
	const struct ledger *l = &run->ledger;
	size_t step = n ? (l->n_slots + n - 1) / n : 0, count = 0;
	double used[N_TIERS] = { 0 };

	*ret_value = 0;
	for (size_t i = 0; step && i < l->n_slots; i += step) {
		const struct policy_entry *e = l->entry[i];
		struct bound_item *item = &items[count];

		if (!e)
			continue;
		item->f = plan_rate(run, now_s, e);
		curve_fill(e, &run->world, e->at.top, plan_traits(p),
			   &item->curve);
		unsigned o = curve_option(&e->at);
		*ret_value += item->f * (double)item->curve.value_s[o];
		for (int t = 0; t < N_TIERS; t++)
			used[t] += (double)item->curve.bytes[o][t];
		count++;
	}
	for (int t = 0; t < N_TIERS; t++) {
		double all = (double)l->used_bytes[t];

		if (t == TIER_SSD && !run->world.inclusive)
			all -= (double)l->spare_bytes;
		ret_limit[t] = (double)run->world.limit_bytes[t];
		if (all > 0)
			ret_limit[t] *= used[t] / all;
	}
	return count;
}
