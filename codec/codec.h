/*
 * codec.h - the interface of a codec: one tile to layers and back
 *
 * A tile is a run of whole rows (tokens) of one extent of an entry: `rows`
 * rows of `cols` elements, row-major.  Opaque bytes are a tile of U8 elements
 * with one column.  A codec turns a tile into up to N_LAYERS layers, the most
 * important first; any prefix of them decodes, all of them decode bit for bit.
 * A codec that knows only one rate puts everything into LAYER_EXACT and leaves
 * the others empty; where the layers of others may be dropped, the store keeps
 * it as LAYER_HEAD.  LAYER_WINDOW is the store's as well: no codec fills it,
 * and to none it says more than the layers before it (tile.h).
 *
 * Codecs are const structs without state.  Every function may run on any
 * thread; working memory is the caller's struct scratch (scratch.h), one per
 * thread, so that nothing is allocated per tile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* On disk: never reused, never renumbered. */
enum elem {
	ELEM_U8 = 0, /* opaque: bit-exact for ever */
	ELEM_F16 = 1,
	ELEM_BF16 = 2,
	ELEM_F32 = 3,
};

/* On disk, where version 1 has no window (head.h).  Order is importance. */
enum layer {
	LAYER_HEAD = 0,   /* alone: every value reads as its channel's mean */
	LAYER_WINDOW = 1, /* what is LAYER_BASE of a recent tile */
	LAYER_BASE = 2,
	LAYER_REFINE1 = 3,
	LAYER_REFINE2 = 4,
	LAYER_EXACT = 5,
	N_LAYERS = 6,
};

/* What the tensor is to attention.  On disk. */
enum role {
	ROLE_NONE = 0,
	ROLE_K = 1,
	ROLE_V = 2,
};

/* Bytes of a tile at most: bounds every buffer sized by what a file says. */
#define TILE_MAX_BYTES (1u << 20)

struct shape {
	uint8_t elem;  /* enum elem */
	uint8_t role;  /* enum role; a hint */
	uint32_t rows; /* tokens, >= 1; bytes when elem is ELEM_U8 */
	uint32_t cols; /* channels per row, >= 1; 1 when elem is ELEM_U8 */
	uint32_t
	    first_row; /* of the tile within its extent: 0 holds the sinks */
	float step;    /* encode only: > 0: rates below exact may be wanted, by
			  this base step in rms deviations, SHAPE_STEP_MIN to
			  SHAPE_STEP_MAX; 0: none are.  Decode finds in the
			  tile what was used */
	const uint8_t *shift; /* encode only: of each of the cols channels, log2
				 of its step over `step`, plus SHAPE_SHIFT: 0 to
				 SHAPE_SHIFT_MAX.  NULL: all alike */
};

#define SHAPE_SHIFT     2
#define SHAPE_SHIFT_MAX 3

#define SHAPE_STEP_MIN 0.05f
#define SHAPE_STEP_MAX 8.0f

/* The base step of a layered codec when nobody says: what suits most. */
#define SHAPE_STEP 1.08

/* Bytes of one element; 0 for an unknown elem. */
static inline size_t elem_bytes(uint8_t elem)
{
	static const uint8_t bytes[] = { 1, 2, 2, 4 };

	return elem <= ELEM_F32 ? bytes[elem] : 0;
}

/* Bytes of the plain tile. */
static inline size_t shape_bytes(const struct shape *s)
{
	return (size_t)s->rows * s->cols * elem_bytes(s->elem);
}

/* A tile's layers as encode left them: back to back from dst. */
struct coded {
	uint32_t len[N_LAYERS]; /* bytes; 0: the codec has no such layer */
	float error[N_LAYERS];  /* relative MSE that remains with this layer and
				   those before it, a channel's counted over the
				   square of its shift; 0 from LAYER_EXACT on */
};

/* A prefix of a tile's layers, wherever each of them lies. */
struct coded_view {
	const uint8_t *layer[N_LAYERS];
	uint32_t len[N_LAYERS];
	unsigned n_layers; /* layers present: [0, n_layers); N_LAYERS: exact */
};

struct scratch;

struct codec {
	uint8_t id;       /* on disk: never reused, never renumbered */
	const char *name; /* as tools print it: "zstd" */
	bool layered;     /* fewer layers than all decode, too */

	/*
	 * Encodes the tile at src (shape_bytes long) into dst.  dst_cap is
	 * also the budget: a result that does not fit is not worth having.
	 * Deterministic: the same bytes on every machine and ISA.
	 * Returns 0, -E2BIG (over budget: store it raw) or -ENOMEM.
	 */
	int (*encode)(const struct shape *shape, const void *src,
		      struct scratch *ws, void *dst, size_t dst_cap,
		      struct coded *ret);

	/*
	 * Fills dst (shape_bytes long) from the layers present.  Every length
	 * in `in` is checked before use: hostile bytes never read or write
	 * out of bounds.  Returns 0, -EBADMSG (dst is then undefined) or
	 * -ENOMEM.
	 */
	int (*decode)(const struct shape *shape, const struct coded_view *in,
		      struct scratch *ws, void *dst);
};

/* The raw bytes, in LAYER_EXACT: what cannot be made smaller. */
#define CODEC_RAW 0

/* A tile of zeros: no layer has any bytes. */
#define CODEC_ZERO 5

/* The codec with this id on disk, or NULL.  Thread-safe. */
const struct codec *codec_by_id(uint8_t id);

/* The codec of this name, or NULL.  Thread-safe. */
const struct codec *codec_by_name(const char *name);

/*
 * The codec to try first for a tile; never NULL; layered if shape->step asks
 * for that and the element has such a codec.  May look at a sample of
 * src (shape_bytes long) to notice what is incompressible and answer raw.
 */
const struct codec *codec_choose(const struct shape *shape, const void *src);
