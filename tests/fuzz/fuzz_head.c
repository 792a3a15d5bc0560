/*
 * fuzz_head.c - any bytes as a container's head: what it says adds up
 *
 * The magic, the length and both sums are made right first, and the version one
 * of those there are: they would keep everything else from being tried.
 */
#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

#include "codec/head.h"
#include "codec/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define AT_TABLE_SUM 144
#define AT_HEAD_SUM  152

static void fuzz_seal(uint8_t *b, size_t len)
{
	memcpy(b, HEAD_MAGIC, 8);
	store32(b + 8, b[8] & 1 ? 1 : HEAD_VERSION);
	store32(b + 12, (uint32_t)len);
	store64(b + AT_TABLE_SUM,
		XXH3_64bits(b + HEAD_FIXED_BYTES, len - HEAD_FIXED_BYTES));
	store64(b + AT_HEAD_SUM, XXH3_64bits(b, AT_HEAD_SUM));
}

/* Every tile lies in the logical file and in its sections, without gaps. */
static void fuzz_check_tiles(const struct head *h)
{
	uint64_t off = 0, pos[N_LAYERS] = { 0 };

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		struct shape s = head_shape(h, t);
		size_t len = shape_bytes(&s);

		if (!len || len > TILE_MAX_BYTES || off != head_tile_off(h, t))
			abort();
		if (head_tile_at(h, off) != t ||
		    head_tile_at(h, off + len - 1) != t)
			abort();
		off += len;
		for (unsigned l = 0; l < N_LAYERS; l++) {
			if (h->tiles[t].off[l] != pos[l])
				abort();
			pos[l] += h->tiles[t].len[l];
		}
	}
	if (off != h->logical_size)
		abort();
	for (unsigned l = 0; l < N_LAYERS; l++)
		if (h->section[l].len != pos[l] ||
		    h->section[l].off > h->file_len - pos[l])
			abort();
}

/* What was parsed packs to bytes that parse to the same. */
static void fuzz_again(const struct head *h, const uint8_t *b, size_t len)
{
	auto_free uint8_t *twice = malloc(len);
	struct head back;

	if (!twice || head_bytes(h) != len)
		abort();
	head_pack(h, twice);
	if (memcmp(b, twice, 50)) /* up to the unused bytes */
		abort();
	if (head_parse(twice, len, &back) < 0)
		abort();
	fuzz_check_tiles(&back);
	head_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct head_brief brief;
	struct head h;

	head_parse_brief(data, len, &brief);
	if (len < HEAD_FIXED_BYTES || len > UINT32_MAX)
		return 0;

	auto_free uint8_t *b = malloc(len);

	if (!b)
		abort();
	memcpy(b, data, len);
	fuzz_seal(b, len);

	int r = head_parse(b, len, &h);

	if (r < 0) {
		if (r != -EBADMSG && r != -ENOMEM)
			abort();
		return 0;
	}
	fuzz_check_tiles(&h);
	if (head_layers_present(&h, h.file_len) != N_LAYERS)
		abort();
	fuzz_again(&h, b, len);
	head_done(&h);
	return 0;
}
