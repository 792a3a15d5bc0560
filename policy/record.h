/*
 * record.h - a run's events and answers as lines of text, to be played again
 *
 * Whoever drives a policy writes one line per call: what was told, and what
 * was answered.  Played again from the start line on, the same policy gives
 * the same answers; `simulate --replay` checks that.  One that joined later
 * says what was held by then, but not what had been learned: it cannot be
 * played again, only simulated.  A line is one letter
 * and numbers between blanks; fractions are hexadecimal, so that nothing is
 * rounded.  Pure; thread-safe.
 */
#pragma once

#include "policy/policy.h"

enum record_event {
	RECORD_START = 'S',  /* policy, n_ghosts (count), world */
	RECORD_JOIN = 'J',   /* as RECORD_START, of a policy that ran before */
	RECORD_KNOWN = 'K',  /* then: now, id, facts, place of each it knew */
	RECORD_WORLD = 'W',  /* world */
	RECORD_ENTER = 'E',  /* now, id, facts; answered: place, read_layers */
	RECORD_HIT = 'H',    /* now, id; answered: place, read_layers */
	RECORD_PRESS = 'P',  /* now; answered: any, id, tier, place */
	RECORD_TICK = 'T',   /* now, budget (count); answered: any */
	RECORD_REVISE = 'R', /* now, id, facts */
	RECORD_MOVED = 'M',  /* now, id, place */
	RECORD_FORGET = 'F', /* id */
};

/* One call; what the event has no use for is 0. */
struct record {
	char event; /* enum record_event */
	bool any;   /* the answer of press and tick */
	uint8_t read_layers;
	uint8_t tier;
	char policy[32];
	double now_s;
	uint64_t id; /* the caller's number of the entry; never two at a time */
	uint64_t count;
	struct place place;
	struct facts facts;
	struct world world;
};

/* Enough for any line, its newline and end. */
enum { RECORD_LINE = 1024 };

/* Writes the line with its newline.  Returns 0, or -E2BIG when it does not
 * fit; -EINVAL for an unknown event. */
int record_format(const struct record *r, char *dst, size_t cap,
		  size_t *ret_len);

/* Reads a line.  Returns NULL, or what is wrong with it in a few words. */
const char *record_parse(const char *line, struct record *ret);
