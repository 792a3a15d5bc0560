/*
 * config.h - options as lines of key=value: one grammar for the command line,
 * a file, and .kv/control
 *
 *   memory=16G  size=400G  threads=4  policy=adapt  alpha=0.5
 *   recompute=100M  high=95  low=90  free=10G  no_passthrough
 *
 * Blank lines and what follows a # at the start of a line are passed over.  A
 * key that comes twice has its last value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct options;

#define CONFIG_WHY 256

/*
 * Sets what the lines say, text of len bytes; live: only what a running daemon
 * can change.  On -EINVAL *o is as it was and why names the line and what is
 * wrong with it.
 */
int config_lines(struct options *o, const char *text, size_t len, bool live,
		 char why[CONFIG_WHY]);

/* The lines of a file; why begins with its name then. */
int config_file(struct options *o, const char *path, char why[CONFIG_WHY]);

/* What a running daemon can change, as lines that set it; malloc'ed or NULL. */
char *config_text(const struct options *o);
