/*
 * pairs.h - a list of names and values, printed for people or as JSON
 */
#pragma once

#include <stdbool.h>

/* Prints one pair; value is a number when it looks like one. */
void pairs_print(bool json, bool first, const char *name, const char *value);

/* The text as a JSON string, quotes and all. */
void pairs_json_text(const char *s);

/* Before and after all of them. */
void pairs_begin(bool json);
void pairs_end(bool json);

/*
 * Takes --json out of argv and counts what is left, which must be n_words
 * after the verb.  Returns 0, or 2 after the usage on stderr.
 */
int pairs_arguments(int argc, char **argv, int n_words, const char *usage,
		    bool *ret_json);
