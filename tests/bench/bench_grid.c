/*
 * bench_grid.c - what the grid codec makes of the tensors of a file
 *
 * bench_grid [-r ROWS] FILE...: bits per value and error of each prefix of
 * layers, for K and V; encode and decode speed of one thread (CPU time, the
 * best of BENCH_RUNS) as GB/s of plain bytes and as a share of memcpy in the
 * same run.  Runs alternate, so that a change of the clock hits everyone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "codec/codec.h"
#include "codec/layout/layout.h"
#include "codec/mem.h"
#include "codec/scratch.h"
#include "codec/tile.h"

#define BENCH_RUNS 7

struct bench_tile {
	struct shape shape;
	size_t off; /* of the plain bytes, from the first tile's */
	size_t pos; /* of the coded ones */
	struct coded coded;
	bool raw;
};

struct bench {
	const struct codec *codec;
	struct scratch *ws;
	uint8_t *file, *plain, *coded, *back;
	size_t file_len, len;
	struct bench_tile *tile;
	size_t n_tiles;
	uint32_t rows; /* of a tile; 0: as the store cuts them */
	double encode_s, copy_s, decode_s[N_LAYERS];
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

static int bench_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct bench *b = ctx;

	memcpy(dst, b->file + off, len);
	return 0;
}

static int bench_load(const char *path, struct bench *b)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	b->file_len = (size_t)st.st_size;
	b->file = malloc(b->file_len);
	b->plain = malloc(b->file_len);
	b->coded = malloc(2 * b->file_len);
	b->back = malloc(b->file_len);
	if (!b->file || !b->plain || !b->coded || !b->back)
		return -ENOMEM;
	memset(b->back, 1, b->file_len);
	memset(b->coded, 1, 2 * b->file_len);
	return read(fd, b->file, b->file_len) == (ssize_t)b->file_len ? 0
								      : -EIO;
}

static int bench_cut(struct bench *b, const struct extent *e)
{
	size_t row = e->cols * elem_bytes(e->elem);
	uint32_t n_rows = (uint32_t)(e->len / row);

	uint32_t rows = b->rows ? b->rows : tile_rows(e->elem, e->cols);

	memcpy(b->plain + b->len, b->file + e->off, e->len);
	for (uint32_t first = 0; first < n_rows; first += rows) {
		struct bench_tile *t;

		b->tile = reallocarray(b->tile, b->n_tiles + 1, sizeof(*t));
		if (!b->tile)
			return -ENOMEM;
		t = &b->tile[b->n_tiles++];
		memset(t, 0, sizeof(*t));
		t->off = b->len + first * row;
		t->shape = (struct shape){ .elem = e->elem,
					   .role = e->role,
					   .rows = n_rows - first < rows
						       ? n_rows - first
						       : rows,
					   .cols = e->cols,
					   .first_row = first };
	}
	b->len += e->len;
	return 0;
}

static int bench_tiles(struct bench *b)
{
	struct source src = { .size = b->file_len,
			      .read = bench_read,
			      .ctx = b };
	const struct layout *layout;
	struct extents list;
	int r = layout_recognise(&src, &layout, &list);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = bench_cut(b, &list.at[i]);
	extents_done(&list);
	return r;
}

static int bench_encode(struct bench *b)
{
	double start = bench_now();
	size_t pos = 0;

	for (size_t i = 0; i < b->n_tiles; i++) {
		struct bench_tile *t = &b->tile[i];
		size_t cap = shape_bytes(&t->shape);
		int r = b->codec->encode(&t->shape, b->plain + t->off, b->ws,
					 b->coded + pos, cap, &t->coded);

		t->raw = r == -E2BIG;
		if (r && !t->raw)
			return r;
		t->pos = pos;
		for (unsigned l = 0; l < N_LAYERS && !t->raw; l++)
			pos += t->coded.len[l];
	}
	bench_best(&b->encode_s, start);
	return 0;
}

static int bench_decode(struct bench *b, unsigned n_layers)
{
	double start = bench_now();

	for (size_t i = 0; i < b->n_tiles; i++) {
		struct bench_tile *t = &b->tile[i];
		struct coded_view in = { .n_layers = n_layers };
		const uint8_t *p = b->coded + t->pos;

		if (t->raw)
			continue;
		for (unsigned l = 0; l < n_layers; l++) {
			in.layer[l] = p;
			in.len[l] = t->coded.len[l];
			p += in.len[l];
		}
		int r =
		    b->codec->decode(&t->shape, &in, b->ws, b->back + t->off);

		if (r)
			return r;
	}
	bench_best(&b->decode_s[n_layers - 1], start);
	return 0;
}

/* Exact at the end: the last decode of a run is that of all layers. */
static int bench_verify(const struct bench *b)
{
	for (size_t i = 0; i < b->n_tiles; i++) {
		const struct bench_tile *t = &b->tile[i];

		if (!t->raw && memcmp(b->plain + t->off, b->back + t->off,
				      shape_bytes(&t->shape)))
			return -EBADMSG;
	}
	return 0;
}

static int bench_run(struct bench *b)
{
	for (int run = 0; run < BENCH_RUNS; run++) {
		int r = bench_encode(b);

		if (r)
			return r;
		double start = bench_now();

		memcpy(b->back, b->plain, b->len);
		bench_best(&b->copy_s, start);
		for (unsigned n = 1; n <= N_LAYERS && r == 0; n++)
			r = bench_decode(b, n);
		if (r == 0)
			r = bench_verify(b);
		if (r)
			return r;
	}
	return 0;
}

static void bench_print_sizes(const struct bench *b, enum role role)
{
	double values = 0, bits[N_LAYERS] = { 0 }, error[N_LAYERS] = { 0 };
	size_t n = 0, n_raw = 0;

	for (size_t i = 0; i < b->n_tiles; i++) {
		const struct bench_tile *t = &b->tile[i];

		if (t->shape.role != role)
			continue;
		n++;
		n_raw += t->raw;
		values += (double)shape_bytes(&t->shape) / 2;
		for (unsigned l = 0; l < N_LAYERS; l++) {
			bits[l] += 8.0 * (t->raw ? (l ? 0 : 2 * values)
						 : t->coded.len[l]);
			error[l] += t->raw ? 0 : (double)t->coded.error[l];
		}
	}
	printf("%-3s", role == ROLE_K ? "K" : role == ROLE_V ? "V" : "-");
	for (unsigned l = 0; l < N_LAYERS; l++) {
		bits[l] += l ? bits[l - 1] : 0;
		printf("  %7.3f (%.5f)", bits[l] / values,
		       error[l] / (double)n);
	}
	printf("  %zu of %zu tiles raw\n", n_raw, n);
}

static void bench_print(const struct bench *b)
{
	static const char *const names[] = { "head", "base", "refine1",
					     "refine2", "exact" };
	double len = (double)b->len;

	printf("     bits per value (relative error) up to head, base, "
	       "refine1, refine2, exact\n");
	bench_print_sizes(b, ROLE_K);
	bench_print_sizes(b, ROLE_V);
	printf("memcpy %.2f GB/s; encode %.3f GB/s, %.3f of it; decode",
	       len / b->copy_s / 1e9, len / b->encode_s / 1e9,
	       b->copy_s / b->encode_s);
	for (unsigned l = 0; l < N_LAYERS; l++)
		printf(" %s %.2f (%.3f)", names[l], len / b->decode_s[l] / 1e9,
		       b->copy_s / b->decode_s[l]);
	printf("\n");
}

static int bench_file(const char *path, uint32_t rows)
{
	struct bench b = { .rows = rows,
			   .codec = codec_by_name("grid"),
			   .ws = scratch_new() };
	int r = b.ws ? bench_load(path, &b) : -ENOMEM;

	if (r == 0)
		r = bench_tiles(&b);
	printf("%s: %zu tiles\n", path, b.n_tiles);
	if (r == 0)
		r = bench_run(&b);
	if (r)
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
	else
		bench_print(&b);
	free(b.file);
	free(b.plain);
	free(b.coded);
	free(b.back);
	free(b.tile);
	scratch_free(b.ws);
	return r;
}

int main(int argc, char **argv)
{
	int failed = 0, i = 1;
	uint32_t rows = 0;

	if (argc > 2 && !strcmp(argv[1], "-r")) {
		rows = (uint32_t)strtoul(argv[2], NULL, 10);
		i = 3;
	}
	for (; i < argc; i++)
		failed |= bench_file(argv[i], rows) != 0;
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
