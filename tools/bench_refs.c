/* bench_refs.c - the reference schemes, measured */
#include <errno.h>
#include <stdio.h>

#include "tools/bench.h"

static int refs_matrix(struct bench *b, const struct bench_method *m,
		       struct bench_row *row, unsigned run, uint32_t extent)
{
	struct ref_matrix x;

	if (!tensors_matrix(&b->t, extent, &x))
		return 0;
	struct ref_code *c = ref_code_new(x.rows, x.cols);

	if (!c)
		return -ENOMEM;
	/* Once for the memory to be there. */
	ref_encode(&m->how, &x, c);
	double start = bench_now();

	ref_encode(&m->how, &x, c);
	double half = bench_now();

	ref_decode(&m->how, &x, c, b->dst + b->t.head.extents[extent].off);
	row->encode_s[run] += half - start;
	row->decode_s[run] += bench_now() - half;
	if (run == 0)
		row->bytes[x.role] += (double)c->bits / 8;
	ref_code_free(c);
	return 0;
}

static int refs_run(struct bench *b, const struct bench_method *m,
		    struct bench_row *row, unsigned run)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < b->t.head.n_extents; i++)
		r = refs_matrix(b, m, row, run, i);
	return r == 0 && run == 0 ? bench_error(b, row) : r;
}

static void refs_add(const char *name, struct ref_how how,
		     struct bench_method *m, struct bench_row *row)
{
	*m = (struct bench_method){ .run = refs_run, .how = how, .n_rows = 1 };
	row->untimed = how.scheme->coder;
	snprintf(row->name, sizeof(row->name), "%s", name);
}

unsigned bench_refs(const struct bench *b, struct bench_method *m,
		    struct bench_row *rows)
{
	const struct ref_scheme *s;
	struct ref_how how;
	unsigned n = 0;

	if (bench_wide(b))
		return 0;
	if (b->o->scheme) {
		/* As it was when it was taken. */
		ref_parse(b->o->scheme, &how);
		refs_add(b->o->scheme, how, m, rows);
		return 1;
	}
	for (; (s = ref_scheme_at(n)); n++) {
		how = (struct ref_how){ s, s->x, s->sinks };
		refs_add(s->name, how, &m[n], &rows[n]);
	}
	return n;
}
