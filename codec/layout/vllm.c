/*
 * vllm.c - the blocks that vLLM's offloading writes to a file system
 *
 * A block is DIR_rN/HHH/HH_gG/HASH.bin (N a rank, G a group of layers, H the
 * first digits of HASH), and raw.  DIR/config.json says what holds for all
 * blocks, but not how long a token's row is: that follows from the size.
 *
 * 1. A block is one worker after another, each with all layers of the group,
 *    each layer with all tokens of the file's blocks, and padded to 4 KiB at
 *    its end: WLBTC.  A token's row is K and V beside each other, head by head,
 *    or a latent.
 * 2. config.json is one object.  Wanted are tokens_per_hash (its older name
 *    marks blocks of another order), blocks_per_file, dtype (of the cache),
 *    the sizes of parallelism, and kv_cache_groups: an array of {
 *    tokens_per_block, layer_names }.
 * 3. Known only without pipeline and context parallelism, which share layers
 *    and tokens out; with groups of the same shape, for a file is as long as
 *    the largest of them; and with layers that all are attention, for hybrid
 *    models keep recurrent state in blocks of the same size.  A
 *    canonical_format or storage_format is another order of bytes.
 * 4. Only with "parallel_agnostic": false are the workers those that wrote it.
 *    Without it heads may stand outermost, and nothing vouches for the rows.
 * 5. With it, tokens are taken to stand outside of heads, as they do unless
 *    vLLM was told otherwise; the configuration does not say.  A declaration
 *    does: WLBHTC.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "codec/codec.h"
#include "codec/layout/axes.h"
#include "codec/layout/json.h"
#include "codec/layout/layouts.h"
#include "codec/mem.h"

/* Names of 1,000 layers. */
#define VLLM_MAX_CONFIG (64u << 10)

#define VLLM_MAX_PATH 4096u

/* A file is padded to this. */
#define VLLM_ALIGN 4096u

/* A row is a multiple of this: K and V of 16 channels. */
#define VLLM_ROW_BYTES 64u

struct vllm_config {
	uint64_t tokens_per_hash, blocks, tp, pp, pcp, dcp;
	uint64_t tokens, layers; /* of each group */
	unsigned n_groups;
	uint8_t elem;
	bool workers_known;
	bool strange; /* another order of bytes, or no attention */
};

static const struct vllm_whole {
	const char *key;
	size_t at;
} vllm_wholes[] = {
	{ "tokens_per_hash", offsetof(struct vllm_config, tokens_per_hash) },
	{ "blocks_per_file", offsetof(struct vllm_config, blocks) },
	{ "tp_size", offsetof(struct vllm_config, tp) },
	{ "pp_size", offsetof(struct vllm_config, pp) },
	{ "pcp_size", offsetof(struct vllm_config, pcp) },
	{ "dcp_size", offsetof(struct vllm_config, dcp) },
};

#define VLLM_N_WHOLES (sizeof(vllm_wholes) / sizeof(vllm_wholes[0]))

static uint8_t vllm_elem(struct json_text name)
{
	if (json_text_is(name, "bfloat16"))
		return ELEM_BF16;
	if (json_text_is(name, "float16") || json_text_is(name, "half"))
		return ELEM_F16;
	if (json_text_is(name, "float32"))
		return ELEM_F32;
	return ELEM_U8;
}

/* Attention's name ends so; a recurrent layer's and an indexer's do not. */
static bool vllm_is_attention(struct json_text name)
{
	static const char end[] = ".attn";
	size_t len = sizeof(end) - 1;

	return name.len > len && !memcmp(name.at + name.len - len, end, len);
}

/* Returns how many there are. */
static uint64_t vllm_layers(struct json *j, struct vllm_config *c)
{
	uint64_t n = 0;

	json_need(j, '[');
	do {
		c->strange |= !vllm_is_attention(json_string(j));
		n++;
	} while (json_take(j, ','));
	json_need(j, ']');
	return n;
}

static void vllm_group(struct json *j, struct vllm_config *c)
{
	uint64_t tokens = 0, layers = 0;

	json_need(j, '{');
	do {
		struct json_text key = json_string(j);

		json_need(j, ':');
		if (json_text_is(key, "tokens_per_block"))
			tokens = json_whole(j);
		else if (json_text_is(key, "layer_names"))
			layers = vllm_layers(j, c);
		else
			json_skip(j);
	} while (json_take(j, ','));
	json_need(j, '}');

	if (!c->n_groups++) {
		c->tokens = tokens;
		c->layers = layers;
	}
	c->strange |= c->tokens != tokens || c->layers != layers;
}

static void vllm_groups(struct json *j, struct vllm_config *c)
{
	json_need(j, '[');
	do
		vllm_group(j, c);
	while (json_take(j, ','));
	json_need(j, ']');
}

static void vllm_value(struct json *j, struct json_text key,
		       struct vllm_config *c)
{
	for (size_t i = 0; i < VLLM_N_WHOLES; i++)
		if (json_text_is(key, vllm_wholes[i].key)) {
			uint64_t v = json_whole(j);

			memcpy((char *)c + vllm_wholes[i].at, &v, sizeof(v));
			return;
		}
	if (json_text_is(key, "dtype"))
		c->elem = vllm_elem(json_string(j));
	else if (json_text_is(key, "kv_cache_groups"))
		vllm_groups(j, c);
	else if (json_text_is(key, "parallel_agnostic"))
		c->workers_known = json_take_word(j, "false");
	else
		json_skip(j);
	if (json_text_is(key, "canonical_format") ||
	    json_text_is(key, "storage_format"))
		c->strange = true;
}

/* Returns whether it is a configuration whose blocks are known. */
static bool vllm_config_parse(const char *text, size_t len,
			      struct vllm_config *c)
{
	struct json j = { .at = text, .end = text + len };

	json_need(&j, '{');
	do {
		struct json_text key = json_string(&j);

		json_need(&j, ':');
		vllm_value(&j, key, c);
	} while (json_take(&j, ','));
	json_need(&j, '}');

	if (j.bad || !json_at_end(&j))
		return false;
	return !c->strange && c->elem != ELEM_U8 && c->n_groups && c->pp == 1 &&
	       c->pcp == 1 && c->dcp == 1 && c->tokens_per_hash;
}

/* HASH.bin, or HASH.bin_RANDOM.tmp as it is still being written. */
static bool vllm_is_hash(const char *file)
{
	size_t digits = strspn(file, "0123456789abcdef");
	const char *end = file + digits;

	return digits >= 8 && !strncmp(end, ".bin", 4) &&
	       (!end[4] || end[4] == '_');
}

/* What is left of a path without a number at its end; 0: no number. */
static size_t vllm_before_number(const char *path, size_t len)
{
	size_t at = len;

	while (at && path[at - 1] >= '0' && path[at - 1] <= '9')
		at--;
	return at < len ? at : 0;
}

/* The configuration's path from a block's.  Returns whether it is a block. */
static bool vllm_config_name(const char *name, char *ret, size_t cap)
{
	const char *slash = strrchr(name, '/');
	char folders[12];

	if (!slash || !vllm_is_hash(slash + 1))
		return false;
	snprintf(folders, sizeof(folders), "/%.3s/%.2s_g", slash + 1,
		 slash + 4);

	size_t len = strlen(folders);
	size_t at = vllm_before_number(name, (size_t)(slash - name));

	if (at < len || memcmp(name + at - len, folders, len) != 0)
		return false;
	at = vllm_before_number(name, at - len);
	if (at < 3 || memcmp(name + at - 2, "_r", 2) != 0)
		return false;

	int n = snprintf(ret, cap, "%.*s/config.json", (int)(at - 2), name);

	return n > 0 && (size_t)n < cap;
}

static int vllm_read_config(const struct source *src, struct vllm_config *ret)
{
	char name[VLLM_MAX_PATH];
	size_t len = 0;

	if (!src->name || !src->sidecar || strlen(src->name) >= VLLM_MAX_PATH ||
	    !vllm_config_name(src->name, name, sizeof(name)))
		return -ENOENT;

	auto_free char *text = malloc(VLLM_MAX_CONFIG);

	if (!text)
		return -ENOMEM;
	if (src->sidecar(src->ctx, name, text, VLLM_MAX_CONFIG, &len) < 0)
		return -ENOENT;
	return vllm_config_parse(text, len, ret) ? 0 : -ENOENT;
}

static uint64_t vllm_padded(uint64_t len)
{
	return (len + VLLM_ALIGN - 1) / VLLM_ALIGN * VLLM_ALIGN;
}

/* Bytes of a row, if the size leaves just one answer; else 0. */
static uint64_t vllm_row_bytes(uint64_t size, const struct axes *a)
{
	uint64_t unit;

	if (axes_elems(a, &unit) < 0 || size > INT64_MAX ||
	    __builtin_mul_overflow(unit, VLLM_ROW_BYTES, &unit) || unit > size)
		return 0;

	uint64_t n = size / unit;

	if (n * unit != size && vllm_padded(n * unit) != size)
		return 0;
	if (vllm_padded((n - 1) * unit) == size)
		return 0;
	return n * VLLM_ROW_BYTES;
}

static int vllm_recognise(const struct source *src, struct extents *ret)
{
	struct vllm_config c = { .elem = ELEM_U8 };
	struct axes axes = { 0 };
	int r = vllm_read_config(src, &c);

	if (r < 0)
		return r;
	axes_add(&axes, 'W', c.tp);
	axes_add(&axes, 'L', c.layers);
	axes_add(&axes, 'B', c.blocks);
	axes_add(&axes, 'T', c.tokens);
	axes_add(&axes, 'C', 1);

	uint64_t row = vllm_row_bytes(src->size, &axes);

	if (!row)
		return -ENOENT;
	axes.dim[4] = row / elem_bytes(c.elem);
	r = axes_list(&axes, c.elem, 0, ret);
	for (size_t i = 0; r == 0 && i < ret->n && !c.workers_known; i++)
		ret->at[i].role = ROLE_NONE;
	return r == -EINVAL ? -ENOENT : r;
}

const struct layout layout_vllm = {
	.id = 5,
	.name = "vllm-block",
	.recognise = vllm_recognise,
};
