/* bench_report.c - what was measured, as a table or as JSON */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench.h"
#include "tools/pairs.h"

static int report_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double report_median(const double *s, unsigned n)
{
	double sorted[BENCH_RUNS_MOST];

	memcpy(sorted, s, n * sizeof(*s));
	qsort(sorted, n, sizeof(*sorted), report_order);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Values of each role; [ROLE_NONE] is their sum. */
static void report_values(const struct bench *b, double values[ROLE_V + 1])
{
	memset(values, 0, (ROLE_V + 1) * sizeof(*values));
	for (uint32_t i = 0; i < b->t.head.n_extents; i++) {
		const struct head_extent *e = &b->t.head.extents[i];

		double n = (double)e->len / (double)elem_bytes(e->elem);

		values[e->role] += n;
		values[ROLE_NONE] += n;
	}
}

/* Bits a value, heads and tables shared by all values alike. */
static void report_bits(const struct bench_row *row, const double *values,
			double bits[ROLE_V + 1])
{
	double all = row->shared + row->bytes[ROLE_K] + row->bytes[ROLE_V];

	bits[ROLE_NONE] = 8 * all / values[ROLE_NONE];
	for (unsigned r = ROLE_K; r <= ROLE_V; r++)
		bits[r] = values[r] > 0
			      ? 8 * row->bytes[r] / values[r] +
				    8 * row->shared / values[ROLE_NONE]
			      : 0;
}

struct report_speed {
	double gb_s, of_copy;
};

static struct report_speed report_speed(const struct bench *b, const double *s,
					const struct bench_row *copy)
{
	double median = report_median(s, b->o->runs);
	double copied = report_median(copy->decode_s, b->o->runs);

	return (struct report_speed){ 1e-9 * (double)b->t.len / median,
				      copied / median };
}

static void report_line(const struct bench *b, const struct bench_row *row,
			const struct bench_row *copy, const double *values)
{
	struct report_speed encode = report_speed(b, row->encode_s, copy);
	struct report_speed decode = report_speed(b, row->decode_s, copy);
	double bits[ROLE_V + 1];

	report_bits(row, values, bits);
	printf("%-14s %6.3f %6.3f %6.3f  %8.2g %8.2g", row->name,
	       bits[ROLE_NONE], bits[ROLE_K], bits[ROLE_V], row->error[ROLE_K],
	       row->error[ROLE_V]);
	if (row->untimed)
		printf("  %6s %6s  %6s %6s\n", "-", "-", "-", "-");
	else
		printf("  %6.2f %6.3f  %6.2f %6.3f\n", encode.gb_s,
		       encode.of_copy, decode.gb_s, decode.of_copy);
}

static void report_json_row(const struct bench *b, const struct bench_row *row,
			    const struct bench_row *copy, const double *values)
{
	struct report_speed encode = report_speed(b, row->encode_s, copy);
	struct report_speed decode = report_speed(b, row->decode_s, copy);
	double bits[ROLE_V + 1];

	report_bits(row, values, bits);
	printf("{\"name\": ");
	pairs_json_text(row->name);
	printf(", \"exact\": %s, \"bits\": %.6g, \"bits_k\": %.6g, "
	       "\"bits_v\": %.6g, \"error_k\": %.6g, \"error_v\": %.6g",
	       row->exact ? "true" : "false", bits[ROLE_NONE], bits[ROLE_K],
	       bits[ROLE_V], row->error[ROLE_K], row->error[ROLE_V]);
	if (!row->untimed)
		printf(", \"encode_gb_s\": %.6g, \"encode_of_memcpy\": %.6g, "
		       "\"decode_gb_s\": %.6g, \"decode_of_memcpy\": %.6g",
		       encode.gb_s, encode.of_copy, decode.gb_s,
		       decode.of_copy);
	printf("}");
}

static const char *report_elem(const struct bench *b)
{
	static const char *const names[] = { "u8", "f16", "bf16", "f32" };

	return names[b->t.head.extents[0].elem];
}

static void report_json(const struct bench *b, const char *file,
			const struct bench_row *rows, unsigned n_rows,
			const double *values, bool first)
{
	printf("%s{\"file\": ", first ? "" : ",\n ");
	pairs_json_text(file);
	printf(", \"elem\": \"%s\", \"values\": %.0f, \"tiles\": %u, "
	       "\"runs\": %u, \"rows\": [",
	       report_elem(b), values[ROLE_NONE], b->t.head.n_tiles,
	       b->o->runs);
	for (unsigned i = 0; i < n_rows; i++) {
		printf("%s\n  ", i ? "," : "");
		report_json_row(b, &rows[i], &rows[0], values);
	}
	printf("]}");
}

void bench_report(const struct bench *b, const char *file,
		  const struct bench_row *rows, unsigned n_rows, bool first)
{
	double values[ROLE_V + 1];

	report_values(b, values);
	if (b->o->json) {
		report_json(b, file, rows, n_rows, values, first);
		return;
	}
	printf("%s%s: %.0f values of %s, %u tiles, median of %u runs\n",
	       first ? "" : "\n", file, values[ROLE_NONE], report_elem(b),
	       b->t.head.n_tiles, b->o->runs);
	printf("%-14s %20s  %17s  %13s  %13s\n", "", "bits a value",
	       "relative error", "encode", "decode");
	printf("%-14s %6s %6s %6s  %8s %8s  %6s %6s  %6s %6s\n", "", "all", "K",
	       "V", "K", "V", "GB/s", "x copy", "GB/s", "x copy");
	for (unsigned i = 0; i < n_rows; i++)
		report_line(b, &rows[i], &rows[0], values);
}
