/*
 * tensors.h - a file in memory, and the K and V matrices in it
 */
#pragma once

#include "codec/head.h"
#include "tools/refquant.h"

struct tensors {
	uint8_t *at; /* the file */
	size_t len;
	struct head head;  /* cut as a mount cuts it */
	uint32_t head_dim; /* 0: guessed */
	uint32_t n_layers; /* of the model, as far as the file says */
};

/*
 * Reads the file at path and cuts it.  Returns 0 or -errno; tensors_done in
 * any case.
 */
int tensors_load(struct tensors *t, const char *path);

/* Frees what it holds; safe on a zeroed one. */
void tensors_done(struct tensors *t);

/*
 * The matrix that an extent is.  False: it is not K or V of 16 bits.  An extent
 * counts as a whole tensor, its first row as the first token.  No file says how
 * many channels a head has: unless given, it is the largest power of two up to
 * 128 that divides the channels.
 */
bool tensors_matrix(const struct tensors *t, uint32_t extent,
		    struct ref_matrix *ret);

/*
 * Leaves K and V of 16 or 32 bits alone, one after the other, as if they were
 * the file.  Returns 0, -ENOMSG (there are none) or -ENOMEM.
 */
int tensors_only(struct tensors *t);

/*
 * Mean square error of got, which stands for m->src, over the mean square of
 * the values about their channels' means; the first REF_SINKS rows left out.
 * Returns 0 or -ENOMEM.
 */
int tensors_error(const struct ref_matrix *m, const uint8_t *got, double *ret);
