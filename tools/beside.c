/* beside.c - a file written beside its name, and renamed when it is whole */
#include "tools/beside.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "codec/mem.h"

int beside_open(struct beside *b, const char *path)
{
	*b = (struct beside){ .path = path, .fd = -1 };
	if (asprintf(&b->tmp, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	b->fd = mkstemp(b->tmp);
	if (b->fd >= 0)
		return 0;

	int r = -errno;

	free(b->tmp);
	return r;
}

int beside_close(struct beside *b, int r)
{
	if (r == 0 && (fchmod(b->fd, 0644) < 0 || rename(b->tmp, b->path) < 0))
		r = -errno;
	if (r < 0)
		unlink(b->tmp);
	close(b->fd);
	free(b->tmp);
	return r;
}
