/* unpack.c - a container's bytes, without a mount */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "codec/mem.h"
#include "fs/store/container.h"
#include "fs/store/local.h"
#include "tools/pairs.h"
#include "tools/verbs.h"

static int unpack_to(struct container *c, int out)
{
	const struct head *h = &c->head;

	for (uint32_t t = 0, n; t < h->n_tiles; t += n) {
		n = container_span(c, t);

		uint64_t off = head_tile_off(h, t);
		uint64_t end = head_tile_off(h, t + n);
		uint8_t *buf = local_buf(LOCAL_PLAIN, end - off);
		int r = buf ? container_load(c, t, n, buf) : -ENOMEM;

		if (r == 0)
			r = io_real.write(out, buf, end - off, off);
		if (r < 0)
			return r;
	}
	return ftruncate(out, (off_t)h->logical_size) < 0 ? -errno : 0;
}

/* Writes beside path and renames: half of it is worse than what was there. */
static int unpack_file(struct container *c, const char *path)
{
	auto_free char *tmp = NULL;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	auto_close int out = mkstemp(tmp);
	if (out < 0)
		return -errno;
	int r = unpack_to(c, out);
	if (r == 0 && (fchmod(out, 0644) < 0 || rename(tmp, path) < 0))
		r = -errno;
	if (r < 0)
		unlink(tmp);
	return r;
}

int verb_unpack(int argc, char **argv)
{
	bool json;
	struct container *c;
	int r = pairs_arguments(argc, argv, 2, "unpack CONTAINER OUT", &json);

	if (r)
		return r;
	auto_close int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : container_open(&io_real, fd, &c);
	if (r < 0) {
		fprintf(stderr, "adaptcache: %s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	steal_fd(&fd);

	r = unpack_file(c, argv[2]);
	container_close(c);
	if (r < 0)
		fprintf(stderr, "adaptcache: %s: %s\n", argv[2], strerror(-r));
	return r < 0;
}
