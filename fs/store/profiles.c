/* profiles.c - the layer profiles that are installed */
#include "fs/store/profiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/io.h"
#include "fs/store/log.h"

static const char PROFILES_SUFFIX[] = ".profile";

static bool profiles_named(const char *name)
{
	size_t len = strlen(name), end = strlen(PROFILES_SUFFIX);

	return len > end && !strcmp(name + len - end, PROFILES_SUFFIX);
}

/* Returns 0, or -errno after a line in the log. */
static int profiles_read(int dir, const char *name, struct profile *ret)
{
	auto_free char *text = malloc(PROFILE_MAX_BYTES + 1);
	auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	struct profile_fault fault = { 0 };

	if (fd < 0 || !text) {
		log_error("profile %s: %s", name, strerror(errno));
		return -EIO;
	}
	ssize_t n = io_real.read(fd, text, PROFILE_MAX_BYTES + 1, 0);
	if (n < 0 || n > PROFILE_MAX_BYTES) {
		log_error("profile %s: cannot be read, or too long", name);
		return -EIO;
	}
	int r = profile_parse(text, (size_t)n, ret, &fault);
	if (r < 0)
		log_error("profile %s: line %u: %s", name, fault.line,
			  fault.what);
	return r;
}

void profiles_load(struct profiles *p, const char *path)
{
	*p = (struct profiles){ 0 };
	auto_close int fd =
	    path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *d = fd < 0 ? NULL : io_list(&io_real, fd);
	struct dirent *at;

	if (!d)
		return;
	while ((at = readdir(d))) {
		if (!profiles_named(at->d_name))
			continue;
		void *grown = realloc(p->at, (p->n + 1) * sizeof(*p->at));
		if (!grown)
			break;
		p->at = grown;
		if (profiles_read(fd, at->d_name, &p->at[p->n]) == 0)
			p->n++;
	}
	closedir(d);
}

void profiles_done(struct profiles *p)
{
	for (size_t i = 0; i < p->n; i++)
		profile_done(&p->at[i]);
	free(p->at);
	*p = (struct profiles){ 0 };
}

const struct profile *profiles_find(const struct profiles *p,
				    const struct head_extent *at, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (profile_matches(&p->at[i], at, n))
			return &p->at[i];
	return NULL;
}
