/*
 * sim_replay.h - plays a recorded run again, and compares every answer
 *
 * The record is that of policy/record.h.  The first bad line, or the first
 * answer that differs, is told to `errors` as file:line: what.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

struct replay_counts {
	uint64_t n_events;
	uint64_t n_answers; /* compared, and the same */
};

/* Returns 0, -errno of the file, -EINVAL (a bad line), -EBADMSG (an answer
 * differs) or -ENOMEM. */
int sim_replay(const char *path, FILE *errors, struct replay_counts *ret);
