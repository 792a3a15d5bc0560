/* registry.c - the ladder of codecs: one row each */
#include <stddef.h>
#include <string.h>

#include "codec/codecs.h"
#include "codec/entropy.h"

static const struct codec *const registry_codecs[] = {
	&codec_raw,  &codec_lz4,  &codec_zstd,    &codec_split16,
	&codec_grid, &codec_zero, &codec_split32,
};

#define REGISTRY_N_CODECS (sizeof(registry_codecs) / sizeof(registry_codecs[0]))

/* Below this a sample tells nothing that trying would not. */
#define REGISTRY_SAMPLE_MIN 4096u

const struct codec *codec_by_id(uint8_t id)
{
	for (size_t i = 0; i < REGISTRY_N_CODECS; i++)
		if (registry_codecs[i]->id == id)
			return registry_codecs[i];
	return NULL;
}

const struct codec *codec_by_name(const char *name)
{
	for (size_t i = 0; i < REGISTRY_N_CODECS; i++)
		if (strcmp(registry_codecs[i]->name, name) == 0)
			return registry_codecs[i];
	return NULL;
}

const struct codec *codec_choose(const struct shape *shape, const void *src)
{
	size_t len = shape_bytes(shape);

	if (zero_is(src, len))
		return &codec_zero;
	if (shape->elem == ELEM_F16 || shape->elem == ELEM_BF16)
		return shape->step > 0 ? &codec_grid : &codec_split16;
	if (shape->elem == ELEM_F32)
		return &codec_split32;
	if (len >= REGISTRY_SAMPLE_MIN && entropy_is_noise(src, len))
		return &codec_raw;
	return &codec_zstd;
}
