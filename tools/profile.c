/* profile.c - checks a model's profile, and whether a file is of that model */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "codec/mem.h"
#include "fs/store/cut.h"
#include "fs/store/io.h"
#include "tools/profile_file.h"
#include "tools/verbs.h"

/* Two figures of a profile's layers, least and most. */
struct range {
	float least, most;
};

static void range_add(struct range *r, float x)
{
	if (r->most == 0 || x < r->least)
		r->least = x;
	if (x > r->most)
		r->most = x;
}

static void profile_print(const struct profile *p)
{
	struct range k = { 0 }, v = { 0 };

	for (uint32_t l = 0; l < p->n_layers; l++) {
		range_add(&k, p->layer[l].k.step);
		range_add(&v, p->layer[l].v.step);
	}
	printf("%u layers of %u K and %u V columns\n", p->n_layers, p->k_cols,
	       p->v_cols);
	printf("steps of K times %g to %g, of V times %g to %g\n",
	       (double)k.least, (double)k.most, (double)v.least,
	       (double)v.most);
	printf("damage %g eK^%g + %g eV^%g\n", p->k_gain, p->k_power, p->v_gain,
	       p->v_power);
}

static int profile_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const int *fd = ctx;
	ssize_t n = io_real.read(*fd, dst, len, off);

	if (n < 0)
		return (int)n;
	return n == (ssize_t)len ? 0 : -EIO; /* truncated meanwhile */
}

/* Returns 0 with whether the file is of the model, or -errno. */
static int profile_compare(const struct profile *p, const char *path,
			   bool *ret_matches)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct head h = { 0 };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	h.logical_size = (uint64_t)st.st_size;
	struct source src = { .size = h.logical_size,
			      .read = profile_read,
			      .ctx = &fd };
	int r = cut_extents(&src, &h);

	if (r == 0)
		*ret_matches = profile_matches(p, h.extents, h.n_extents);
	head_done(&h);
	return r;
}

int verb_profile(int argc, char **argv)
{
	struct profile p;
	bool matches = false;

	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		fputs("usage: adaptcache profile PROFILE [FILE]\n", stderr);
		return 2;
	}
	if (profile_file_load(argv[1], &p) < 0)
		return 1;
	profile_print(&p);
	if (argc == 2)
		return 0;

	int r = profile_compare(&p, argv[2], &matches);

	if (r < 0)
		fprintf(stderr, "adaptcache: %s: %s\n", argv[2], strerror(-r));
	else
		printf("%s is%s of this model\n", argv[2],
		       matches ? "" : " not");
	return r < 0 || !matches;
}
