/*
 * layout.h - what is inside a client's file: a list of tensor extents
 *
 * A recogniser reads a file's bytes and, when they check out to the last one,
 * lists the extents that hold tensors.  What no extent covers is opaque.  It
 * decides by the bytes, never by the name alone.  A wrong answer costs
 * compression, never correctness: whatever the extents, encode + decode is the
 * identity.
 *
 * Recognisers are const structs without state; any thread may call them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One tensor (or a run of its rows) inside the file. */
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

/* The file's bytes, wherever they are. */
struct source {
	uint64_t size; /* bytes */

	/*
	 * Fills dst with len bytes from off; off + len <= size.
	 * Returns 0 or -errno.
	 */
	int (*read)(void *ctx, uint64_t off, void *dst, size_t len);
	void *ctx;
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
 * extents when none fits), or -errno from reading.  The caller owns ret.
 */
int layout_recognise(const struct source *src, const struct layout **ret_layout,
		     struct extents *ret);

/* The name for an id on disk: "none" for 0, "unknown" for one not known. */
const char *layout_name(uint8_t id);
