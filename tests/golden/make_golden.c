/*
 * make_golden.c - writes the golden containers that are not there yet
 *
 * make_golden FOLDER: for each row below without a file in FOLDER, makes it and
 * adds its line to FOLDER/index:
 *
 *   good-NAME SIZE XXH3-64-of-the-plain-bytes LAYOUT CODEC,CODEC...
 *   bad-NAME STEP ERROR    STEP, open or load, is the one that fails
 *
 * Run by hand when a codec or a layout is new, never by the build: what was
 * written once is what every later version must read.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/golden/layouts.h"
#include "tests/golden/llama.h"
#include "tests/golden/plain.h"
#include "tests/unit/made.h"
#include "tests/unit/run.h"

/* ---- the contents ---- */

static void make_nothing(struct plain *p)
{
	(void)p;
}

static void make_zeros(struct plain *p)
{
	plain_zeros(p, 300000);
}

static void make_byte(struct plain *p)
{
	plain_bytes(p, "!", 1);
}

static void make_noise(struct plain *p)
{
	plain_sample(p, SAMPLE_RANDOM, ELEM_U8, 5000, 1);
}

static void make_text(struct plain *p)
{
	plain_sample(p, SAMPLE_TEXT, ELEM_U8, 20000, 1);
}

static void make_mixed(struct plain *p)
{
	plain_sample(p, SAMPLE_TEXT, ELEM_U8, 2500, 1);
	plain_sample(p, SAMPLE_RANDOM, ELEM_U8, 2500, 1);
	plain_zeros(p, 2500);
	plain_sample(p, SAMPLE_TEXT, ELEM_U8, 777, 1);
}

static void make_safetensors(struct plain *p)
{
	static const char json[] =
	    "{\"__metadata__\":{\"format\":\"pt\"},"
	    "\"k\":{\"dtype\":\"BF16\",\"shape\":[70,2,8],"
	    "\"data_offsets\":[0,2240]},"
	    "\"v\":{\"dtype\":\"F16\",\"shape\":[70,2,8],"
	    "\"data_offsets\":[2240,4480]},"
	    "\"n\":{\"dtype\":\"I64\",\"shape\":[3],"
	    "\"data_offsets\":[4480,4504]}}   ";

	plain_u64(p, sizeof(json) - 1);
	plain_bytes(p, json, sizeof(json) - 1);
	plain_sample(p, SAMPLE_NORMAL, ELEM_BF16, 70, 16);
	plain_sample(p, SAMPLE_NORMAL, ELEM_F16, 70, 16);
	plain_zeros(p, 24);
}

/* Of each channel of a small K or V. */
static const uint8_t shifts[256] = { 0, 0, 1, 1, 2, 2, 3, 3, 3, 0, 0, 2 };

static const struct good {
	const char *name;
	void (*make)(struct plain *p);
	struct made_how how;
} goods[] = {
	{ "good-empty", make_nothing, { 0 } },
	{ "good-one-byte", make_byte, { 0 } },
	{ "good-zeros", make_zeros, { 0 } },
	{ "good-noise", make_noise, { 0 } },
	{ "good-text-zstd", make_text, { 0 } },
	{ "good-text-lz4", make_text, { .codec = "lz4" } },
	{ "good-mixed-tiles", make_mixed, { .tile_rows = 1000 } },
	{ "good-mixed-layers",
	  make_mixed,
	  { .tile_rows = 1000,
	    .more_layers = 1u << LAYER_HEAD | 1u << LAYER_REFINE1 } },
	{ "good-llama-seq-f16", make_sequence_f16, { 0 } },
	{ "good-llama-seq-bf16", make_sequence_bf16, { 0 } },
	{ "good-llama-seq-f32", make_sequence_f32, { .codec = "zstd" } },
	{ "good-llama-seq-short", make_sequence_short, { 0 } },
	{ "good-llama-seq-ragged", make_sequence_f16, { .tile_rows = 64 } },
	{ "good-llama-seq-coarse", make_coarse, { .codec = "split16" } },
	{ "good-llama-seq-grid", make_sequence_f16, { .codec = "grid" } },
	{ "good-llama-seq-specials", make_specials, { .codec = "split16" } },
	{ "good-llama-seq-hybrid", make_hybrid, { 0 } },
	{ "good-llama-session", make_session, { 0 } },
	{ "good-safetensors", make_safetensors, { 0 } },
	{ "good-declared", make_declared, { .facts = &facts_declared } },
	{ "good-vllm-block", make_vllm, { .facts = &facts_vllm } },
	{ "good-lmcache-chunk", make_lmcache, { 0 } },
	{ "good-npy", make_npy, { 0 } },
	{ "good-safetensors-lmcache", make_safetensors_lmcache, { 0 } },
	{ "good-safetensors-mlx", make_safetensors_mlx, { 0 } },
	{ "good-grid-f16", make_grid_f16, { .codec = "grid" } },
	{ "good-grid-bf16", make_grid_bf16, { .codec = "grid" } },
	{ "good-grid-2-f16", make_grid_f16, { .codec = "grid" } },
	{ "good-grid-2-bf16", make_grid_bf16, { .codec = "grid" } },
	{ "good-grid-2-shifts",
	  make_grid_f16,
	  { .codec = "grid", .shift = shifts } },
	{ "good-split32", make_split32, { 0 } },
	{ "good-split32-short", make_sequence_f32, { 0 } },
	{ "good-split32-rounded", make_split32_rounded, { 0 } },
	{ "good-split32-specials",
	  make_split32_specials,
	  { .codec = "split32" } },
	{ "good-window",
	  make_window,
	  { .codec = "grid", .tile_rows = 32, .window = true } },
};

#define N_GOODS (sizeof(goods) / sizeof(goods[0]))

/* One change of a good container.  Tables: 160, then 40 bytes an extent. */
static const struct bad {
	const char *name, *of;
	unsigned at, bytes;
	uint64_t value;
	long cut; /* bytes kept; < 0: taken from the end; 0: all */
	bool unsealed;
	uint8_t layer;
	uint32_t tile; /* > 0: `at` counts in this layer of tile - 1, whose
			  sum is made right, too */
	const char *step, *error;
} bads[] = {
	{ "bad-no-bytes", NULL, .step = "open", .error = "ENODATA" },
	{ "bad-magic", "good-text-zstd", 0, 1, 'B', .unsealed = true,
	  .step = "open", .error = "EBADMSG" },
	{ "bad-version", "good-text-zstd", 8, 4, 2, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-version-3", "good-text-zstd", 8, 4, 3, .step = "open",
	  .error = "EOPNOTSUPP" },
	{ "bad-head-sum", "good-text-zstd", 24, 1, 1, .unsealed = true,
	  .step = "open", .error = "EBADMSG" },
	{ "bad-table-sum", "good-text-zstd", 170, 1, 1, .unsealed = true,
	  .step = "open", .error = "EBADMSG" },
	{ "bad-cut-fixed", "good-text-zstd", .cut = 100, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-cut-tables", "good-text-zstd", .cut = 210, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-cut-sections", "good-text-zstd", .cut = 4096, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-cut-last-byte", "good-noise", .cut = -1, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-cut-layer", "good-mixed-layers", .cut = 12288, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-logical-size", "good-text-zstd", 16, 8, 20001, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-file-len", "good-text-zstd", 32, 8, 4096, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-tile-count", "good-text-zstd", 44, 4, UINT32_MAX, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-layer-mask", "good-text-zstd", 49, 1, 0x3f, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-section-place", "good-text-zstd", 120, 8, 8192, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-elem", "good-text-zstd", 168, 1, 4, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-cols-zero", "good-text-zstd", 172, 4, 0, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-tile-rows-zero", "good-text-zstd", 176, 4, 0, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-error-nan", "good-text-zstd", 180, 4, 0x7fc00000, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-tile-len", "good-text-zstd", 204, 4, 17, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-codec-unknown", "good-text-zstd", 200, 1, 200, .step = "load",
	  .error = "EBADMSG" },
	{ "bad-codec-zero-with-bytes", "good-text-zstd", 200, 1, 5,
	  .step = "load", .error = "EBADMSG" },
	{ "bad-codec-raw-short", "good-text-zstd", 200, 1, 0, .step = "load",
	  .error = "EBADMSG" },
	{ "bad-tile-bit", "good-noise", 5000, 1, 0xa5, .step = "load",
	  .error = "EBADMSG" },
	{ "bad-tile-sum", "good-noise", 208, 1, 0xa5, .step = "load",
	  .error = "EBADMSG" },
	{ "bad-u8-cols", "good-text-zstd", 172, 4, 2, .step = "load",
	  .error = "EBADMSG" },
	{ "bad-zstd-frame", "good-text-zstd", 0, 1, 0, .layer = LAYER_EXACT,
	  .tile = 1, .step = "load", .error = "EBADMSG" },
	{ "bad-zstd-cut", "good-text-zstd", 4, 1, 0xff, .layer = LAYER_EXACT,
	  .tile = 1, .step = "load", .error = "EBADMSG" },
	{ "bad-lz4-block", "good-text-lz4", 0, 4, UINT32_MAX,
	  .layer = LAYER_EXACT, .tile = 1, .step = "load", .error = "EBADMSG" },
	{ "bad-split16-low-len", "good-llama-seq-f16", 0, 4, UINT32_MAX,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split16-low-more", "good-llama-seq-f16", 0, 4, 1601,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split16-low-none", "good-llama-seq-f16", 0, 4, 0,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split16-frame", "good-llama-seq-f16", 4 + 16 + 1600, 4, 0,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-grid-version", "good-grid-f16", 0, 1, 2, .layer = LAYER_HEAD,
	  .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-grid-2-times", "good-grid-2-f16", 6, 1, 99, .layer = LAYER_HEAD,
	  .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-grid-2-flags", "good-grid-2-f16", 1, 1, 255, .layer = LAYER_HEAD,
	  .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-grid-2-planes", "good-grid-2-f16", 0, 8, 0,
	  .layer = LAYER_REFINE1, .tile = 2, .step = "load",
	  .error = "EBADMSG" },
	{ "bad-grid-sinks", "good-grid-f16", 3, 1, 255, .layer = LAYER_HEAD,
	  .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-grid-lanes", "good-grid-f16", 8, 4, UINT32_MAX,
	  .layer = LAYER_BASE, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-grid-gaps", "good-grid-f16", 0, 4, UINT32_MAX,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-window-version", "good-window", 8, 4, 1, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-window-mask", "good-window", 49, 1, 0x3d, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-window-len", "good-window", 64, 8, 1, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-window-cut-head", "good-window", .cut = 4096, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-grid-cut-exact", "good-grid-f16", .cut = 20480, .step = "open",
	  .error = "EBADMSG" },
	{ "bad-split32-len", "good-split32", 0, 4, UINT32_MAX,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split32-len-more", "good-split32", 4, 4, 1281,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split32-len-none", "good-split32", 8, 4, 0, .layer = LAYER_EXACT,
	  .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split32-plane", "good-split32-rounded", 12 + 16 + 1600, 4, 0,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split32-frame", "good-split32", 12 + 16 + 3 * 1280, 4, 0,
	  .layer = LAYER_EXACT, .tile = 2, .step = "load", .error = "EBADMSG" },
	{ "bad-split32-elem", "good-split32-short", 480, 1, 6, .step = "load",
	  .error = "EBADMSG" },
};

#define N_BADS (sizeof(bads) / sizeof(bads[0]))

static int make_good(const struct good *g, struct plain *p, struct made *m)
{
	memset(p, 0, sizeof(*p));
	g->make(p);
	return made_container(m, p->at, p->len, &g->how);
}

/* In the bytes of one tile. */
static void damage_tile(struct made *m, const struct bad *b)
{
	struct head_tile *t = &m->head.tiles[b->tile - 1];
	uint8_t *at = m->at + m->head.section[b->layer].off + t->off[b->layer];

	for (unsigned i = 0; i < b->bytes; i++)
		at[b->at + i] = (uint8_t)(b->value >> 8 * i);
	t->sum[b->layer] = XXH3_64bits(at, t->len[b->layer]);
	head_pack(&m->head, m->at);
}

static void damage(struct made *m, const struct bad *b)
{
	if (b->tile) {
		damage_tile(m, b);
		return;
	}
	for (unsigned i = 0; i < b->bytes; i++)
		m->at[b->at + i] = (uint8_t)(b->value >> 8 * i);
	if (b->bytes && !b->unsealed)
		made_seal(m);
	if (b->cut)
		m->len = (size_t)(b->cut > 0 ? b->cut : (long)m->len + b->cut);
}

/* 1: made, 0: was there, or -errno. */
static int write_new(int dir, const char *name, const void *bytes, size_t len)
{
	auto_close int fd =
	    openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	return write(fd, bytes, len) == (ssize_t)len ? 1 : -EIO;
}

static void index_good(FILE *index, const struct good *g, const struct plain *p,
		       const struct head *h)
{
	bool used[256] = { false };
	const char *comma = "";

	fprintf(index, "%s %zu %016" PRIx64 " %u ", g->name, p->len,
		(uint64_t)XXH3_64bits(p->at, p->len), h->layout);
	for (uint32_t t = 0; t < h->n_tiles; t++)
		used[h->tiles[t].codec] = true;
	for (unsigned i = 0; i < 256; i++)
		if (used[i]) {
			fprintf(index, "%s%u", comma, i);
			comma = ",";
		}
	fprintf(index, "%s\n", *comma ? "" : "-");
}

static int make_goods(int dir, FILE *index)
{
	static struct plain plain;
	int r = 0;

	for (size_t i = 0; i < N_GOODS && r >= 0; i++) {
		struct made m;

		r = make_good(&goods[i], &plain, &m);
		if (r == 0)
			r = write_new(dir, goods[i].name, m.at, m.len);
		if (r > 0)
			index_good(index, &goods[i], &plain, &m.head);
		made_done(&m);
	}
	return r;
}

static int make_bad(int dir, FILE *index, const struct bad *b)
{
	static struct plain plain;
	struct made m = { 0 };
	int r = 0;

	for (size_t i = 0; i < N_GOODS; i++)
		if (b->of && !strcmp(goods[i].name, b->of))
			r = make_good(&goods[i], &plain, &m);
	if (r == 0 && m.at)
		damage(&m, b);
	if (r == 0)
		r = write_new(dir, b->name, m.at, m.len);
	if (r > 0)
		fprintf(index, "%s %s %s\n", b->name, b->step, b->error);
	made_done(&m);
	return r;
}

int main(int argc, char **argv)
{
	auto_close int dir =
	    argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int fd = dir < 0
		     ? -1
		     : openat(dir, "index",
			      O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	FILE *index = fd < 0 ? NULL : fdopen(fd, "a");

	if (!index) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	int r = make_goods(dir, index);
	for (size_t i = 0; i < N_BADS && r >= 0; i++)
		r = make_bad(dir, index, &bads[i]);
	if (fclose(index) != 0 && r >= 0)
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-r));
	return r < 0 ? 1 : 0;
}
