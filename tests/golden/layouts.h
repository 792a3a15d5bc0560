/*
 * layouts.h - files of clients that say what they are beside their bytes
 *
 * For make_golden.c: each a content, and the facts to recognise it by.
 */
#pragma once

#include <errno.h>
#include <string.h>

#include "codec/layout/declare.h"
#include "codec/layout/layout.h"
#include "tests/golden/plain.h"

/* A page of SGLang's behind a head: K, then V, of two layers of the model. */
static inline void make_declared(struct plain *p)
{
	plain_bytes(p, "a head of 28 bytes, verbatim", 28);
	for (int i = 0; i < 4; i++)
		plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 16);
}

static const struct declaration declared = {
	.given = DECLARE_TENSOR | DECLARE_HEADER,
	.elem = ELEM_BF16,
	.axes = { .n = 5,
		  .letter = { '2', 'L', 'T', 'H', 'D' },
		  .dim = { 2, 1, 1, 1, 1 } },
	.dims = 0x1e,
	.dim = { [1] = 2, [3] = 2, [4] = 8 },
	.header = 28,
};

static const struct source facts_declared = { .declared = &declared };

/* A block of vLLM, padded: 70 rows of 32 values in each of two layers. */
static inline void make_vllm(struct plain *p)
{
	plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 32);
	plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 32);
	plain_zeros(p, 12288 - p->len);
}

static inline int vllm_sidecar(void *ctx, const char *name, void *buf,
			       size_t cap, size_t *ret_len)
{
	static const char config[] =
	    "{\"blocks_per_file\": 2, \"dcp_size\": 1, \"dtype\": \"bfloat16\","
	    "\"kv_cache_groups\": [{\"layer_names\": "
	    "[\"layers.0.self_attn.attn\", \"layers.1.self_attn.attn\"],"
	    "\"tokens_per_block\": 35}], \"parallel_agnostic\": false,"
	    "\"pcp_size\": 1, \"pp_size\": 1, \"tokens_per_hash\": 35,"
	    "\"tp_size\": 1}";

	(void)ctx;
	if (strcmp(name, "m_0123456789ab/config.json") != 0)
		return -ENOENT;
	if (cap < sizeof(config) - 1)
		return -E2BIG;
	memcpy(buf, config, sizeof(config) - 1);
	*ret_len = sizeof(config) - 1;
	return 0;
}

static const struct source facts_vllm = {
	.name = "m_0123456789ab_r0/0a1/b2_g0/0a1b2c3d4e5f6789.bin",
	.sidecar = vllm_sidecar,
};

/* A chunk of LMCache: K, then V, of one layer of the model. */
static inline void make_lmcache(struct plain *p)
{
	static const uint32_t head[] = { 70 * 64, 1, 3, 2, 1, 70, 16 };

	for (int i = 0; i < 7; i++)
		plain_u32(p, head[i]);
	plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 16);
	plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 16);
}

static inline void make_npy(struct plain *p)
{
	static const char head[] =
	    "\x93NUMPY\x01\x00\x46\x00"
	    "{'descr': '<f2', 'fortran_order': False, 'shape': (70, 2, 8), }"
	    "      \n";

	plain_bytes(p, head, sizeof(head) - 1);
	plain_sample(p, SAMPLE_NORMAL, ELEM_F16, 70, 16);
}

/* As LMCache makes it: the head padded with blanks, metadata inside. */
static inline void make_safetensors_lmcache(struct plain *p)
{
	static const char json[] =
	    "{\"kvcache\":{\"dtype\":\"BF16\",\"shape\":[2,1,70,16],"
	    "\"data_offsets\":[0,4480],"
	    "\"__metadata__\":{\"lmcache_version\":\"1\",\"fmt\":1}}}";

	plain_u64(p, 4088);
	plain_bytes(p, json, sizeof(json) - 1);
	plain_zeros(p, 4096 - p->len);
	memset(p->at + 8 + sizeof(json) - 1, ' ', 4088 - (sizeof(json) - 1));
	plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 16);
	plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 16);
}

/* As MLX makes it: no padding, so the tensor begins at an odd place. */
static inline void make_safetensors_mlx(struct plain *p)
{
	static const char json[] = "{\"0.0\":{\"dtype\":\"F16\","
				   "\"shape\":[1,2,70,16],"
				   "\"data_offsets\":[0,4480]}} ";

	plain_u64(p, sizeof(json) - 1);
	plain_bytes(p, json, sizeof(json) - 1);
	plain_sample(p, SAMPLE_NORMAL, ELEM_F16, 140, 16);
}
