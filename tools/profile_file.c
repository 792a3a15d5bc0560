/* profile_file.c - reads a profile for the tools */
#include "tools/profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "codec/mem.h"

int profile_file_load(const char *path, struct profile *ret)
{
	/* one more: what is too long is refused, not cut */
	size_t cap = PROFILE_MAX_BYTES + 1;
	auto_free char *text = malloc(cap);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = !text ? -1 : fd < 0 ? -1 : read(fd, text, cap);
	struct profile_fault fault;

	if (n < 0) {
		int r = text ? -errno : -ENOMEM;

		fprintf(stderr, "adaptcache: %s: %s\n", path, strerror(-r));
		return r;
	}
	int r = profile_parse(text, (size_t)n, ret, &fault);

	if (r < 0)
		fprintf(stderr, "adaptcache: %s:%u: %s\n", path, fault.line,
			fault.what);
	return r;
}
