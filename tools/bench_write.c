/* bench_write.c - a file with its K and V as a reference scheme leaves them */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/io.h"
#include "tools/bench.h"
#include "tools/beside.h"
#include "tools/pairs.h"
#include "tools/ref_schemes.h"
#include "tools/tensors.h"

/* Of all K, or of all V. */
struct tally {
	double bits, values;
	double error; /* relative, the mean over matrices */
	unsigned n;
};

/* The mean square of a - b; of a about its channels' means, too. */
static void write_squares(const struct ref_matrix *m, const float *a,
			  const float *b, double *ret_error,
			  double *ret_variance)
{
	double error = 0, variance = 0;

	for (uint32_t k = 0; k < m->cols; k++) {
		double sum = 0, squares = 0;

		for (uint32_t r = REF_SINKS; r < m->rows; r++) {
			size_t i = (size_t)r * m->cols + k;
			double x = (double)a[i], off = x - (double)b[i];

			error += off * off;
			sum += x;
			squares += x * x;
		}
		variance += squares - sum * sum / (m->rows - REF_SINKS);
	}
	*ret_error = error;
	*ret_variance = variance;
}

/* Relative error of what a reader gets, the first tokens left out. */
static int write_error(const struct ref_matrix *m, const uint8_t *got,
		       double *ret)
{
	size_t n = (size_t)m->rows * m->cols;
	auto_free float *a = calloc(n, sizeof(*a));
	auto_free float *b = calloc(n, sizeof(*b));
	double error = 0, variance = 0;

	if (!a || !b)
		return -ENOMEM;
	ref_to_float(m->elem, m->src, n, a);
	ref_to_float(m->elem, got, n, b);
	if (m->rows > REF_SINKS)
		write_squares(m, a, b, &error, &variance);
	*ret = variance > 0 ? error / variance : 0;
	return 0;
}

/* Quantises all K and V into out, a copy of the file. */
static int write_all(const struct tensors *t, const struct ref_how *how,
		     uint8_t *out, struct tally tally[ROLE_V + 1])
{
	for (uint32_t i = 0; i < t->head.n_extents; i++) {
		uint8_t *dst = out + t->head.extents[i].off;
		struct ref_matrix m;
		uint64_t bits;
		double error = 0;

		if (!tensors_matrix(t, i, &m))
			continue;
		int r = ref_quantise(how, &m, dst, &bits);
		if (r == 0)
			r = write_error(&m, dst, &error);
		if (r < 0)
			return r;
		tally[m.role].bits += (double)bits;
		tally[m.role].values += (double)m.rows * m.cols;
		tally[m.role].error += error;
		tally[m.role].n++;
	}
	return 0;
}

static void write_number(bool json, const char *name, double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.6g", v);
	pairs_print(json, false, name, text);
}

static void write_print(const struct bench_options *o, const struct tally *k,
			const struct tally *v)
{
	pairs_begin(o->json);
	pairs_print(o->json, true, "scheme", o->scheme);
	write_number(o->json, "values", k->values + v->values);
	if (k->n) {
		write_number(o->json, "bits_k", k->bits / k->values);
		write_number(o->json, "error_k", k->error / k->n);
	}
	if (v->n) {
		write_number(o->json, "bits_v", v->bits / v->values);
		write_number(o->json, "error_v", v->error / v->n);
	}
	write_number(o->json, "bits",
		     (k->bits + v->bits) / (k->values + v->values));
	pairs_end(o->json);
}

static int write_file(const char *path, const uint8_t *bytes, size_t len)
{
	struct beside out;
	int r = beside_open(&out, path);

	if (r < 0)
		return r;
	return beside_close(&out, io_real.write(out.fd, bytes, len, 0));
}

static int write_one(const struct bench_options *o, const struct ref_how *how,
		     struct tensors *t, struct tally tally[ROLE_V + 1])
{
	int r = tensors_load(t, o->files[0]);

	if (r < 0)
		return r;
	auto_free uint8_t *out = malloc(t->len + 1);
	if (!out)
		return -ENOMEM;
	memcpy(out, t->at, t->len);
	r = write_all(t, how, out, tally);
	if (r == 0 && tally[ROLE_K].n + tally[ROLE_V].n == 0)
		r = -ENOMSG; /* nothing to be lossy about */
	return r < 0 ? r : write_file(o->out, out, t->len);
}

int bench_write(const struct bench_options *o)
{
	struct tensors t = { .head_dim = o->head_dim };
	struct tally tally[ROLE_V + 1] = { 0 };
	struct ref_how how;

	if (ref_parse(o->scheme, &how) < 0) {
		fprintf(stderr,
			"adaptcache: no scheme %s (see --scheme list)\n",
			o->scheme);
		return 2;
	}
	int r = write_one(o, &how, &t, tally);

	if (r < 0)
		fprintf(stderr, "adaptcache: %s: %s\n", o->files[0],
			r == -ENOMSG ? "no K or V of 16 bits in it"
				     : strerror(-r));
	else
		write_print(o, &tally[ROLE_K], &tally[ROLE_V]);
	tensors_done(&t);
	return r < 0;
}
