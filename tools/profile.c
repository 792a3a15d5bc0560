/* profile.c - checks a model's profile or a task's curve, or fits the latter */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "codec/mem.h"
#include "fs/store/cut.h"
#include "fs/store/io.h"
#include "tools/profile_file.h"
#include "tools/task_fit.h"
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

static void profile_print_shifts(const struct profile *p)
{
	uint32_t n[SHAPE_SHIFT_MAX + 1] = { 0 };

	for (size_t i = 0; i < (size_t)p->n_layers * p->k_cols; i++)
		n[p->shifts[i]]++;
	fputs("channels of K, by their step over the layer's:", stdout);
	for (int s = 0; s <= SHAPE_SHIFT_MAX; s++)
		printf("%s %u at %g", s ? "," : "", n[s],
		       ldexp(1, s - SHAPE_SHIFT));
	putchar('\n');
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
	if (p->shifts)
		profile_print_shifts(p);
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

/* Says whether a file is of the profile's model.  Returns the exit status. */
static int profile_says(const struct profile *p, const char *file)
{
	bool matches = false;
	int r = profile_compare(p, file, &matches);

	if (r < 0)
		fprintf(stderr, "adaptcache: %s: %s\n", file, strerror(-r));
	else
		printf("%s is%s of this model\n", file, matches ? "" : " not");
	return r < 0 || !matches;
}

/* A profile, and whether a file, if there is one, is of its model. */
static int profile_check(const char *profile, const char *file)
{
	struct profile p;

	if (profile_file_load(profile, &p) < 0)
		return 1;
	profile_print(&p);
	int r = file ? profile_says(&p, file) : 0;

	profile_done(&p);
	return r;
}

static int profile_fault(const char *path, const struct task_fault *f)
{
	fprintf(stderr, "adaptcache: %s:%u: %s\n", path, f->line, f->what);
	return 1;
}

static int profile_task(const char *path, const char *text, size_t len)
{
	struct task_fault fault;
	struct task t;

	if (task_parse(text, len, &t, &fault) < 0)
		return profile_fault(path, &fault);
	task_print(&t, stdout);
	if (damage_drops(&t.damage))
		printf("# half of the tokens dropped: %.2g nats\n",
		       damage_dropped(&t.damage, 0.5));
	else
		printf("# no token may be dropped\n");
	return 0;
}

/* Prints the curve that the samples in a file fit best. */
static int profile_fit(const char *name, const char *path)
{
	size_t len, n;
	auto_free char *text =
	    profile_file_text(path, TASK_FIT_MAX_BYTES, &len);
	auto_free struct task_sample *all = NULL;
	struct task_fault fault = { 1, "too long" };
	struct setting checked;
	struct task t = { 0 };
	double factor;

	if (!text)
		return 1;
	if (setting_parse(SETTING_TASK, name, strlen(name), &checked) < 0) {
		fprintf(stderr, "adaptcache: %s: no name of a task\n", name);
		return 2;
	}
	if (len > TASK_FIT_MAX_BYTES ||
	    task_fit_parse(text, len, &all, &n, &fault) < 0)
		return profile_fault(path, &fault);
	const char *lacks = task_fit(all, n, &t.damage, &factor);

	if (lacks) {
		fprintf(stderr, "adaptcache: %s: %s\n", path, lacks);
		return 1;
	}
	memcpy(t.name, checked.text, sizeof(t.name));
	task_print(&t, stdout);
	printf("# of %zu samples, within a factor of %.2g\n", n, factor);
	return 0;
}

int verb_profile(int argc, char **argv)
{
	static const char word[] = "adaptcache-task";
	size_t len;

	if (argc == 4 && !strcmp(argv[1], "--fit"))
		return profile_fit(argv[2], argv[3]);
	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		fputs("usage: adaptcache profile PROFILE [FILE]\n"
		      "       adaptcache profile TASK\n"
		      "       adaptcache profile --fit NAME SAMPLES\n",
		      stderr);
		return 2;
	}
	auto_free char *text =
	    profile_file_text(argv[1], PROFILE_MAX_BYTES, &len);

	if (!text)
		return 1;
	if (argc == 2 && len >= strlen(word) &&
	    !memcmp(text, word, strlen(word)))
		return profile_task(argv[1], text, len);
	return profile_check(argv[1], argc == 3 ? argv[2] : NULL);
}
