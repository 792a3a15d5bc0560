/*
 * task_fit.h - a task's curve from copies that a judge has seen
 *
 * A sample is a line `eK eV DROPPED KLD`: the relative errors of what is kept,
 * the share of the tokens that are dropped, and the damage that a model was
 * seen to take (tools/measure_task.py).  Empty lines and those that begin with
 * # say nothing.  Thread-safe.
 */
#pragma once

#include <stddef.h>

#include "fs/store/task.h"

#define TASK_FIT_MAX_BYTES (1u << 20) /* of the text */

struct task_sample {
	double k_error, v_error, dropped, nats;
};

/*
 * Reads len bytes of text, any bytes.  Returns 0 with malloc'ed samples,
 * -ENOMEM, or -EINVAL with what is wrong in ret_fault.
 */
int task_fit_parse(const char *text, size_t len, struct task_sample **ret,
		   size_t *ret_n, struct task_fault *ret_fault);

/*
 * Least squares of log(predicted / seen): the default curve times one factor,
 * from the samples with nothing dropped, then gain and power of what the others
 * have beyond it.  The ratio of K to V and their powers stay: the errors of a
 * cache rise together and tell little apart.  Without samples that drop, the
 * task lets none go.  ret_factor: the root mean square of that, as a factor.
 * Returns NULL, or what is missing, as half a sentence.
 */
const char *task_fit(const struct task_sample *at, size_t n, struct damage *ret,
		     double *ret_factor);
