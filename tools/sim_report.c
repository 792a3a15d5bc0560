/* sim_report.c - results of simulations as a table, as JSON, as a picture */
#include "tools/sim_report.h"

#include <math.h>
#include <string.h>

void sim_print_table(FILE *f, const struct sim_result *results, size_t n)
{
	fprintf(f,
		"%-16s %8s %9s %9s %9s %8s %9s %5s %5s %5s %5s %8s %8s %7s "
		"%9s\n",
		"policy", "alpha", "delay ms", "p50", "p99", "quality",
		"cost ms", "ram%", "ssd%", "slow%", "miss%", "SSD w GB/s",
		"r GB/s", "of LP%", "dec/s");
	for (size_t i = 0; i < n; i++) {
		const struct sim_result *r = &results[i];
		double span = r->span_s > 0 ? r->span_s : 1;
		double cpu = r->cpu_s > 0 ? r->cpu_s : 1;

		fprintf(f,
			"%-16s %8.4g %9.2f %9.2f %9.2f %8.4f %9.2f %5.1f "
			"%5.1f %5.1f %5.1f %8.3f %8.3f %7.2f %9.0f\n",
			r->name, r->alpha, 1e3 * r->delay_s, 1e3 * r->p50_s,
			1e3 * r->p99_s, r->quality, 1e3 * r->cost_s,
			100 * r->ram_share, 100 * r->ssd_share,
			100 * r->slow_share, 100 * r->miss_share,
			r->ssd_written_bytes / span / 1e9,
			r->ssd_read_bytes / span / 1e9, 100 * r->reached_mean,
			(double)r->n_decisions / cpu);
	}
}

void sim_print_json(FILE *f, const struct sim_result *results, size_t n)
{
	fprintf(f, "[");
	for (size_t i = 0; i < n; i++) {
		const struct sim_result *r = &results[i];

		fprintf(f,
			"%s\n {\"policy\": \"%s\", \"alpha\": %.6g, "
			"\"references\": %llu, \"delay_s\": %.8g, "
			"\"p50_s\": %.6g, \"p99_s\": %.6g, "
			"\"quality\": %.8g, \"cost_s\": %.8g,\n"
			"  \"ram_share\": %.5f, \"ssd_share\": %.5f, "
			"\"slow_share\": %.5f, \"miss_share\": %.5f,\n"
			"  \"ssd_written_bytes\": %.0f, "
			"\"ssd_read_bytes\": %.0f, "
			"\"most_written_in_600_s\": %.0f, \"span_s\": %.3f,\n"
			"  \"reached_mean\": %.6f, \"reached_least\": %.6f, "
			"\"decisions\": %llu, \"cpu_s\": %.3f}",
			i ? "," : "", r->name, r->alpha,
			(unsigned long long)r->n_counted, r->delay_s, r->p50_s,
			r->p99_s, r->quality, r->cost_s, r->ram_share,
			r->ssd_share, r->slow_share, r->miss_share,
			r->ssd_written_bytes, r->ssd_read_bytes,
			r->most_written_bytes, r->span_s, r->reached_mean,
			r->reached_least, (unsigned long long)r->n_decisions,
			r->cpu_s);
	}
	fprintf(f, "\n]\n");
}

/* The picture: margins and size in pixels. */
enum { LEFT = 70, TOP = 30, WIDE = 560, HIGH = 400 };

struct frame {
	double least_q, most_q;     /* quality, across */
	double least_log, most_log; /* log10 of ms, upwards */
};

static double plot_log_ms(const struct sim_result *r)
{
	return log10(fmax(1e-3, 1e3 * r->delay_s));
}

static double plot_x(const struct frame *a, double quality)
{
	return LEFT + WIDE * (quality - a->least_q) / (a->most_q - a->least_q);
}

static double plot_y(const struct frame *a, double log_ms)
{
	double up = (log_ms - a->least_log) / (a->most_log - a->least_log);

	return TOP + HIGH * (1 - up);
}

static struct frame plot_frame(const struct sim_result *results, size_t n)
{
	struct frame a = { 1, 1, INFINITY, -INFINITY };

	for (size_t i = 0; i < n; i++) {
		a.least_q = fmin(a.least_q, results[i].quality);
		a.least_log = fmin(a.least_log, plot_log_ms(&results[i]));
		a.most_log = fmax(a.most_log, plot_log_ms(&results[i]));
	}
	a.least_q = floor(a.least_q * 20) / 20 - 0.005;
	a.most_q = 1.005;
	a.least_log = n ? floor(a.least_log * 4) / 4 : 0;
	a.most_log = n ? floor(a.most_log * 4) / 4 + 0.25 : 1;
	return a;
}

static void plot_axes(FILE *f, const struct frame *a)
{
	fprintf(f,
		"<rect x='%d' y='%d' width='%d' height='%d' fill='none' "
		"stroke='#888'/>\n",
		LEFT, TOP, WIDE, HIGH);
	for (int i = 0; i <= 4; i++) {
		double q = a->least_q + (a->most_q - a->least_q) * i / 4;
		double l = a->least_log + (a->most_log - a->least_log) * i / 4;

		fprintf(f,
			"<text x='%.0f' y='%d' text-anchor='middle'>%.3f"
			"</text>\n",
			plot_x(a, q), TOP + HIGH + 18, q);
		fprintf(f,
			"<text x='%d' y='%.0f' text-anchor='end'>%.3g"
			"</text>\n",
			LEFT - 6, plot_y(a, l) + 4, pow(10, l));
	}
	fprintf(f, "<text x='%d' y='%d'>mean quality</text>\n",
		LEFT + WIDE / 2 - 40, TOP + HIGH + 36);
	fprintf(f, "<text x='6' y='18'>mean load delay, ms (log)</text>\n");
}

/* One policy's points, joined; results of one policy stand together. */
static size_t plot_line(FILE *f, const struct frame *a,
			const struct sim_result *r, size_t n, unsigned colour)
{
	unsigned hue = colour * 47 % 360;
	size_t len = 1;

	while (len < n && strcmp(r[len].name, r[0].name) == 0)
		len++;
	fprintf(f, "<polyline fill='none' stroke='hsl(%u,70%%,40%%)' points='",
		hue);
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%.1f,%.1f ", plot_x(a, r[i].quality),
			plot_y(a, plot_log_ms(&r[i])));
	fprintf(f, "'/>\n");
	for (size_t i = 0; i < len; i++)
		fprintf(f,
			"<circle cx='%.1f' cy='%.1f' r='3' "
			"fill='hsl(%u,70%%,40%%)'/>\n",
			plot_x(a, r[i].quality), plot_y(a, plot_log_ms(&r[i])),
			hue);
	fprintf(f, "<text x='%d' y='%u' fill='hsl(%u,70%%,40%%)'>%s</text>\n",
		LEFT + WIDE + 12, TOP + 12 + 16 * colour, hue, r[0].name);
	return len;
}

void sim_print_plot(FILE *f, const struct sim_result *results, size_t n)
{
	struct frame a = plot_frame(results, n);
	unsigned colour = 0;

	fprintf(f,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%d' "
		"height='%d' font-family='sans-serif' font-size='12'>\n"
		"<rect width='100%%' height='100%%' fill='white'/>\n",
		LEFT + WIDE + 170, TOP + HIGH + 50);
	plot_axes(f, &a);
	for (size_t i = 0; i < n;)
		i += plot_line(f, &a, results + i, n - i, colour++);
	fprintf(f, "</svg>\n");
}
