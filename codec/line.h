/*
 * line.h - the words of a line of a small text file
 *
 * What profiles and tasks are written in: lines of words between blanks.  The
 * text is anybody's: no byte of it is believed, and it need not end in a 0.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Longer than any word of such a file. */
#define LINE_MAX_WORD 64

/* The text that is left, of one line. */
struct line {
	const char *at, *end;
};

/* The line at *at, which moves to the next; at < end. */
struct line line_next(const char **at, const char *end);

/* The next word, NUL-terminated.  False: there is none, or it is too long. */
bool line_word(struct line *l, char word[LINE_MAX_WORD]);

/* Whether the next word is this one. */
bool line_is(struct line *l, const char *wanted);

/* The next word, a finite number from least to most.  False: it is none. */
bool line_number(struct line *l, double least, double most, double *ret);

/* The same, a whole one. */
bool line_whole(struct line *l, uint32_t least, uint32_t most, uint32_t *ret);

/* Whether nothing but blanks is left, which are skipped. */
bool line_ends(struct line *l);
