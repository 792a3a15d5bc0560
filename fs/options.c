/* options.c - the command line of adaptcachefs */
#define FUSE_USE_VERSION 314
#include "fs/options.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/store.h"
#include "policy/registry.h"

#define MEMORY_MIN  (8u << 20)
#define SIZE_MIN    (1u << 20)
#define THREADS_MAX 256

struct raw {
	struct options *o;
	char *memory, *size, *threads, *policy;
	char *alpha, *quality, *device_rate;
	int no_passthrough, allow_other, default_permissions;
	int n_positional;
};

#define OPTION(template, member)                                               \
	{                                                                      \
		template, offsetof(struct raw, member), 1                      \
	}
static const struct fuse_opt OPTIONS[] = {
	OPTION("memory=%s", memory),
	OPTION("size=%s", size),
	OPTION("threads=%s", threads),
	OPTION("policy=%s", policy),
	OPTION("alpha=%s", alpha),
	OPTION("quality=%s", quality),
	OPTION("device_rate=%s", device_rate),
	OPTION("no_passthrough", no_passthrough),
	OPTION("allow_other", allow_other),
	OPTION("default_permissions", default_permissions),
	{ "allow_other", (unsigned long)-1U, FUSE_OPT_KEY_KEEP },
	FUSE_OPT_END,
};

static int options_fault(const char *format, const char *what)
{
	fprintf(stderr, "adaptcachefs: ");
	fprintf(stderr, format, what);
	fputc('\n', stderr);
	return -EINVAL;
}

int options_bytes(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned shift = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end & ~32) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (errno || *end || n > UINT64_MAX >> shift)
		return -EINVAL;
	*ret = (uint64_t)n << shift;
	return 0;
}

/* The first word that is no option is ours, the second is the mount point. */
static int options_word(void *data, const char *arg, int key,
			struct fuse_args *out)
{
	struct raw *raw = data;

	(void)out;
	if (key != FUSE_OPT_KEY_NONOPT)
		return 1;
	if (raw->n_positional++ || !*arg)
		return 1;
	raw->o->backing = strdup(arg);
	return raw->o->backing ? 0 : -1;
}

static int options_numbers(const struct raw *raw, struct options *o)
{
	uint64_t n;

	if (raw->memory && (options_bytes(raw->memory, &o->memory) < 0 ||
			    o->memory < MEMORY_MIN))
		return options_fault("memory=%s: a size of 8M or more, as 4G",
				     raw->memory);
	if (raw->size &&
	    (options_bytes(raw->size, &o->size) < 0 || o->size < SIZE_MIN))
		return options_fault("size=%s: a size of 1M or more, as 400G",
				     raw->size);
	if (raw->threads) {
		if (options_bytes(raw->threads, &n) < 0 || !n ||
		    n > THREADS_MAX)
			return options_fault("threads=%s: 1 to 256",
					     raw->threads);
		o->threads = (unsigned)n;
	}
	o->policy = raw->policy ? policy_find(raw->policy) : policy_find("lru");
	if (!o->policy)
		return options_fault("policy=%s: no such policy", raw->policy);
	return 0;
}

/* A number of 0 or more, nothing behind it. */
static bool options_number(const char *text, double *ret)
{
	char *end;
	double x = strtod(text, &end);

	if (end == text || *end || !isfinite(x) || x < 0)
		return false;
	*ret = x;
	return true;
}

static bool options_quality(const char *text, double *ret)
{
	if (strncmp(text, "kld:", 4) == 0)
		return options_number(text + 4, ret);
	*ret = 0;
	return strcmp(text, "exact") == 0;
}

static int options_worths(const struct raw *raw, struct options *o)
{
	if (raw->alpha && !options_number(raw->alpha, &o->alpha))
		return options_fault("alpha=%s: seconds, 0 or more",
				     raw->alpha);
	if (raw->quality && !options_quality(raw->quality, &o->floor_nats))
		return options_fault("quality=%s: exact, or as kld:0.03",
				     raw->quality);
	if (raw->device_rate &&
	    (options_bytes(raw->device_rate, &o->device_rate) < 0 ||
	     !o->device_rate))
		return options_fault("device_rate=%s: bytes a second, as 1G",
				     raw->device_rate);
	return 0;
}

static int options_paths(struct options *o, const char *mountpoint)
{
	if (!o->backing || !mountpoint)
		return options_fault("%s", "usage: adaptcachefs BACKING "
					   "MOUNTPOINT [-o options], or -h");

	char *backing = realpath(o->backing, NULL);
	if (!backing)
		return options_fault("%s: no such backing directory",
				     o->backing);
	free(o->backing);
	o->backing = backing;

	/* A dead mount has no realpath: then the path as it was given. */
	o->mountpoint = realpath(mountpoint, NULL);
	if (!o->mountpoint && errno == ENOTCONN)
		o->mountpoint = strdup(mountpoint);
	if (!o->mountpoint)
		return options_fault("%s: no such mount point", mountpoint);
	return 0;
}

static int options_check(const struct raw *raw, struct options *o,
			 struct fuse_args *args, const char *mountpoint)
{
	if (raw->allow_other && !raw->default_permissions)
		return options_fault(
		    "%s", "allow_other without default_permissions would "
			  "let every user read and remove everything");

	int r = options_paths(o, mountpoint);
	if (r < 0)
		return r;

	struct store_options defaults;
	store_defaults(o->backing, &defaults);
	o->memory = defaults.memory;
	o->size = defaults.size;
	o->threads = defaults.threads;
	o->passthrough = !raw->no_passthrough;
	o->alpha = defaults.alpha;
	o->floor_nats = defaults.floor_nats;
	r = options_numbers(raw, o);
	if (r == 0)
		r = options_worths(raw, o);
	if (r < 0)
		return r;

	auto_free char *names = NULL;
	char *mount = NULL;
	/* The kernel checks modes: it can, and then answers access() itself. */
	if (asprintf(&names, "fsname=%s", o->backing) < 0 ||
	    fuse_opt_add_opt_escaped(&mount, names) ||
	    fuse_opt_add_opt(&mount,
			     "subtype=adaptcachefs,default_permissions") ||
	    fuse_opt_add_arg(args, "-o") || fuse_opt_add_arg(args, mount))
		r = options_fault("%s", "out of memory");
	free(mount);
	return r;
}

int options_parse(struct fuse_args *args, struct options *ret)
{
	struct options o = { 0 };
	struct raw raw = { .o = &o };
	struct fuse_cmdline_opts line = { 0 };

	int r = 0;

	if (fuse_opt_parse(args, &raw, OPTIONS, options_word) < 0 ||
	    fuse_parse_cmdline(args, &line) < 0)
		r = -EINVAL; /* it has said why */
	o.help = line.show_help;
	o.version = line.show_version;
	o.foreground = line.foreground;
	o.debug = line.debug;
	o.single = line.singlethread;

	if (r == 0 && !o.help && !o.version)
		r = options_check(&raw, &o, args, line.mountpoint);
	free(line.mountpoint);
	free(raw.memory);
	free(raw.size);
	free(raw.threads);
	free(raw.policy);
	free(raw.alpha);
	free(raw.quality);
	free(raw.device_rate);
	if (r < 0)
		options_done(&o);
	else
		*ret = o;
	return r;
}

void options_done(struct options *o)
{
	free(o->backing);
	free(o->mountpoint);
}

void options_help(const char *program)
{
	printf("usage: %s BACKING MOUNTPOINT [options]\n\n"
	       "A directory for the KV caches of serving engines: what is "
	       "written to MOUNTPOINT\nis compressed into BACKING and kept in "
	       "DRAM as far as that goes.\n\n"
	       "    -o memory=N            DRAM in all, as 16G "
	       "(default: a quarter of it)\n"
	       "    -o size=N              bytes in BACKING, as 400G "
	       "(default: 80%% of what is free)\n"
	       "    -o threads=N           that pack and load "
	       "(default: one per processor)\n"
	       "    -o policy=NAME         what stays where, one of:\n",
	       program);
	const struct policy *p;
	for (unsigned i = 0; (p = policy_at(i)); i++)
		printf("                             %s%s\n", p->name,
		       i ? "" : " (default)");
	printf(
	    "    -o alpha=N             seconds that a whole unit of quality "
	    "is worth "
	    "(default: 1)\n"
	    "    -o quality=FLOOR       exact (default), or the most damage, "
	    "as "
	    "kld:0.03\n"
	    "    -o device_rate=N       BACKING at N bytes/s, for experiments\n"
	    "    -o no_passthrough      serve every read by a reply\n"
	    "    -o allow_other         for all users; needs "
	    "default_permissions\n"
	    "    -f  -d  -s             foreground, debug, single thread\n"
	    "    -h  -V                 this help, versions\n\n"
	    "FUSE options:\n");
	fuse_lowlevel_help();
}

char *options_text(const struct options *o, const char *passthrough)
{
	char *text = NULL;

	if (asprintf(&text,
		     "version %s\nbacking %s\nmountpoint %s\nmemory %llu\n"
		     "size %llu\nthreads %u\npolicy %s\nalpha %g\n"
		     "floor_nats %g\ndevice_rate %llu\npassthrough %s\n"
		     "libfuse %s\n",
		     ADAPTCACHE_VERSION, o->backing, o->mountpoint,
		     (unsigned long long)o->memory, (unsigned long long)o->size,
		     o->threads, o->policy->name, o->alpha, o->floor_nats,
		     (unsigned long long)o->device_rate, passthrough,
		     fuse_pkgversion()) < 0)
		return NULL;
	return text;
}
