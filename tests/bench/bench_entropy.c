/*
 * bench_entropy.c - what an entropy coder could still save in the base layer
 *
 * bench_entropy [-s STEP] FILE...: the bits per value of the base layer of all
 * K and V, part by part; the entropy of the magnitudes, with one distribution
 * per table and tile and with one per channel; and a coder that comes close to
 * the former, interleaved rANS with the tile's own counts: what it takes, and
 * its speed and the prefix code's (one thread, CPU time, the best of
 * BENCH_RUNS, alternating).  And the bits per value of refine1.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "codec/grid_layers.h"
#include "codec/layout/layout.h"
#include "codec/mem.h"
#include "codec/scratch.h"
#include "codec/tile.h"

#define BENCH_RUNS  5
#define RANS_BITS   12
#define RANS_STATES 8
#define RANS_LOW    (1u << 16)
/* Counts of a tile's table as they would be stored: 15 of 12 bits. */
#define RANS_TABLE_BYTES 23u

struct sums {
	double values, all, signs, lanes, rans;
	double by_table, by_channel; /* entropies, bits */
	double prefix_s, rans_s, magnitudes;
	double refine1;
};

struct bench {
	const uint8_t *file;
	size_t len;
	float step;
	struct scratch *ws;
	struct sums sums;
};

static double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void bench_best(double *best, double start)
{
	double s = bench_now() - start;

	if (*best == 0 || s < *best)
		*best = s;
}

static double entropy(const uint32_t count[16])
{
	double n = 0, bits = 0;

	for (unsigned i = 0; i < 16; i++)
		n += count[i];
	for (unsigned i = 0; i < 16; i++)
		if (count[i])
			bits -= count[i] * log2(count[i] / n);
	return bits;
}

/* --- rANS over 16 symbols --- */

struct rans {
	uint16_t freq[16], start[16];
	uint32_t slot[1 << RANS_BITS]; /* symbol, freq - 1, slot - start */
};

/* Frequencies that sum to 2^12, at least 1 for what occurs. */
static void rans_init(struct rans *r, const uint32_t count[16])
{
	double n = 0;
	int left = 1 << RANS_BITS, most = 0;

	for (unsigned i = 0; i < 16; i++)
		n += count[i];
	for (unsigned i = 0; i < 16; i++) {
		double share = count[i] * (double)(1 << RANS_BITS) / n;

		r->freq[i] = (uint16_t)(count[i] ? fmax(1, share) : 0);
		left -= r->freq[i];
		most = r->freq[i] > r->freq[most] ? (int)i : most;
	}
	r->freq[most] = (uint16_t)(r->freq[most] + left);
	for (unsigned i = 0, at = 0; i < 16; i++) {
		r->start[i] = (uint16_t)at;
		for (unsigned k = 0; k < r->freq[i]; k++, at++)
			r->slot[at] = i | (r->freq[i] - 1u) << 8 | k << 20;
	}
}

/* Writes backwards from end; returns where it begins. */
static uint16_t *rans_put(const struct rans *r, const uint8_t *src, size_t n,
			  uint16_t *end)
{
	uint32_t x[RANS_STATES];

	for (unsigned i = 0; i < RANS_STATES; i++)
		x[i] = RANS_LOW;
	for (size_t i = n; i-- > 0;) {
		uint32_t *s = &x[i % RANS_STATES];
		uint32_t f = r->freq[src[i]];

		if (*s >= (uint64_t)f << (32 - RANS_BITS)) {
			*--end = (uint16_t)*s;
			*s >>= 16;
		}
		*s = (*s / f << RANS_BITS) + *s % f + r->start[src[i]];
	}
	end -= 2 * RANS_STATES;
	memcpy(end, x, sizeof(x));
	return end;
}

static void rans_get(const struct rans *r, const uint16_t *src, size_t n,
		     uint8_t *dst)
{
	uint32_t x[RANS_STATES];

	memcpy(x, src, sizeof(x));
	src += 2 * RANS_STATES;
	for (size_t i = 0; i < n; i += RANS_STATES) {
		for (unsigned k = 0; k < RANS_STATES; k++) {
			uint32_t e = r->slot[x[k] & ((1 << RANS_BITS) - 1)];

			x[k] = ((e >> 8 & 0xfff) + 1) * (x[k] >> RANS_BITS) +
			       (e >> 20);
			dst[i + k] = e & 15;

			bool low = x[k] < RANS_LOW;

			x[k] = low ? x[k] << 16 | *src : x[k];
			src += low;
		}
	}
}

/* --- one tile --- */

struct tile {
	struct grid g;
	const uint8_t *base;
	size_t len;
	uint8_t *mag; /* rows of w; ours */
	const uint8_t *signs;
};

/* The magnitudes of one table's channels, channel by channel; padded. */
static size_t tile_gather(const struct tile *t, unsigned table, uint8_t *dst)
{
	size_t n = 0;

	for (uint32_t c = 0; c < t->g.w; c++) {
		if ((t->base[c / 2] >> 4 * (c % 2) & 15) != table)
			continue;
		for (uint32_t r = 0; r < t->g.t; r++) {
			uint8_t m = t->mag[(size_t)r * t->g.w + c];

			dst[n++] = m > 14 ? 14 : m;
		}
	}
	while (n % RANS_STATES)
		dst[n++] = 0;
	return n;
}

static int tile_rans(struct bench *b, const uint8_t *src, size_t n,
		     const uint32_t count[16], double *seconds)
{
	auto_free struct rans *r = malloc(sizeof(*r));
	auto_free uint16_t *coded = malloc(2 * n + 256);
	auto_free uint8_t *back = malloc(n + RANS_STATES);
	uint16_t *end = coded + n + 128, *at;

	if (!r || !coded || !back)
		return -ENOMEM;
	rans_init(r, count);
	at = rans_put(r, src, n, end);
	b->sums.rans += 16.0 * (double)(end - at) + 8 * RANS_TABLE_BYTES;
	for (int run = 0; run < BENCH_RUNS; run++) {
		double start = bench_now();

		rans_get(r, at, n, back);
		bench_best(seconds, start);
	}
	b->sums.rans_s += *seconds;
	return memcmp(src, back, n) ? -EBADMSG : 0;
}

static int tile_table(struct bench *b, const struct tile *t, unsigned table,
		      uint8_t *sorted)
{
	size_t n = tile_gather(t, table, sorted);
	uint32_t all[16] = { 0 };
	double seconds = 0;

	if (!n)
		return 0;
	for (size_t c = 0; c < n; c += t->g.t) {
		uint32_t count[16] = { 0 };

		for (size_t i = c; i < c + t->g.t && i < n; i++)
			count[sorted[i]]++;
		for (unsigned i = 0; i < 16; i++)
			all[i] += count[i];
		b->sums.by_channel += entropy(count);
	}
	b->sums.by_table += entropy(all);
	b->sums.magnitudes += (double)n;
	return tile_rans(b, sorted, n, all, &seconds);
}

/* Reads the base layer's magnitudes, with a clock on its prefix code. */
static int tile_read(struct bench *b, struct tile *t)
{
	const struct kernels *k = dispatch_kernels();
	size_t room = base_parse_room(&t->g, t->len);
	auto_free uint8_t *mem = malloc(room + 64);
	struct base_view view;
	double best = 0;

	for (int run = 0; mem && run < BENCH_RUNS; run++) {
		struct arena arena = { mem, mem + room + 64 };
		double start = bench_now();
		int r = base_parse(t->base, t->len, &t->g, k, dispatch_codes(),
				   &arena, &view);

		if (r)
			return r;
		bench_best(&best, start);
	}
	if (!mem)
		return -ENOMEM;
	b->sums.prefix_s += best;
	for (uint32_t i = 0; i * GRID_ROWS < t->g.t; i++)
		base_band(&view, k, i, t->mag + (size_t)i * GRID_ROWS * t->g.w);
	return 0;
}

static int tile_measure(struct bench *b, struct tile *t)
{
	size_t padded = (size_t)t->g.n + GRID_ROWS * t->g.w + KERNEL_SLACK;
	auto_free uint8_t *sorted = malloc(padded);
	uint64_t signs = 0;

	t->mag = malloc(padded);
	int r = t->mag && sorted ? tile_read(b, t) : -ENOMEM;

	for (unsigned i = 0; r == 0 && i < GRID_TABLES; i++)
		r = tile_table(b, t, i, sorted);
	for (size_t i = 0; r == 0 && i < t->g.n; i++)
		signs += t->mag[i] > 0;
	t->signs = t->base + t->len - (signs + 7) / 8;

	const uint8_t *lens = t->base + t->g.w / 2;
	uint32_t used = 0;

	for (uint32_t c = 0; c < t->g.w; c++)
		used |= 1u << (t->base[c / 2] >> 4 * (c % 2) & 15);
	for (unsigned i = 0; i < GRID_TABLES; i++)
		for (unsigned l = 0; used & 1u << i && l < 4; l++, lens += 4)
			b->sums.lanes += 8.0 * load32(lens);
	b->sums.values += t->g.n;
	b->sums.all += 8.0 * (double)t->len;
	b->sums.signs += (double)signs;
	return r;
}

static int bench_tile(struct bench *b, const struct shape *shape,
		      const uint8_t *src)
{
	size_t cap = shape_bytes(shape);
	auto_free uint8_t *dst = malloc(cap);
	auto_free int16_t *means = malloc(2 * (GRID_MAX_COLS + 64));
	uint8_t shifts[GRID_MAX_COLS + 64];
	const uint8_t *sinks;
	struct coded coded;
	struct tile t = { 0 };

	if (!dst || !means)
		return -ENOMEM;
	int r =
	    codec_by_name("grid")->encode(shape, src, b->ws, dst, cap, &coded);

	if (r)
		return r == -E2BIG ? 0 : r;
	if (!grid_measure(shape, &t.g))
		return -EINVAL;
	struct arena mem = { .at = shifts, .end = shifts + sizeof(shifts) };

	r = grid_head_parse(dst, coded.len[LAYER_HEAD], &t.g, &mem, means,
			    &sinks);
	t.base = dst + coded.len[LAYER_HEAD];
	t.len = coded.len[LAYER_BASE];
	if (r == 0)
		r = tile_measure(b, &t);
	b->sums.refine1 += 8.0 * coded.len[LAYER_REFINE1];
	free(t.mag);
	return r;
}

static int bench_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct bench *b = ctx;

	memcpy(dst, b->file + off, len);
	return 0;
}

static int bench_extent(struct bench *b, const struct extent *e)
{
	size_t row = e->cols * elem_bytes(e->elem);
	uint32_t n_rows = (uint32_t)(e->len / row);
	uint32_t rows = tile_rows(e->elem, e->cols);
	int r = 0;

	for (uint32_t first = 0; r == 0 && first < n_rows; first += rows) {
		uint32_t left = n_rows - first;
		struct shape shape = { .elem = e->elem,
				       .role = e->role,
				       .rows = left < rows ? left : rows,
				       .cols = e->cols,
				       .first_row = first,
				       .step = b->step };

		r = bench_tile(b, &shape, b->file + e->off + first * row);
	}
	return r;
}

static int bench_file(struct bench *b, const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	auto_free uint8_t *file = malloc((size_t)st.st_size + 1);
	if (!file || read(fd, file, (size_t)st.st_size) != st.st_size)
		return -EIO;
	b->file = file;
	b->len = (size_t)st.st_size;

	struct source src = { .size = b->len, .read = bench_read, .ctx = b };
	const struct layout *layout;
	struct extents list;
	int r = layout_recognise(&src, &layout, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = bench_extent(b, &list.at[i]);
	extents_done(&list);
	return r;
}

static void bench_print(const struct sums *s)
{
	double v = s->values;

	printf("base %.3f b/v: signs %.3f, magnitudes %.3f, the rest %.3f\n",
	       s->all / v, s->signs / v, s->lanes / v,
	       (s->all - s->signs - s->lanes) / v);
	printf("magnitudes: entropy by table %.3f, by channel %.3f, rANS with "
	       "its tables %.3f\n",
	       s->by_table / v, s->by_channel / v, s->rans / v);
	printf("refine1 %.3f b/v\n", s->refine1 / v);
	printf("decoding: prefix %.2f, rANS %.2f thousand million magnitudes "
	       "a second\n",
	       s->magnitudes / s->prefix_s / 1e9,
	       s->magnitudes / s->rans_s / 1e9);
}

int main(int argc, char **argv)
{
	struct bench b = { .ws = scratch_new() };
	int i = 1, r = b.ws ? 0 : -ENOMEM;

	if (argc > 2 && !strcmp(argv[1], "-s")) {
		b.step = strtof(argv[2], NULL);
		i = 3;
	}
	for (; r == 0 && i < argc; i++) {
		r = bench_file(&b, argv[i]);
		if (r)
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
	}
	if (r == 0)
		bench_print(&b.sums);
	scratch_free(b.ws);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
