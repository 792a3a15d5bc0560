/* adaptcache.c - looks at mounts and containers: finds the verb */
#include <stdio.h>
#include <string.h>

#include "tools/simulate.h"
#include "tools/verbs.h"

static const struct {
	const char *name, *usage, *about;
	int (*run)(int argc, char **argv);
} VERBS[] = {
	{ "info", "FILE [--json]",
	  "what is stored of a file on a mount, or of a container", verb_info },
	{ "status", "MOUNT [--json]", "the figures of a mount", verb_status },
	{ "pack", "FILE CONTAINER [options]",
	  "a file into a container, without a mount", verb_pack },
	{ "unpack", "CONTAINER OUT [options]",
	  "a container's bytes, without a mount", verb_unpack },
	{ "profile", "PROFILE [FILE]",
	  "checks a model's profile, and whether a file is of that model",
	  verb_profile },
	{ "bench", "codec FILE... [options]",
	  "codecs on files, or a file as a codec leaves it", verb_bench },
	{ "trace", "record MOUNT [options]",
	  "what a mount decides and serves, into a file", verb_trace },
	{ "simulate", "[TRACE] [options]",
	  "policies on a trace, without a mount", verb_simulate },
};
#define N_VERBS (sizeof(VERBS) / sizeof(VERBS[0]))

static void help(FILE *out)
{
	fprintf(out, "usage: adaptcache VERB ..., one of\n");
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(out, "    %-9s%-25s %s\n", VERBS[i].name,
			VERBS[i].usage, VERBS[i].about);
	fprintf(out, "    --help, --version\n");
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "--help") || !strcmp(verb, "-h")) {
		help(stdout);
		return 0;
	}
	if (!strcmp(verb, "--version") || !strcmp(verb, "-V")) {
		printf("adaptcache %s\n", ADAPTCACHE_VERSION);
		return 0;
	}
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(verb, VERBS[i].name))
			return VERBS[i].run(argc - 1, argv + 1);
	if (*verb)
		fprintf(stderr, "adaptcache: no verb %s\n", verb);
	help(stderr);
	return 2;
}
