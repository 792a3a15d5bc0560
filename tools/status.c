/* status.c - the figures of a mount, from its .kv/stats */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/mem.h"
#include "tools/pairs.h"
#include "tools/verbs.h"

int verb_status(int argc, char **argv)
{
	bool json, first = true;
	char line[256];
	auto_free char *path = NULL;
	int r = pairs_arguments(argc, argv, 1, "status MOUNT [--json]", &json);

	if (r)
		return r;
	if (asprintf(&path, "%s/.kv/stats", argv[1]) < 0)
		return 1;
	FILE *in = fopen(path, "r");
	if (!in) {
		fprintf(stderr,
			"adaptcache: %s is not a mount of adaptcachefs: "
			"%s\n",
			argv[1], strerror(errno));
		return 1;
	}
	pairs_begin(json);
	while (fgets(line, sizeof(line), in)) {
		char *value = strchr(line, ' ');

		line[strcspn(line, "\n")] = 0;
		if (!value)
			continue;
		*value++ = 0;
		pairs_print(json, first, line, value);
		first = false;
	}
	pairs_end(json);
	fclose(in);
	return 0;
}
