/* unpack.c - a container's bytes, without a mount */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/local.h"
#include "tools/beside.h"
#include "tools/prefix.h"
#include "tools/verbs.h"

static const char USAGE[] =
    "usage: adaptcache unpack CONTAINER OUT [options]\n"
    "  --layers LAYER   K and V from the layers up to this one alone: head,\n"
    "                   window, base, refine1, refine2 or exact (exact)\n"
    "  --tokens A:B --layer L --role K|V\n"
    "                   of one tensor the rows from A up to B, without B;\n"
    "                   L is the model's layer, the first being 0\n";

struct unpack {
	const char *from_path, *to_path;
	unsigned n_layers;

	/* Rows of a tensor, if from < to; else everything. */
	uint64_t from, to;
	long layer; /* < 0: not said */
	uint8_t role;
};

static const struct option LONG_OPTIONS[] = {
	{ "layers", required_argument, NULL, 'l' },
	{ "tokens", required_argument, NULL, 't' },
	{ "layer", required_argument, NULL, 'L' },
	{ "role", required_argument, NULL, 'r' },
	{ 0 },
};

static int unpack_usage(void)
{
	fputs(USAGE, stderr);
	return -EINVAL;
}

/* A:B, A < B. */
static int unpack_tokens(struct unpack *u, const char *text)
{
	char *end;

	errno = 0;
	u->from = strtoull(text, &end, 10);
	if (end == text || *end != ':' || strchr(text, '-'))
		return -EINVAL;
	text = end + 1;
	u->to = strtoull(text, &end, 10);
	return end == text || *end || errno || u->from >= u->to ? -EINVAL : 0;
}

static int unpack_layer(struct unpack *u, const char *text)
{
	char *end;

	u->layer = strtol(text, &end, 10);
	return end == text || *end || u->layer < 0 || u->layer > UINT16_MAX
		   ? -EINVAL
		   : 0;
}

static int unpack_role(struct unpack *u, const char *text)
{
	u->role = !strcmp(text, "K")   ? ROLE_K
		  : !strcmp(text, "V") ? ROLE_V
				       : ROLE_NONE;
	return u->role == ROLE_NONE ? -EINVAL : 0;
}

static int unpack_option(struct unpack *u, int c, const char *arg)
{
	switch (c) {
	case 'l':
		u->n_layers = prefix_of(arg);
		return u->n_layers ? 0 : -EINVAL;
	case 't':
		return unpack_tokens(u, arg);
	case 'L':
		return unpack_layer(u, arg);
	case 'r':
		return unpack_role(u, arg);
	default:
		return -EINVAL;
	}
}

static int unpack_options(struct unpack *u, int argc, char **argv)
{
	int c, r = 0;

	*u = (struct unpack){ .n_layers = N_LAYERS, .layer = -1 };
	optind = 1;
	while (r == 0 &&
	       (c = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1)
		r = unpack_option(u, c, optarg);

	/* A tensor is named whole or not at all. */
	int said = (u->from < u->to) + (u->layer >= 0) + (u->role != ROLE_NONE);

	if (r < 0 || argc - optind != 2 || (said && said != 3))
		return unpack_usage();
	u->from_path = argv[optind];
	u->to_path = argv[optind + 1];
	return 0;
}

/* Tiles [t, t + n) to buf: as many layers as are wanted. */
static int unpack_tiles(struct container *c, uint32_t t, uint32_t n,
			unsigned n_layers, uint8_t *buf)
{
	uint64_t base = head_tile_off(&c->head, t);
	int r = 0;

	if (n_layers == N_LAYERS)
		return container_load(c, t, n, buf);
	for (uint32_t i = t; r == 0 && i < t + n; i++)
		r = prefix_load(c, i, n_layers,
				buf + (head_tile_off(&c->head, i) - base));
	return r;
}

/* Whether an extent is some of the rows of the tensor. */
static bool unpack_wants(const struct unpack *u, const struct head_extent *e)
{
	return e->role == u->role && e->model_layer == u->layer;
}

/* Rows of the tensor, which its extents hold in turn. */
static uint64_t unpack_n_rows(const struct unpack *u, const struct head *h)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < h->n_extents; i++)
		if (unpack_wants(u, &h->extents[i]))
			n += prefix_n_rows(&h->extents[i]);
	return n;
}

/* Those of the rows [from, to) of an extent, which starts at row `first`. */
static int unpack_extent(struct container *c, const struct unpack *u,
			 uint32_t extent, uint64_t first, int out,
			 uint64_t *written)
{
	const struct head_extent *e = &c->head.extents[extent];
	uint64_t end = first + prefix_n_rows(e);
	uint64_t from = u->from > first ? u->from : first;
	uint64_t to = u->to < end ? u->to : end;
	size_t row = prefix_row_bytes(e);

	if (from >= to)
		return 0;
	auto_free uint8_t *buf = malloc((to - from) * row);
	if (!buf)
		return -ENOMEM;
	int r =
	    prefix_rows(c, extent, from - first, to - first, u->n_layers, buf);
	if (r == 0)
		r = io_real.write(out, buf, (to - from) * row, *written);
	*written += (to - from) * row;
	return r;
}

static int unpack_rows(struct container *c, const struct unpack *u, int out)
{
	const struct head *h = &c->head;
	uint64_t first = 0, written = 0;
	int r = u->to > unpack_n_rows(u, h) ? -ERANGE : 0;

	for (uint32_t i = 0; r == 0 && i < h->n_extents; i++) {
		if (!unpack_wants(u, &h->extents[i]))
			continue;
		r = unpack_extent(c, u, i, first, out, &written);
		first += prefix_n_rows(&h->extents[i]);
	}
	return r;
}

static int unpack_all(struct container *c, unsigned n_layers, int out)
{
	const struct head *h = &c->head;

	for (uint32_t t = 0, n; t < h->n_tiles; t += n) {
		n = container_span(c, t);

		uint64_t off = head_tile_off(h, t);
		uint64_t end = head_tile_off(h, t + n);
		uint8_t *buf = local_buf(LOCAL_PLAIN, end - off);
		int r = buf ? unpack_tiles(c, t, n, n_layers, buf) : -ENOMEM;

		if (r == 0)
			r = io_real.write(out, buf, end - off, off);
		if (r < 0)
			return r;
	}
	return ftruncate(out, (off_t)h->logical_size) < 0 ? -errno : 0;
}

static int unpack_file(struct container *c, const struct unpack *u)
{
	struct beside out;
	int r = beside_open(&out, u->to_path);

	if (r < 0)
		return r;
	return beside_close(&out, u->from < u->to
				      ? unpack_rows(c, u, out.fd)
				      : unpack_all(c, u->n_layers, out.fd));
}

int verb_unpack(int argc, char **argv)
{
	struct container *c;
	struct unpack u;

	if (unpack_options(&u, argc, argv) < 0)
		return 2;
	auto_close int fd = open(u.from_path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : container_open(&io_real, fd, &c);
	if (r < 0) {
		fprintf(stderr, "adaptcache: %s: %s\n", u.from_path,
			strerror(-r));
		return 1;
	}
	steal_fd(&fd);

	r = unpack_file(c, &u);
	container_close(c);
	if (r < 0)
		fprintf(stderr, "adaptcache: %s: %s\n", u.to_path,
			r == -ERANGE ? "the container has no such rows"
				     : strerror(-r));
	return r < 0;
}
