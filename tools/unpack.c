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
    "usage: adaptcache unpack CONTAINER OUT [--layers LAYER]\n"
    "  --layers LAYER   K and V from the layers up to this one alone: head,\n"
    "                   base, refine1, refine2 or exact (exact)\n";

struct unpack {
	const char *from, *to;
	unsigned n_layers;
};

static const struct option LONG_OPTIONS[] = {
	{ "layers", required_argument, NULL, 'l' },
	{ 0 },
};

static int unpack_usage(void)
{
	fputs(USAGE, stderr);
	return -EINVAL;
}

static int unpack_options(struct unpack *u, int argc, char **argv)
{
	int c;

	*u = (struct unpack){ .n_layers = N_LAYERS };
	optind = 1;
	while ((c = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1) {
		if (c != 'l')
			return unpack_usage();
		u->n_layers = prefix_of(optarg);
		if (!u->n_layers)
			return unpack_usage();
	}
	if (argc - optind != 2)
		return unpack_usage();
	u->from = argv[optind];
	u->to = argv[optind + 1];
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

static int unpack_to(struct container *c, unsigned n_layers, int out)
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
	int r = beside_open(&out, u->to);

	return r < 0 ? r
		     : beside_close(&out, unpack_to(c, u->n_layers, out.fd));
}

int verb_unpack(int argc, char **argv)
{
	struct container *c;
	struct unpack u;

	if (unpack_options(&u, argc, argv) < 0)
		return 2;
	auto_close int fd = open(u.from, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : container_open(&io_real, fd, &c);
	if (r < 0) {
		fprintf(stderr, "adaptcache: %s: %s\n", u.from, strerror(-r));
		return 1;
	}
	steal_fd(&fd);

	r = unpack_file(c, &u);
	container_close(c);
	if (r < 0)
		fprintf(stderr, "adaptcache: %s: %s\n", u.to, strerror(-r));
	return r < 0;
}
