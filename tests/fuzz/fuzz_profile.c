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
			float step = profile_step(&p, (uint16_t)l, role, 1.0f);

			if (!(step >= SHAPE_STEP_MIN && step <= SHAPE_STEP_MAX))
				abort();
		}
	return 0;
}
