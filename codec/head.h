/*
 * head.h - the head of a container: everything but the sections' bytes
 *
 * A container is one entry's file on the backing (docs/format.md): the head,
 * then one section per layer, the most important first.  The extents cover the
 * logical file from its first byte to its last, in order; each is cut into
 * tiles of tile_rows rows, the last one ragged.  A section holds the bytes of
 * its layer for all tiles, in tile order, without gaps.
 *
 *   0    8  magic "ADKVCACH"
 *   8    4  version: 2 where there is a window, else 1
 *   12   4  head_len: bytes of the fixed part and the tables
 *   16   8  logical_size: bytes of the file the client sees
 *   24   8  entry_id: the st_ino the mount shows, kept when published anew
 *   32   8  file_len: bytes of the whole container with all its sections
 *   40   4  n_extents
 *   44   4  n_tiles
 *   48   1  layout id
 *   49   1  layer_mask: bit l is set when layer l has a section
 *   50   6  zero
 *   56   80 version 1: 5 sections, { u64 off, u64 len } each
 *           version 2: 6 times u64 len, and zeros
 *   136  8  zero
 *   144  8  XXH3-64 of the tables
 *   152  8  XXH3-64 of bytes 0 to 151
 *   160     n_extents times:
 *             u64 len, u8 elem, u8 role, u16 model_layer, u32 cols,
 *             u32 tile_rows, for each layer f32 error left by it
 *           n_tiles times:
 *             u8 codec, 3 zero, then for each layer in layer_mask
 *             { u32 len, u64 XXH3-64 of those bytes }
 *
 * Version 1 knows no LAYER_WINDOW: its layers 1 to 4 are LAYER_BASE to
 * LAYER_EXACT.  It is what is written wherever it can say what there is.
 *
 * All words are little-endian.  Sections start on 4 KiB.  Pure functions,
 * thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/codec.h"

#define HEAD_MAGIC       "ADKVCACH"
#define HEAD_VERSION     2 /* the latest that is known */
#define HEAD_FIXED_BYTES 160
#define HEAD_ALIGN       4096
/* Gaps between the extents of a layout are extents too. */
#define HEAD_EXTENTS_MAX (2 * 65536 + 1)

struct head_extent {
	uint64_t off; /* in the logical file; follows from the lengths */
	uint64_t len; /* bytes, > 0 */
	uint8_t elem, role;
	uint16_t model_layer;
	uint32_t cols, tile_rows;
	uint32_t first_tile; /* follows from the lengths */
	float error[N_LAYERS];
};

struct head_tile {
	uint64_t off[N_LAYERS]; /* in its section; follows from the lengths */
	uint32_t len[N_LAYERS];
	uint64_t sum[N_LAYERS]; /* XXH3-64 */
	uint32_t extent;        /* index; follows from the extents */
	uint8_t codec;
};

struct head_section {
	uint64_t off; /* in the container, a multiple of HEAD_ALIGN */
	uint64_t len;
};

struct head {
	uint64_t logical_size, entry_id, file_len;
	uint32_t n_extents, n_tiles;
	uint8_t layout, layer_mask;
	struct head_section section[N_LAYERS];
	struct head_extent *extents; /* owned */
	struct head_tile *tiles;     /* owned */
};

/* What the first HEAD_FIXED_BYTES say, for a stat. */
struct head_brief {
	uint64_t logical_size, entry_id, file_len;
	uint64_t least_len; /* a shorter file has lost more than precision */
	uint32_t head_len;
	bool layered; /* has a head layer: layers behind it may be gone */
};

/*
 * Reads the fixed part.  Returns 0, -EBADMSG (not a container, or damaged) or
 * -EOPNOTSUPP (a version this program does not know).
 */
int head_parse_brief(const void *src, size_t len, struct head_brief *ret);

/*
 * Reads the whole head from src, exactly head_len bytes.  Everything is
 * checked against everything: after 0, every offset and length in ret lies
 * inside a file of file_len bytes and every tile inside its section.  Returns
 * 0, -EBADMSG, -EOPNOTSUPP or -ENOMEM.  The caller calls head_done on success.
 */
int head_parse(const void *src, size_t len, struct head *ret);

/*
 * Cuts the extents into tiles: sets off and first_tile of the extents and
 * makes the zeroed tiles with their extent.  h->extents, n_extents and
 * logical_size are the caller's.  Returns 0, -EBADMSG (they do not cover the
 * file, or an extent is not whole rows of a known element) or -ENOMEM.
 */
int head_cut(struct head *h);

/*
 * Places the sections behind the head from the tiles' lengths; sets each
 * tile's off, layer_mask and file_len.
 */
void head_place(struct head *h);

/* Bytes of the packed head: the fixed part and the tables. */
size_t head_bytes(const struct head *h);

/* Writes head_bytes(h) bytes to dst. */
void head_pack(const struct head *h, void *dst);

/*
 * The shape of tile i, and where it starts in the logical file; tile n_tiles
 * starts where the file ends.
 */
struct shape head_shape(const struct head *h, uint32_t tile);
uint64_t head_tile_off(const struct head *h, uint32_t tile);

/* The tile that holds byte off, off < logical_size. */
uint32_t head_tile_at(const struct head *h, uint64_t off);

/* The version that can say what h says; layer_mask is set. */
unsigned head_version(const struct head *h);

/*
 * Layers that a file of len bytes still has: N_LAYERS when it is whole, else
 * up to the last that has bytes.
 */
unsigned head_layers_present(const struct head *h, uint64_t len);

/* Bytes of a file that is cut off behind its first n_layers layers. */
uint64_t head_layers_bytes(const struct head *h, unsigned n_layers);

/* The fewest layers with which every tile reads, if at a coarser rate. */
unsigned head_least_layers(const struct head *h);

/*
 * The first tile of an extent, counted within it, whose tokens are recent: half
 * of them are older, to a whole tile and never much more, or none are.  Where a
 * writer draws this line is its own affair.
 */
uint32_t head_recent(const struct head_extent *e);

/*
 * Makes the tiles of K and V smaller where that is needed to halve them; before
 * head_cut.  Returns the share of their bytes that is older; 0: none can be
 * halved.
 */
double head_halve(struct head *h);

/* Frees what the head owns; leaves it zeroed.  Safe on a zeroed head. */
void head_done(struct head *h);
