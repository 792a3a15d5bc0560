/*
 * json.h - a strict scanner for the little JSON that file heads are made of
 *
 * It moves over bytes in memory and never allocates; an error sticks, and
 * every later call answers nothing.  Strings are not unescaped: what is looked
 * for has no escapes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 16

struct json {
	const char *at;
	const char *end;
	bool bad; /* not JSON, or not what was asked for */
};

/* A string between its quotes, borrowed, as it is written. */
struct json_text {
	const char *at;
	size_t len;
};

/* Skips blanks, then this character if it is next. */
bool json_take(struct json *j, char c);

/* Skips blanks; whether this character is next. */
bool json_next_is(struct json *j, char c);

/* Skips blanks; this character must be next. */
void json_need(struct json *j, char c);

/* A string; on error len is 0. */
struct json_text json_string(struct json *j);

/* A whole number without sign; on error 0. */
uint64_t json_whole(struct json *j);

/*
 * Passes over an array of whole numbers and keeps the first cap of them.
 * Returns how many there were, 0 on error.
 */
size_t json_wholes(struct json *j, uint64_t *ret, size_t cap);

/* Skips blanks, then this word (a letter behind it or not) if it is next. */
bool json_take_word(struct json *j, const char *word);

/* Passes over any value; arrays and objects in each other JSON_MAX_DEPTH deep.
 */
void json_skip(struct json *j);

/* Skips blanks; whether nothing is left. */
bool json_at_end(struct json *j);

bool json_text_is(struct json_text text, const char *want);
