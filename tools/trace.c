/* trace.c - the verb `trace`: what a mount decides and serves, into a file */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "codec/mem.h"
#include "tools/verbs.h"

#define TRACE_USAGE "trace record MOUNT [-o FILE] [--seconds N]"

struct trace {
	const char *mount, *out;
	double seconds; /* INFINITY: until a signal */
	char *control;  /* MOUNT/.kv/control */
	char *path;     /* of the file, from the root */
};

static int trace_fault(const char *what, const char *why)
{
	fprintf(stderr, "adaptcache: %s: %s\n", what, why);
	return 1;
}

static int trace_usage(void)
{
	fprintf(stderr, "usage: adaptcache %s\n", TRACE_USAGE);
	return 2;
}

static int trace_options(int argc, char **argv, struct trace *t)
{
	static const struct option LONG[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "seconds", required_argument, NULL, 's' },
		{ 0 },
	};
	char *end;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "o:", LONG, NULL)) != -1) {
		if (c == 'o') {
			t->out = optarg;
		} else if (c == 's') {
			t->seconds = strtod(optarg, &end);
			if (end == optarg || *end || !(t->seconds > 0))
				return trace_usage();
		} else {
			return trace_usage();
		}
	}
	if (optind + 2 != argc || strcmp(argv[optind], "record"))
		return trace_usage();
	t->mount = argv[optind + 1];
	return 0;
}

/* The file's path from the root: the daemon is elsewhere.  Exit status. */
static int trace_place(struct trace *t)
{
	auto_free char *one = strdup(t->out), *two = strdup(t->out);
	auto_free char *dir = one ? realpath(dirname(one), NULL) : NULL;
	struct stat on, mount;

	if (!dir || !two)
		return trace_fault(t->out, strerror(errno));
	if (stat(dir, &on) < 0 || stat(t->mount, &mount) < 0)
		return trace_fault(t->mount, strerror(errno));
	if (on.st_dev == mount.st_dev)
		return trace_fault(t->out, "a mount cannot be recorded on "
					   "itself");
	if (asprintf(&t->path, "%s/%s", dir, basename(two)) < 0 ||
	    asprintf(&t->control, "%s/.kv/control", t->mount) < 0)
		return trace_fault(t->out, strerror(ENOMEM));
	return 0;
}

/* The value of record= in .kv/control.  NULL: it cannot be read. */
static char *trace_running(const struct trace *t)
{
	FILE *f = fopen(t->control, "r");
	char line[PATH_MAX + 16], *found = NULL;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "record=", 7))
			found = strdup(line + 7);
	}
	if (f)
		fclose(f);
	return found;
}

/* Sets record=.  Exit status. */
static int trace_set(const struct trace *t, const char *path)
{
	FILE *f = fopen(t->control, "w");
	char line[PATH_MAX + 16];
	size_t last = 0;

	if (f && fprintf(f, "record=%s\n", path) > 0 && fclose(f) == 0)
		return 0;
	int error = errno;
	f = fopen(t->control, "r");
	/* The last line says why it was refused. */
	while (f && fgets(line, sizeof(line), f))
		last = strcspn(line, "\n");
	if (f)
		fclose(f);
	line[last] = 0;
	return trace_fault(t->mount,
			   last && *line == '#' ? line + 2 : strerror(error));
}

/* Until a signal or the time is over, or the mount is gone.  Exit status. */
static int trace_wait(const struct trace *t, const sigset_t *ends)
{
	struct timespec second = { .tv_sec = 1 };
	double left = t->seconds;
	struct stat st = { 0 }, alive;

	for (unsigned passed = 0;; passed++) {
		if (stat(t->control, &alive) < 0)
			return trace_fault(t->mount, "the mount is gone");
		stat(t->path, &st);
		fprintf(stderr, "\r%u s, %lld bytes", passed,
			(long long)st.st_size);
		if (left < 1) {
			second.tv_sec = 0;
			second.tv_nsec = (long)(left * 1e9);
		}
		if (sigtimedwait(ends, NULL, &second) > 0 || --left <= 0)
			break;
	}
	fprintf(stderr, "\n");
	return 0;
}

static int trace_record(struct trace *t)
{
	sigset_t ends;
	int r = trace_place(t);
	auto_free char *running = r == 0 ? trace_running(t) : NULL;

	if (r)
		return r;
	if (!running)
		return trace_fault(t->mount,
				   "not a mount of adaptcachefs, or not yours");
	if (*running)
		return trace_fault(running, "the mount is being recorded here");
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	r = trace_set(t, t->path);
	if (r)
		return r;
	r = trace_wait(t, &ends);
	return r ? r : trace_set(t, "");
}

int verb_trace(int argc, char **argv)
{
	struct trace t = { .out = "adaptcache.record", .seconds = INFINITY };
	int r = trace_options(argc, argv, &t);

	if (!r)
		r = trace_record(&t);
	free(t.control);
	free(t.path);
	return r;
}
