/* line.c - the words of a line of a small text file */
#include "codec/line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool line_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool line_word(struct line *l, char word[LINE_MAX_WORD])
{
	size_t n = 0;

	while (l->at < l->end && line_blank(*l->at))
		l->at++;
	while (l->at < l->end && !line_blank(*l->at)) {
		if (n == LINE_MAX_WORD - 1 || !*l->at)
			return false;
		word[n++] = *l->at++;
	}
	word[n] = 0;
	return n > 0;
}

bool line_is(struct line *l, const char *wanted)
{
	char word[LINE_MAX_WORD];

	return line_word(l, word) && !strcmp(word, wanted);
}

bool line_number(struct line *l, double least, double most, double *ret)
{
	char word[LINE_MAX_WORD], *end;

	if (!line_word(l, word))
		return false;
	double x = strtod(word, &end);

	if (end == word || *end || !isfinite(x) || x < least || x > most)
		return false;
	*ret = x;
	return true;
}

bool line_whole(struct line *l, uint32_t least, uint32_t most, uint32_t *ret)
{
	double x;

	if (!line_number(l, least, most, &x) || x != floor(x))
		return false;
	*ret = (uint32_t)x;
	return true;
}

bool line_ends(struct line *l)
{
	while (l->at < l->end && line_blank(*l->at))
		l->at++;
	return l->at == l->end;
}

struct line line_next(const char **at, const char *end)
{
	const char *stop = memchr(*at, '\n', (size_t)(end - *at));
	struct line l = { *at, stop ? stop : end };

	*at = stop ? stop + 1 : end;
	return l;
}
