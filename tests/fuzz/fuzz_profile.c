/* fuzz_profile.c - any bytes as a profile, or a task: what is taken is usable
 */
#include <stdlib.h>

#include "codec/codec.h"
#include "codec/profile.h"
#include "fs/store/task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void fuzz_task(const uint8_t *data, size_t len)
{
	struct task_fault fault = { 0 };
	struct task t;

	if (task_parse((const char *)data, len, &t, &fault)) {
		if (!fault.line || !fault.what)
			abort();
		return;
	}
	if (damage_fault(&t.damage) || !t.name[0])
		abort();
	damage_error(&t.damage, 0.01);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct profile p;
	struct profile_fault fault = { 0 };

	fuzz_task(data, len);
	if (profile_parse((const char *)data, len, &p, &fault)) {
		if (!fault.line || !fault.what)
			abort();
		return 0;
	}
	for (uint32_t l = 0; l <= p.n_layers; l++)
		for (uint8_t role = 0; role <= ROLE_V; role++) {
			struct shape s = { .role = role, .cols = p.k_cols };

			profile_shape(&p, (uint16_t)l, 1.0f, &s);
			if (!(s.step >= SHAPE_STEP_MIN &&
			      s.step <= SHAPE_STEP_MAX))
				abort();
			for (uint32_t c = 0; s.shift && c < s.cols; c++)
				if (s.shift[c] > SHAPE_SHIFT_MAX)
					abort();
		}
	profile_done(&p);
	return 0;
}
