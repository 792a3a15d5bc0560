/* json.c - a strict scanner for the little JSON that file heads are made of */
#include "codec/layout/json.h"

#include <string.h>

static void json_skip_blanks(struct json *j)
{
	while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' ||
				  *j->at == '\n' || *j->at == '\r'))
		j->at++;
}

bool json_at_end(struct json *j)
{
	json_skip_blanks(j);
	return j->at == j->end;
}

bool json_next_is(struct json *j, char c)
{
	json_skip_blanks(j);
	return !j->bad && j->at < j->end && *j->at == c;
}

bool json_take(struct json *j, char c)
{
	if (!json_next_is(j, c))
		return false;

	j->at++;
	return true;
}

void json_need(struct json *j, char c)
{
	if (!json_take(j, c))
		j->bad = true;
}

struct json_text json_string(struct json *j)
{
	json_need(j, '"');

	const char *start = j->at;

	while (!j->bad && j->at < j->end && *j->at != '"') {
		if ((unsigned char)*j->at < ' ')
			j->bad = true;
		/* What is escaped may be the quote. */
		if (*j->at == '\\' && j->end - j->at > 1)
			j->at++;
		j->at++;
	}

	struct json_text text = { start, (size_t)(j->at - start) };

	json_need(j, '"');
	return j->bad ? (struct json_text){ start, 0 } : text;
}

uint64_t json_whole(struct json *j)
{
	uint64_t v = 0;

	json_skip_blanks(j);

	const char *start = j->at;

	while (j->at < j->end && *j->at >= '0' && *j->at <= '9') {
		uint64_t digit = (uint64_t)(*j->at++ - '0');

		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			j->bad = true;
	}
	if (j->at == start || (*start == '0' && j->at - start > 1))
		j->bad = true;
	return j->bad ? 0 : v;
}

size_t json_wholes(struct json *j, uint64_t *ret, size_t cap)
{
	size_t n = 0;

	json_need(j, '[');
	if (json_take(j, ']'))
		return 0;

	do {
		uint64_t v = json_whole(j);

		if (n < cap)
			ret[n] = v;
		n++;
	} while (json_take(j, ','));

	json_need(j, ']');
	return j->bad ? 0 : n;
}

bool json_take_word(struct json *j, const char *word)
{
	size_t len = strlen(word);

	json_skip_blanks(j);
	if (j->bad || (size_t)(j->end - j->at) < len ||
	    memcmp(j->at, word, len) != 0)
		return false;

	j->at += len;
	return true;
}

/* A number of any kind, true, false or null: more than these, but it ends. */
static void json_skip_plain(struct json *j)
{
	const char *start = j->at;

	while (j->at < j->end &&
	       ((*j->at >= '0' && *j->at <= '9') ||
		(*j->at >= 'a' && *j->at <= 'z') || *j->at == 'E' ||
		*j->at == '-' || *j->at == '+' || *j->at == '.'))
		j->at++;
	if (j->at == start)
		j->bad = true;
}

static void json_skip_deep(struct json *j, unsigned depth);

/* What is between the brackets, and the one that closes. */
static void json_skip_members(struct json *j, char close, unsigned depth)
{
	if (depth >= JSON_MAX_DEPTH)
		j->bad = true;
	if (json_take(j, close))
		return;
	do {
		if (close == '}') {
			json_string(j);
			json_need(j, ':');
		}
		json_skip_deep(j, depth + 1);
	} while (json_take(j, ','));
	json_need(j, close);
}

static void json_skip_deep(struct json *j, unsigned depth)
{
	if (json_take(j, '{'))
		json_skip_members(j, '}', depth);
	else if (json_take(j, '['))
		json_skip_members(j, ']', depth);
	else if (json_next_is(j, '"'))
		json_string(j);
	else
		json_skip_plain(j);
}

void json_skip(struct json *j)
{
	json_skip_deep(j, 0);
}

bool json_text_is(struct json_text text, const char *want)
{
	return strlen(want) == text.len && memcmp(text.at, want, text.len) == 0;
}
