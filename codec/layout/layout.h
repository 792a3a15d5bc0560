/*
 * layout.h - what is inside a client's file: a list of tensor extents
 *
 * A recogniser looks at a file and, when it checks out to the last byte, lists
 * the extents that hold tensors.  What no extent covers is opaque and stays
 * bit-exact for ever; so does all that is quantised, recurrent state, integer
 * or unknown, for it is never listed.  A wrong answer costs compression, never
 * correctness: whatever the extents, encode + decode is the identity.
 *
 * What decides, the stronger first: a checksum of the client's (nothing is
 * listed), its owner's declaration, the bytes, the name with a file beside it.
 * Never the name alone.
 *
 * Recognisers are const structs without state; any thread may call them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct declaration;

/*
 * One tensor (or a run of its rows) inside the file.
 *
 * A role, K or V, vouches that each row is one token, tokens in order, and
 * each column one channel.  K also stands for K and V beside each other in a
 * row, and for a latent.  ROLE_NONE vouches for nothing: rows may be channels
 * (a V that lies transposed), the shape may be a guess, the tensor may be no
 * part of attention.  Only an extent with a role may ever lose precision.
 */
struct extent {
	uint64_t off; /* bytes from the start of the file; any alignment */
	uint64_t len; /* bytes; a multiple of cols * elem_bytes(elem) */
	uint8_t elem; /* enum elem */
	uint8_t role; /* enum role */
	uint16_t model_layer; /* 0-based; 0 where the format does not say */
	uint32_t cols;        /* channels per row (token), row-major, >= 1 */
};

/* Extents in file order, not overlapping.  Zero-initialise; extents_done. */
struct extents {
	struct extent *at;
	size_t n, cap;
};

/* More extents than this and the file is not recognised (-ENOENT). */
#define EXTENTS_MAX 65536

/* Appends a copy of e.  Returns 0, -ENOMEM, or -ENOENT past EXTENTS_MAX. */
int extents_add(struct extents *list, const struct extent *e);
void extents_done(struct extents *list);

/*
 * A file: its bytes, wherever they are, and what is known beside them.
 * Everything below ctx may be left zero.  All is borrowed for the call.
 */
struct source {
	uint64_t size; /* bytes */

	/*
	 * Fills dst with len bytes from off; off + len <= size.
	 * Returns 0 or -errno.
	 */
	int (*read)(void *ctx, uint64_t off, void *dst, size_t len);
	void *ctx;

	/* Its path from the mount's root, as in "a/b.bin"; NULL: unknown. */
	const char *name;

	/*
	 * Fills buf with the whole of another file, its path from the mount's
	 * root too.  Returns 0 with its length <= cap, or -errno: -ENOENT there
	 * is none, -E2BIG it is longer than cap.  Any error, and NULL, means
	 * that nothing is beside the file.
	 */
	int (*sidecar)(void *ctx, const char *name, void *buf, size_t cap,
		       size_t *ret_len);

	/* What its owner says of it; NULL: nothing. */
	const struct declaration *declared;

	/* The client checks the bytes that it reads by a sum of its own. */
	bool checksummed;
};

struct layout {
	uint8_t id;       /* on disk: never reused, never renumbered */
	const char *name; /* as tools print it: "llama-seq" */

	/*
	 * Fills ret with the tensors of the file.  Returns 0 when the file is
	 * of this format to the last byte, -ENOENT when it is not (ret is
	 * then undefined but extents_done-able), else what source->read said,
	 * or -ENOMEM.
	 */
	int (*recognise)(const struct source *src, struct extents *ret);
};

/* No format recognised: all bytes are opaque. */
#define LAYOUT_NONE 0

/*
 * Tries every layout in turn.  Returns 0 with the layout (or NULL and no
 * extents when none fits, or the file is checksummed), or -errno from reading.
 * The caller owns ret.
 */
int layout_recognise(const struct source *src, const struct layout **ret_layout,
		     struct extents *ret);

/* The name for an id on disk: "none" for 0, "unknown" for one not known. */
const char *layout_name(uint8_t id);
