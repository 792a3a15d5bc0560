/* pairs.c - a list of names and values, printed for people or as JSON */
#include "tools/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool pairs_is_number(const char *s)
{
	char *end;

	if (!strchr("-0123456789", *s) || !*s)
		return false;
	strtod(s, &end);
	return !*end;
}

void pairs_json_text(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 32)
			printf("\\u%04x", c);
		else
			printf(c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	putchar('"');
}

void pairs_begin(bool json)
{
	if (json)
		putchar('{');
}

void pairs_print(bool json, bool first, const char *name, const char *value)
{
	if (!json) {
		printf("%-28s %s\n", name, value);
		return;
	}
	printf(first ? "" : ", ");
	pairs_json_text(name);
	printf(": ");
	if (pairs_is_number(value))
		printf("%s", value);
	else
		pairs_json_text(value);
}

void pairs_end(bool json)
{
	if (json)
		puts("}");
}

int pairs_arguments(int argc, char **argv, int n_words, const char *usage,
		    bool *ret_json)
{
	int n = 1;

	*ret_json = false;
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--json"))
			*ret_json = true;
		else
			argv[n++] = argv[i];
	if (n == n_words + 1 && (n < 2 || argv[1][0] != '-'))
		return 0;
	fprintf(stderr, "usage: adaptcache %s\n", usage);
	return 2;
}
