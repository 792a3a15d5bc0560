/*
 * task.h - the curve of one task, from a small text file
 *
 *   adaptcache-task 1
 *   # whatever
 *   task NAME
 *   damage K_GAIN K_POWER V_GAIN V_POWER
 *   dropped GAIN POWER
 *   sensitivity QUALITY_PER_NAT
 *
 * NAME is what user.kv.task says; the figures are those of policy/damage.h.
 * Without the line `dropped` no token may go, without `sensitivity` it is 1.
 * Words are separated by blanks; empty lines and those that begin with # say
 * nothing.  `adaptcache profile --fit` makes such a file of judged samples.
 * Thread-safe.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fs/store/setting.h"
#include "policy/damage.h"

#define TASK_MAX_BYTES (64u << 10) /* of the text */

struct task {
	char name[SETTING_TEXT_MAX];
	struct damage damage;
};

struct task_fault {
	uint32_t line;    /* from 1 on */
	const char *what; /* half a sentence */
};

/*
 * Reads len bytes of text; every byte is checked.  Returns 0, or -EINVAL with
 * what is wrong in ret_fault.
 */
int task_parse(const char *text, size_t len, struct task *ret,
	       struct task_fault *ret_fault);

/* Writes text that parses to the same, as far as six digits tell. */
void task_print(const struct task *t, FILE *out);

/* The curve of a task that is built in: `continue`.  NULL: none is. */
const struct damage *task_built_in(const char *name);
