/* options.c - the command line of adaptcachefs */
#define FUSE_USE_VERSION 314
#include "fs/options.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stddef.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/config.h"
#include "fs/store/setting.h"
#include "fs/store/store.h"
#include "policy/registry.h"

struct raw {
	struct options *o;
	char *lines; /* those of config.h, as they came */
	char *config, *profiles;
	int no_passthrough, allow_other, default_permissions;
	int n_positional;
};

enum { OPTIONS_VALUE = 1 }; /* one of config.h's keys */

#define OPTION(template, member)                                               \
	{                                                                      \
		template, offsetof(struct raw, member), 1                      \
	}
/* As FUSE_OPT_KEY, which clang warns of. */
#define VALUE(key)                                                             \
	{                                                                      \
		key, (unsigned long)-1U, OPTIONS_VALUE                         \
	}
static const struct fuse_opt OPTIONS[] = {
	VALUE("memory="),
	VALUE("size="),
	VALUE("threads="),
	VALUE("policy="),
	VALUE("quality="),
	VALUE("alpha="),
	VALUE("recompute="),
	VALUE("high="),
	VALUE("low="),
	VALUE("free="),
	VALUE("device_rate="),
	VALUE("record="),
	OPTION("config=%s", config),
	OPTION("profiles=%s", profiles),
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

/* Another line for config.h. */
static int options_line(struct raw *raw, const char *line)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s\n", raw->lines ? raw->lines : "", line) < 0)
		return -1;
	free(raw->lines);
	raw->lines = longer;
	return 0;
}

/* The first word that is no option is ours, the second is the mount point. */
static int options_word(void *data, const char *arg, int key,
			struct fuse_args *out)
{
	struct raw *raw = data;

	(void)out;
	if (key == OPTIONS_VALUE)
		return options_line(raw, arg);
	if (key != FUSE_OPT_KEY_NONOPT)
		return 1;
	if (raw->n_positional++ || !*arg)
		return 1;
	raw->o->backing = strdup(arg);
	return raw->o->backing ? 0 : -1;
}

/* Defaults, then the file, then the command line. */
static int options_values(const struct raw *raw, struct options *o)
{
	struct store_options defaults;
	char why[CONFIG_WHY] = "out of memory";
	int r = 0;

	store_defaults(o->backing, &defaults);
	o->memory = defaults.memory;
	o->size = defaults.size;
	o->threads = defaults.threads;
	o->high = defaults.high;
	o->low = defaults.low;
	o->alpha = defaults.alpha;
	o->recompute = defaults.recompute;
	o->policy = policy_find("adapt");
	o->passthrough = true;
	if (raw->config)
		r = config_file(o, raw->config, why);
	if (r == 0 && raw->lines)
		r = config_lines(o, raw->lines, strlen(raw->lines), false, why);
	if (raw->no_passthrough)
		o->passthrough = false;
	return r < 0 ? options_fault("%s", why) : 0;
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

	r = options_values(raw, o);
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
	free(raw.lines);
	free(raw.config);
	o.profiles = raw.profiles ? raw.profiles : strdup(ADAPTCACHE_PROFILES);
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
	free(o->profiles);
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
	    "    -o quality=Q           what may be lost where nobody says "
	    "otherwise:\n"
	    "                             exact (default), or nats, as "
	    "kld:0.005\n"
	    "    -o alpha=N             seconds that a unit of quality is "
	    "worth (default: 1)\n"
	    "    -o recompute=N         bytes of cache that the engine makes "
	    "in a second\n"
	    "                             (default: 100M)\n"
	    "    -o high=P,low=P        percent of a tier: above high it is "
	    "emptied to low\n"
	    "    -o free=N              bytes of BACKING's file system left "
	    "to others\n"
	    "    -o device_rate=N       BACKING at N bytes a second, for "
	    "experiments\n"
	    "    -o config=FILE         these, one key=value a line\n");
	printf("    -o profiles=DIR        layer profiles of models (default:\n"
	       "                             " ADAPTCACHE_PROFILES ")\n"
	       "    -o record=FILE         every decision, for simulate "
	       "--replay\n");
	printf("    -o no_passthrough      serve every read by a reply\n"
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
	char floor_nats[SETTING_NUMBER_MAX], alpha[SETTING_NUMBER_MAX];

	setting_write(o->floor_nats, floor_nats);
	setting_write(o->alpha, alpha);
	if (asprintf(&text,
		     "version %s\nbacking %s\nmountpoint %s\nmemory %llu\n"
		     "size %llu\nthreads %u\npolicy %s\nquality %s\n"
		     "alpha %s\nrecompute %llu\nhigh %u\nlow %u\nfree %llu\n"
		     "device_rate %llu\npassthrough %s\nlibfuse %s\n",
		     ADAPTCACHE_VERSION, o->backing, o->mountpoint,
		     (unsigned long long)o->memory, (unsigned long long)o->size,
		     o->threads, o->policy->name, floor_nats, alpha,
		     (unsigned long long)o->recompute, o->high,
		     o->low ? o->low : o->high, (unsigned long long)o->free,
		     (unsigned long long)o->device_rate, passthrough,
		     fuse_pkgversion()) < 0)
		return NULL;
	return text;
}
