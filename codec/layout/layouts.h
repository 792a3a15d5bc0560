/*
 * layouts.h - the layouts that exist, one file per client or container
 *
 * Only registry.c needs this; everyone else asks layout_recognise.
 */
#pragma once

#include "codec/layout/layout.h"

extern const struct layout layout_llama_seq;     /* id 1: llama.c */
extern const struct layout layout_llama_session; /* id 2: llama.c */
extern const struct layout layout_safetensors;   /* id 3: safetensors.c */
extern const struct layout layout_declared;      /* id 4: declared.c */
extern const struct layout layout_vllm;          /* id 5: vllm.c */
extern const struct layout layout_lmcache;       /* id 6: lmcache.c */
extern const struct layout layout_npy;           /* id 7: npy.c */
