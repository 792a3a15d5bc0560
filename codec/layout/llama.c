/*
 * llama.c - the state files of llama.cpp: sequences and sessions
 *
 * All words little-endian; no alignment anywhere.
 *
 * 1. Sequence: "qsgg", u32 version, u32 n, i32 words[n], memory.
 *    Session:  "nsgg", u32 version, u32 n, i32 tokens[n], u32 len, char
 *    arch[len], [outputs], memory.  outputs (2025 and before) = u32 n, i32
 *    ids[n], u64 n, f32 logits[n], u64 n, f32 embeddings[n].
 * 2. memory = one cache after another up to the end of the file (a model with
 *    sliding windows has two), then perhaps the state of recurrent layers.
 * 3. cache = [u32 n_stream] and so many streams; a stream is u32 n_cells and,
 *    if that is not 0, the cells' heads, u32 v_trans, u32 n_layer, [8 zero
 *    bytes], K of all layers, V of all layers.
 * 4. A cell's head = i32 pos, u32 n_seq, [extension of 8 or 12 bytes], i32
 *    seq[n_seq].
 * 5. K of a layer = i32 type, u64 row_bytes, n_cells rows.  V alike if v_trans
 *    is 0; else i32 type, u32 value_bytes, u32 n_channels and channel by
 *    channel n_cells values.
 * 6. Recurrent state = u32 n_cells, the cells' heads, u32 0, u32 n_layer, [8
 *    zero bytes], then kind by kind (two or three of them), for as many layers
 *    as are recurrent, i32 type, u64 row_bytes, n_cells rows.
 *
 * What is in brackets depends on the version and on the model and is announced
 * nowhere.  So every reading is tried, the likely ones first, until one ends
 * with the file; a wrong one soon meets an unknown type or the end.
 *
 * Recurrent state is not listed.  A model with nothing else writes what also is
 * a cache of early 2025 (no n_stream): there only 16-bit values are listed, and
 * without a role.
 */
#include <errno.h>
#include <stdbool.h>

#include "codec/codec.h"
#include "codec/layout/cursor.h"
#include "codec/layout/layouts.h"

#define LLAMA_SEQ_MAGIC     0x67677371u /* "qsgg" */
#define LLAMA_SESSION_MAGIC 0x6767736eu /* "nsgg" */

/* Model layers of one cache: far above every model, far below nonsense. */
#define LLAMA_MAX_LAYERS 1024u

/* Streams, that is, sequences side by side: as many as llama.cpp allows. */
#define LLAMA_MAX_STREAMS 256u

/* A cell belongs to so many sequences at most. */
#define LLAMA_MAX_SEQ 256u

#define LLAMA_MAX_ARCH 256u

/* Caches of one model: sliding windows, indexers. */
#define LLAMA_MAX_CACHES 4u

/* Kinds of recurrent state. */
#define LLAMA_MAX_STATES 3u

/* Tokens: bounds what a forged head makes us read. */
#define LLAMA_MAX_CELLS (1u << 24)

struct llama_type {
	uint8_t elem;        /* enum elem; ELEM_U8: quantised, opaque */
	uint8_t block_bytes; /* rows are whole blocks; 0: unknown type */
};

/* By ggml's number of the type. */
static const struct llama_type llama_types[] = {
	[0] = { ELEM_F32, 4 },  [1] = { ELEM_F16, 2 },  [2] = { ELEM_U8, 18 },
	[3] = { ELEM_U8, 20 },  [6] = { ELEM_U8, 22 },  [7] = { ELEM_U8, 24 },
	[8] = { ELEM_U8, 34 },  [20] = { ELEM_U8, 18 }, [30] = { ELEM_BF16, 2 },
	[39] = { ELEM_U8, 17 }, [40] = { ELEM_U8, 36 },
};

#define LLAMA_N_TYPES (sizeof(llama_types) / sizeof(llama_types[0]))

/* One reading of what the file does not say. */
struct llama_reading {
	bool no_streams; /* early 2025: no n_stream, one stream */
	bool no_v;       /* a model with latent attention has K alone */
	bool padded;     /* 8 zero bytes after n_layer */
	bool recurrent;  /* the last part is recurrent state */
	uint8_t cell_extension;
};

struct llama_parser {
	struct cursor c;
	struct llama_reading how;
	struct extents *ret;
	uint32_t n_cells; /* of the stream being read */
};

static struct llama_type llama_type_get(struct llama_parser *p)
{
	uint32_t type = cursor_u32(&p->c);

	if (type >= LLAMA_N_TYPES || !llama_types[type].block_bytes) {
		cursor_fail(&p->c);
		return (struct llama_type){ ELEM_U8, 1 };
	}
	return llama_types[type];
}

/* Passes over n_rows rows and lists them if they are floats. */
static void llama_rows(struct llama_parser *p, struct extent *e,
		       uint64_t n_rows, uint64_t row_bytes)
{
	size_t size = elem_bytes(e->elem);

	e->off = p->c.pos;
	e->len = n_rows * row_bytes;
	e->cols = (uint32_t)(row_bytes / size);
	cursor_skip(&p->c, n_rows, row_bytes);
	if (p->how.no_streams) {
		e->role = ROLE_NONE;
		if (e->elem == ELEM_F32)
			return;
	}
	if (p->c.err || e->elem == ELEM_U8)
		return;

	p->c.err = extents_add(p->ret, e);
}

/* The type and the length of a row, which is not 0 unless the cursor failed. */
static struct llama_type llama_row_get(struct llama_parser *p, uint64_t *ret)
{
	struct llama_type type = llama_type_get(p);
	uint64_t row_bytes = cursor_u64(&p->c);

	if (!row_bytes || row_bytes % type.block_bytes ||
	    row_bytes > UINT32_MAX)
		cursor_fail(&p->c);
	*ret = row_bytes;
	return type;
}

static void llama_tensor(struct llama_parser *p, uint8_t role, uint32_t layer)
{
	uint64_t row_bytes;
	struct llama_type type = llama_row_get(p, &row_bytes);
	struct extent e = { .elem = type.elem,
			    .role = role,
			    .model_layer = (uint16_t)layer };

	llama_rows(p, &e, p->n_cells, row_bytes);
}

/*
 * A row of a transposed V is a channel, not a token: whoever takes rows for
 * tokens must not know it as V.
 */
static void llama_tensor_turned(struct llama_parser *p, uint32_t layer)
{
	struct llama_type type = llama_type_get(p);
	uint32_t value_bytes = cursor_u32(&p->c);
	uint32_t n_channels = cursor_u32(&p->c);
	struct extent e = { .elem = type.elem,
			    .role = ROLE_NONE,
			    .model_layer = (uint16_t)layer };

	if (value_bytes != type.block_bytes || !n_channels)
		cursor_fail(&p->c);
	llama_rows(p, &e, n_channels, (uint64_t)p->n_cells * value_bytes);
}

/* Their number, then their heads. */
static void llama_cells(struct llama_parser *p, uint8_t extension)
{
	p->n_cells = cursor_u32(&p->c);
	if (p->n_cells > LLAMA_MAX_CELLS)
		cursor_fail(&p->c);
	for (uint32_t i = 0; i < p->n_cells && !p->c.err; i++) {
		cursor_skip(&p->c, 1, sizeof(int32_t));

		uint32_t n_seq = cursor_u32(&p->c);

		if (n_seq > LLAMA_MAX_SEQ)
			cursor_fail(&p->c);
		cursor_skip(&p->c, 1, extension);
		cursor_skip(&p->c, n_seq, sizeof(int32_t));
	}
}

static uint32_t llama_layers(struct llama_parser *p, bool padded)
{
	uint32_t n_layers = cursor_u32(&p->c);

	if (!n_layers || n_layers > LLAMA_MAX_LAYERS)
		cursor_fail(&p->c);
	if (padded && cursor_u64(&p->c))
		cursor_fail(&p->c);
	return n_layers;
}

static void llama_stream(struct llama_parser *p)
{
	llama_cells(p, p->how.cell_extension);
	if (!p->n_cells || p->c.err)
		return;

	uint32_t v_trans = cursor_u32(&p->c);
	uint32_t n_layers = llama_layers(p, p->how.padded);

	if (v_trans > 1)
		cursor_fail(&p->c);
	for (uint32_t i = 0; i < n_layers && !p->c.err; i++)
		llama_tensor(p, ROLE_K, i);
	for (uint32_t i = 0; i < n_layers && !p->c.err && !p->how.no_v; i++) {
		if (v_trans)
			llama_tensor_turned(p, i);
		else
			llama_tensor(p, ROLE_V, i);
	}
}

static void llama_cache(struct llama_parser *p)
{
	uint32_t n_streams = p->how.no_streams ? 1 : cursor_u32(&p->c);

	if (!n_streams || n_streams > LLAMA_MAX_STREAMS)
		cursor_fail(&p->c);
	for (uint32_t i = 0; i < n_streams && !p->c.err; i++)
		llama_stream(p);
}

/*
 * To the end of the file.  Kinds differ in the length of their rows, and each
 * has as many layers as the first; two of the same length look like one.
 */
static void llama_states(struct llama_parser *p, uint32_t max_layers)
{
	uint64_t last = 0, row_bytes;
	uint32_t n[LLAMA_MAX_STATES + 1] = { 0 };
	unsigned kind = 0;

	while (cursor_left(&p->c) && !p->c.err) {
		llama_row_get(p, &row_bytes);
		cursor_skip(&p->c, p->n_cells, row_bytes);
		kind += row_bytes != last;
		last = row_bytes;
		if (kind > LLAMA_MAX_STATES ||
		    n[kind]++ >= LLAMA_MAX_STATES * max_layers)
			cursor_fail(&p->c);
		if (p->c.err)
			return;
	}
	for (unsigned i = 2; i <= kind; i++)
		if (n[i] != n[1])
			cursor_fail(&p->c);
	if (!kind || (kind == 1 && n[1] % 2))
		cursor_fail(&p->c);
}

/*
 * Whether all that is left is recurrent state; else the cursor stays.  Any
 * error but -ENOENT sticks.
 */
static bool llama_is_recurrent(struct llama_parser *p, bool padded)
{
	uint64_t start = p->c.pos;

	llama_cells(p, 0);
	if (cursor_u32(&p->c))
		cursor_fail(&p->c);

	uint32_t n_layers = llama_layers(p, padded);

	if (!p->c.err)
		llama_states(p, n_layers);
	if (p->c.err == -ENOENT)
		cursor_rewind(&p->c, start);
	return p->c.pos != start;
}

/* Returns 0 when this reading ends with the file. */
static int llama_memory_as(struct llama_parser *p, uint64_t start,
			   const struct llama_reading *how)
{
	p->how = *how;
	p->ret->n = 0;
	cursor_rewind(&p->c, start);
	llama_cache(p);
	for (unsigned i = 1; i < LLAMA_MAX_CACHES && cursor_left(&p->c); i++) {
		if (how->recurrent && !p->c.err &&
		    (llama_is_recurrent(p, false) ||
		     llama_is_recurrent(p, true)))
			return p->c.err;
		llama_cache(p);
		/* A zero is too little to be one. */
		if (how->no_streams && !p->n_cells)
			cursor_fail(&p->c);
	}
	if (cursor_left(&p->c) || how->recurrent)
		cursor_fail(&p->c);
	return p->c.err;
}

/* From where the cursor is to the end of the file. */
static int llama_memory(struct llama_parser *p)
{
	static const uint8_t extensions[] = { 0, 8, 12 };
	uint64_t start = p->c.pos;

	for (unsigned i = 0; i < 16 * sizeof(extensions); i++) {
		struct llama_reading how = {
			.padded = !(i & 1),
			.no_v = i & 2,
			.no_streams = i & 4,
			.cell_extension = extensions[i / 8 % 3],
			.recurrent = i >= 8 * sizeof(extensions),
		};
		int r = -ENOENT;

		if (!how.recurrent || !how.no_streams)
			r = llama_memory_as(p, start, &how);
		if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

/* Begins; most files end here, for another layout to try. */
static int llama_open(struct llama_parser *p, const struct source *src,
		      uint32_t magic, struct extents *ret)
{
	cursor_init(&p->c, src);
	p->ret = ret;
	if (cursor_u32(&p->c) != magic)
		cursor_fail(&p->c);
	return p->c.err;
}

static void llama_skip_ids(struct llama_parser *p)
{
	uint32_t n = cursor_u32(&p->c);

	cursor_skip(&p->c, n, sizeof(int32_t));
}

static void llama_skip_floats(struct llama_parser *p)
{
	uint64_t n = cursor_u64(&p->c);

	cursor_skip(&p->c, n, sizeof(float));
}

static void llama_version(struct llama_parser *p, uint32_t min, uint32_t max)
{
	uint32_t version = cursor_u32(&p->c);

	if (version < min || version > max)
		cursor_fail(&p->c);
	llama_skip_ids(p);
}

static int llama_seq_recognise(const struct source *src, struct extents *ret)
{
	struct llama_parser p;
	int r = llama_open(&p, src, LLAMA_SEQ_MAGIC, ret);

	if (r < 0)
		return r;
	llama_version(&p, 2, 4);
	return p.c.err ? p.c.err : llama_memory(&p);
}

static void llama_outputs(struct llama_parser *p)
{
	llama_skip_ids(p);
	llama_skip_floats(p);
	llama_skip_floats(p);
}

static int llama_session_recognise(const struct source *src,
				   struct extents *ret)
{
	struct llama_parser p;
	int r = llama_open(&p, src, LLAMA_SESSION_MAGIC, ret);

	if (r < 0)
		return r;
	llama_version(&p, 9, 11);

	uint32_t arch_len = cursor_u32(&p.c);

	if (arch_len > LLAMA_MAX_ARCH)
		cursor_fail(&p.c);
	cursor_skip(&p.c, arch_len, 1);
	if (p.c.err)
		return p.c.err;

	uint64_t start = p.c.pos;

	r = llama_memory(&p);
	if (r != -ENOENT)
		return r;

	cursor_rewind(&p.c, start);
	llama_outputs(&p);
	return p.c.err ? p.c.err : llama_memory(&p);
}

const struct layout layout_llama_seq = {
	.id = 1,
	.name = "llama-seq",
	.recognise = llama_seq_recognise,
};

const struct layout layout_llama_session = {
	.id = 2,
	.name = "llama-session",
	.recognise = llama_session_recognise,
};
