/* profile_file.c - reads a profile, or a file like it, for the tools */
#include "tools/profile_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "codec/mem.h"

char *profile_file_text(const char *path, size_t cap, size_t *ret_len)
{
	/* one more: what is too long is refused, not cut */
	auto_free char *text = malloc(cap + 1);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = !text || fd < 0 ? -1 : read(fd, text, cap + 1);

	if (n < 0) {
		fprintf(stderr, "adaptcache: %s: %s\n", path,
			strerror(text ? errno : ENOMEM));
		return NULL;
	}
	*ret_len = (size_t)n;
	return steal_ptr(&text);
}

int profile_file_load(const char *path, struct profile *ret)
{
	size_t len;
	auto_free char *text = profile_file_text(path, PROFILE_MAX_BYTES, &len);
	struct profile_fault fault;

	if (!text)
		return -EIO;
	int r = profile_parse(text, len, ret, &fault);

	if (r < 0)
		fprintf(stderr, "adaptcache: %s:%u: %s\n", path, fault.line,
			fault.what);
	return r;
}
