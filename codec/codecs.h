/*
 * codecs.h - the codecs that exist, one per file codec_<name>.c
 *
 * Only registry.c needs this; everyone else asks codec_by_id.
 */
#pragma once

#include <stdbool.h>

#include "codec/codec.h"

extern const struct codec codec_raw;     /* id 0: any element */
extern const struct codec codec_lz4;     /* id 1: any element */
extern const struct codec codec_zstd;    /* id 2: any element */
extern const struct codec codec_split16; /* id 3: ELEM_F16, ELEM_BF16 */
extern const struct codec codec_grid;    /* id 4: ELEM_F16, ELEM_BF16 */
extern const struct codec codec_zero;    /* id 5: any element */
extern const struct codec codec_split32; /* id 6: ELEM_F32 */

/* Whether codec_zero takes these bytes. */
bool zero_is(const void *src, size_t len);
