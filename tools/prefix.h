/*
 * prefix.h - a container's tiles, decoded from the first of their layers
 *
 * Lossy are only K and V tensors in tiles of a layered codec; every other tile
 * takes all of its layers.  Uses the thread's local memory.
 */
#pragma once

#include <stdint.h>

#include "fs/store/container.h"

/* As the tools say and take them: "head" ... "exact". */
extern const char *const prefix_names[N_LAYERS];

/* Layers up to and with the one of this name; 0: no such layer. */
unsigned prefix_of(const char *name);

/*
 * Decodes one tile from its first n_layers layers (1 to N_LAYERS) to dst.
 * Returns as container_load.
 */
int prefix_load(struct container *c, uint32_t tile, unsigned n_layers,
		uint8_t *dst);

/*
 * Decodes rows [from, to) of an extent, from < to, to dst: the tiles that hold
 * them and no others.  Returns as container_load, or -ERANGE: it has no such
 * rows.
 */
int prefix_rows(struct container *c, uint32_t extent, uint64_t from,
		uint64_t to, unsigned n_layers, uint8_t *dst);

/* Rows of an extent, and bytes of a row. */
uint64_t prefix_n_rows(const struct head_extent *e);
size_t prefix_row_bytes(const struct head_extent *e);
