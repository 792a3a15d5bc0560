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
