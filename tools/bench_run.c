/* bench_run.c - measures files: repetition by repetition, every row in each */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "codec/mem.h"
#include "codec/scratch.h"
#include "tools/bench.h"

/* Larger than any cache: what is decoded goes to memory. */
#define RUN_ARRAY_BYTES (128u << 20)

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool bench_wide(const struct bench *b)
{
	return b->t.head.extents[0].elem == ELEM_F32;
}

int bench_error(struct bench *b, struct bench_row *row)
{
	unsigned n[ROLE_V + 1] = { 0 };

	for (uint32_t i = 0; i < b->t.head.n_extents; i++) {
		struct ref_matrix m;
		double error;

		if (!tensors_matrix(&b->t, i, &m))
			continue;
		int r = tensors_error(&m, b->dst + b->t.head.extents[i].off,
				      &error);
		if (r < 0)
			return r;
		row->error[m.role] += error;
		n[m.role]++;
	}
	for (unsigned r = ROLE_K; r <= ROLE_V; r++)
		row->error[r] /= n[r] ? n[r] : 1;
	return 0;
}

static int run_begin(struct bench *b, const char *path)
{
	int r = tensors_load(&b->t, path);

	if (r == 0)
		r = tensors_only(&b->t);
	if (r < 0)
		return r;
	b->array_len = 2 * b->t.len;
	if (b->array_len < RUN_ARRAY_BYTES)
		b->array_len = RUN_ARRAY_BYTES;
	b->coded_cap = b->t.len + BENCH_SLACK;
	b->array = malloc(b->array_len);
	b->coded = malloc(b->coded_cap);
	b->tile = calloc(b->t.head.n_tiles, sizeof(*b->tile));
	b->ws = scratch_new();
	if (!b->array || !b->coded || !b->tile || !b->ws ||
	    !scratch_cctx(b->ws) || !scratch_dctx(b->ws))
		return -ENOMEM;
	/* The pages shall be there. */
	memset(b->array, 1, b->array_len);
	memset(b->coded, 1, b->coded_cap);
	return 0;
}

static void run_done(struct bench *b)
{
	tensors_done(&b->t);
	scratch_free(b->ws);
	free(b->array);
	free(b->coded);
	free(b->tile);
}

/* One line on a terminal that is written over; name NULL: it goes. */
static void run_progress(const struct bench *b, unsigned run, const char *name)
{
	if (!isatty(STDERR_FILENO))
		return;
	if (name)
		fprintf(stderr, "\rrun %u of %u: %-24s", run + 1, b->o->runs,
			name);
	else
		fprintf(stderr, "\r%50s\r", "");
}

/* Every method in turn; each writes where the last did not. */
static int run_all(struct bench *b, const struct bench_method *m,
		   unsigned n_methods, struct bench_row *rows, unsigned run)
{
	size_t places = b->array_len / b->t.len, place = run;
	struct bench_row *row = rows;

	for (unsigned i = 0; i < n_methods; i++) {
		b->dst = b->array + place++ % places * b->t.len;
		run_progress(b, run, row->name);
		int r = m[i].run(b, &m[i], row, run);

		if (r < 0)
			return r;
		row += m[i].n_rows;
	}
	return 0;
}

static int run_file(struct bench *b, const char *path, bool first)
{
	struct bench_method m[BENCH_METHODS_MOST];
	auto_free struct bench_row *rows =
	    calloc(BENCH_ROWS_MOST, sizeof(*rows));
	unsigned n_rows = 0, n;
	int r = rows ? run_begin(b, path) : -ENOMEM;

	if (r < 0)
		return r;
	n = bench_codecs(b, m, rows);
	for (unsigned i = 0; i < n; i++)
		n_rows += m[i].n_rows;
	unsigned n_refs = bench_refs(b, m + n, rows + n_rows);

	for (unsigned run = 0; r == 0 && run < b->o->runs; run++)
		r = run_all(b, m, n + n_refs, rows, run);
	run_progress(b, 0, NULL);
	if (r == 0)
		bench_report(b, path, rows, n_rows + n_refs, first);
	return r;
}

int bench_run(const struct bench_options *o)
{
	bool first = true, failed = false;

	if (o->json)
		printf("[");
	for (int i = 0; i < o->n_files; i++) {
		struct bench b = { .o = o, .t.head_dim = o->head_dim };
		int r = run_file(&b, o->files[i], first);

		if (r < 0)
			fprintf(stderr, "adaptcache: %s: %s\n", o->files[i],
				r == -ENOMSG
				    ? "no K or V of 16 or 32 bits in it"
				    : strerror(-r));
		first = first && r < 0;
		failed = failed || r < 0;
		run_done(&b);
	}
	if (o->json)
		printf("]\n");
	return failed;
}
