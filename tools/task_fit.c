/* task_fit.c - a task's curve from copies that a judge has seen */
#include "tools/task_fit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec/line.h"
#include "codec/mem.h"

static bool fit_line(struct line *l, struct task_sample *ret)
{
	return line_number(l, 0, 1e3, &ret->k_error) &&
	       line_number(l, 0, 1e3, &ret->v_error) &&
	       line_number(l, 0, 1, &ret->dropped) &&
	       line_number(l, 1e-9, 1e3, &ret->nats) && line_ends(l);
}

int task_fit_parse(const char *text, size_t len, struct task_sample **ret,
		   size_t *ret_n, struct task_fault *ret_fault)
{
	const char *at = text, *end = text + len;
	uint32_t number = 1;
	size_t n = 0;
	/* The shortest is `0 0 0 1`. */
	auto_free struct task_sample *all = calloc(len / 7 + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (; at < end; number++) {
		struct line l = line_next(&at, end);

		if (line_ends(&l) || *l.at == '#')
			continue;
		if (!fit_line(&l, &all[n])) {
			*ret_fault =
			    (struct task_fault){ number,
						 "not `eK eV DROPPED KLD`" };
			return -EINVAL;
		}
		n++;
	}
	*ret = steal_ptr(&all);
	*ret_n = n;
	return 0;
}

static double fit_nats(const struct damage *d, const struct task_sample *s)
{
	return damage_nats(d, s->k_error, s->v_error);
}

/* The factor of the default curve. */
static const char *fit_errors(const struct task_sample *at, size_t n,
			      struct damage *d)
{
	double sum = 0, used = 0;

	for (const struct task_sample *s = at; s < at + n; s++)
		if (!(s->dropped > 0) && fit_nats(d, s) > 0) {
			sum += log(s->nats / fit_nats(d, s));
			used++;
		}
	if (!(used > 0))
		return "no sample has an error and nothing dropped";
	d->k_gain *= exp(sum / used);
	d->v_gain *= exp(sum / used);
	return NULL;
}

/* The straight line through log share and log of what it adds. */
static const char *fit_dropped(const struct task_sample *at, size_t n,
			       struct damage *d)
{
	double used = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (const struct task_sample *s = at; s < at + n; s++) {
		if (!(s->dropped > 0))
			continue;
		double share = log(s->dropped);
		/* What is left beside a large error tells little. */
		double added = log(fmax(s->nats - fit_nats(d, s), s->nats / 4));

		used++;
		x += share;
		y += added;
		xx += share * share;
		xy += share * added;
	}
	if (!(used > 0))
		return NULL;
	double spread = used * xx - x * x;

	if (!(spread > 1e-9))
		return "all that drop have the same share dropped";
	d->dropped_power = (used * xy - x * y) / spread;
	d->dropped_power = fmin(fmax(d->dropped_power, 0.1), 10);
	d->dropped_gain = exp((y - d->dropped_power * x) / used);
	return NULL;
}

const char *task_fit(const struct task_sample *at, size_t n, struct damage *ret,
		     double *ret_factor)
{
	struct damage d = DAMAGE_DEFAULT;
	const char *lacks = fit_errors(at, n, &d);
	double squares = 0;

	if (!lacks)
		lacks = fit_dropped(at, n, &d);
	if (lacks)
		return lacks;
	for (const struct task_sample *s = at; s < at + n; s++) {
		double said = fit_nats(&d, s) + damage_dropped(&d, s->dropped);
		double off = said > 0 ? log(said / s->nats) : 0;

		squares += off * off;
	}
	*ret = d;
	*ret_factor = exp(sqrt(squares / (double)n));
	return NULL;
}
