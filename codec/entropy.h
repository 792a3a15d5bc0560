/*
 * entropy.h - Huffman-coded bytes through libzstd, shared by codecs
 *
 * A plane of exponents or indices holds no repeats worth pointing at: zstd's
 * match finder only finds accidents, which cost bytes and time.  The frames
 * made here hold literals alone, that is, Huffman codes with a table of their
 * own for every ENTROPY_BLOCK bytes (half as many in a short input); any zstd
 * decoder reads them.
 *
 * Thread-safe for different scratches.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct scratch;

/* Bytes that share a table: order the input so that like lies by like. */
#define ENTROPY_BLOCK (1u << 15)

/*
 * Encodes len >= 1 bytes.  Deterministic for one version of libzstd.
 * Returns 0, -E2BIG (more than dst_cap) or -ENOMEM.
 */
int entropy_encode(struct scratch *ws, const void *src, size_t len, void *dst,
		   size_t dst_cap, size_t *ret_len);

/*
 * Fills all dst_len bytes of dst; src may be anything.
 * Returns 0, -EBADMSG (dst is then undefined) or -ENOMEM.
 */
int entropy_decode(struct scratch *ws, const void *src, size_t src_len,
		   void *dst, size_t dst_len);

/*
 * Whether a sample of the bytes is so even that coding them would save less
 * than about a sixteenth.  Looks at single bytes only, not at repeats.
 */
bool entropy_is_noise(const void *src, size_t len);
