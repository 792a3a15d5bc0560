/*
 * bench.h - what the files of the verb bench share
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bench_options {
	char **files;
	int n_files;
	const char *scheme, *out; /* or NULL */
	uint32_t head_dim;        /* 0: guessed */
	bool json;
};

/*
 * Writes the one file to out, with its K and V as the scheme leaves them, and
 * prints what that takes.  Returns an exit status.
 */
int bench_write(const struct bench_options *o);
