/* bench_write.c - a file with its K and V as a reference scheme leaves them */
#include <errno.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/io.h"
#include "tools/bench.h"
#include "tools/beside.h"
#include "tools/pairs.h"
#include "tools/refquant.h"
#include "tools/tensors.h"

/* Of all K, or of all V. */
struct tally {
	double bits, values;
	double error; /* relative, the mean over matrices */
	unsigned n;
};

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
			r = tensors_error(&m, dst, &error);
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

	ref_parse(o->scheme, &how); /* as it was when it was taken */
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
