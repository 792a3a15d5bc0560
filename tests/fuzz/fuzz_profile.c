/* fuzz_profile.c - any bytes as a profile: what is taken gives usable steps */
#include <stdlib.h>

#include "codec/codec.h"
#include "codec/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct profile p;
	struct profile_fault fault = { 0 };

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
