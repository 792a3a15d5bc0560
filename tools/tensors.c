/* tensors.c - a file in memory, and the K and V matrices in it */
#include "tools/tensors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "codec/mem.h"
#include "fs/store/cut.h"
#include "fs/store/io.h"

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
	struct source src = { t->len, tensors_source, t };

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
