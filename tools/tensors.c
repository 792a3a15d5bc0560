/* tensors.c - a file in memory, and the K and V matrices in it */
#include "tools/tensors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "codec/mem.h"
#include "fs/store/cut.h"
#include "fs/store/io.h"
#include "tools/ref_schemes.h"

#define TENSORS_HEAD_MOST 128u

static int tensors_source(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct tensors *t = ctx;

	memcpy(dst, t->at + off, len);
	return 0;
}

static int tensors_read(struct tensors *t, const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	t->len = (size_t)st.st_size;
	t->at = malloc(t->len + 1);
	if (!t->at)
		return -ENOMEM;

	ssize_t n = io_real.read(fd, t->at, t->len, 0);
	return n < 0 ? (int)n : n == st.st_size ? 0 : -EIO;
}

int tensors_load(struct tensors *t, const char *path)
{
	int r = tensors_read(t, path);
	struct source src = { .size = t->len,
			      .read = tensors_source,
			      .ctx = t };

	t->head.logical_size = t->len;
	if (r == 0)
		r = cut_extents(&src, &t->head);
	if (r == 0)
		r = head_cut(&t->head);
	t->n_layers = 1;
	for (uint32_t i = 0; r == 0 && i < t->head.n_extents; i++) {
		uint32_t layer = t->head.extents[i].model_layer;

		if (layer >= t->n_layers)
			t->n_layers = layer + 1;
	}
	return r;
}

void tensors_done(struct tensors *t)
{
	free(t->at);
	head_done(&t->head);
	*t = (struct tensors){ 0 };
}

static uint32_t tensors_head_dim(const struct tensors *t, uint32_t cols)
{
	uint32_t power = cols & -cols;

	if (t->head_dim && cols % t->head_dim == 0)
		return t->head_dim;
	return power < TENSORS_HEAD_MOST ? power : TENSORS_HEAD_MOST;
}

bool tensors_matrix(const struct tensors *t, uint32_t extent,
		    struct ref_matrix *ret)
{
	const struct head_extent *e = &t->head.extents[extent];

	if (e->role == ROLE_NONE ||
	    (e->elem != ELEM_F16 && e->elem != ELEM_BF16))
		return false;
	*ret = (struct ref_matrix){
		.src = t->at + e->off,
		.elem = e->elem,
		.role = e->role,
		.rows = (uint32_t)(e->len / 2 / e->cols),
		.cols = e->cols,
		.head_dim = tensors_head_dim(t, e->cols),
		.layer = e->model_layer,
		.n_layers = t->n_layers,
	};
	return true;
}

/* The mean square of a - b; of a about its channels' means, too. */
static void tensors_squares(const struct ref_matrix *m, const float *a,
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

int tensors_error(const struct ref_matrix *m, const uint8_t *got, double *ret)
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
		tensors_squares(m, a, b, &error, &variance);
	*ret = variance > 0 ? error / variance : 0;
	return 0;
}

/* Moves K and V to the front; returns the bytes that they take. */
static uint64_t tensors_gather(struct tensors *t)
{
	struct head *h = &t->head;
	uint64_t end = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n_extents; i++) {
		struct head_extent e = h->extents[i];

		if (e.role == ROLE_NONE || e.elem == ELEM_U8)
			continue;
		memmove(t->at + end, t->at + e.off, e.len);
		end += e.len;
		h->extents[n++] = e;
	}
	h->n_extents = n;
	return end;
}

int tensors_only(struct tensors *t)
{
	free(t->head.tiles);
	t->head.tiles = NULL;
	t->head.n_tiles = 0;
	t->head.logical_size = t->len = tensors_gather(t);
	return t->len ? head_cut(&t->head) : -ENOMSG;
}
