/*
 * bench_codec.c - what the codecs make of files, and how fast
 *
 * bench_codec FILE...: for each codec the bytes of all its tiles, the share of
 * the file, encode and decode speed of one thread (CPU time, the best of
 * BENCH_RUNS), and the same as a multiple of memcpy and of zstd -3 over the
 * whole file in the same run.  Runs alternate, so that a change of the clock
 * hits everyone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <zstd.h>

#include "codec/layout/layout.h"
#include "codec/mem.h"
#include "codec/scratch.h"
#include "codec/tile.h"

#define BENCH_RUNS       5
#define BENCH_ZSTD_LEVEL 3

struct bench_tile {
	struct shape shape;
	uint8_t codec_id;
	size_t off; /* of the plain bytes */
	size_t pos; /* of the coded ones */
	struct coded coded;
};

struct bench_file {
	uint8_t *plain, *coded, *back;
	size_t len;
	size_t coded_cap;
	struct bench_tile *tile;
	size_t n_tiles, cap_tiles;
};

struct bench_row {
	const char *name;
	const struct codec *codec; /* NULL: what tile_encode chooses */
	size_t bytes;
	double encode_s, decode_s;
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
	const struct bench_file *f = ctx;

	memcpy(dst, f->plain + off, len);
	return 0;
}

static int bench_load(const char *path, struct bench_file *f)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;

	f->len = (size_t)st.st_size;
	f->coded_cap = ZSTD_compressBound(f->len);
	f->plain = malloc(f->len + 1);
	f->coded = malloc(f->coded_cap);
	f->back = malloc(f->len + 1);
	if (!f->plain || !f->coded || !f->back)
		return -ENOMEM;
	memset(f->back, 0, f->len);
	return read(fd, f->plain, f->len) == (ssize_t)f->len ? 0 : -EIO;
}

/* Cuts a run of the file into tiles. */
static int bench_cut(struct bench_file *f, size_t off, size_t len,
		     struct shape s)
{
	uint32_t rows = tile_rows(s.elem, s.cols);

	if (!rows) {
		s = (struct shape){ .elem = ELEM_U8, .cols = 1 };
		rows = tile_rows(ELEM_U8, 1);
	}

	size_t row = s.cols * elem_bytes(s.elem);

	for (size_t first = 0; first * row < len; first += rows) {
		size_t left = len / row - first;

		if (f->n_tiles == f->cap_tiles) {
			f->cap_tiles = 2 * f->cap_tiles + 64;
			f->tile = reallocarray(f->tile, f->cap_tiles,
					       sizeof(*f->tile));
			if (!f->tile)
				return -ENOMEM;
		}
		s.rows = left < rows ? (uint32_t)left : rows;
		s.first_row = (uint32_t)first;
		f->tile[f->n_tiles++] =
		    (struct bench_tile){ .shape = s, .off = off + first * row };
	}
	return 0;
}

static int bench_tiles(struct bench_file *f, const char *path)
{
	struct source src = { .size = f->len, .read = bench_read, .ctx = f };
	struct shape opaque = { .elem = ELEM_U8, .cols = 1 };
	const struct layout *layout;
	struct extents list;
	uint64_t end = 0;
	int r = layout_recognise(&src, &layout, &list);

	if (r < 0)
		return r;
	printf("%s: %zu bytes, %s, %zu extents\n", path, f->len,
	       layout_name(layout ? layout->id : LAYOUT_NONE), list.n);
	for (size_t i = 0; i < list.n && r == 0; i++) {
		const struct extent *e = &list.at[i];
		struct shape s = { .elem = e->elem,
				   .role = e->role,
				   .cols = e->cols };

		r = bench_cut(f, end, e->off - end, opaque);
		if (r == 0)
			r = bench_cut(f, e->off, e->len, s);
		end = e->off + e->len;
	}
	extents_done(&list);
	return r < 0 ? r : bench_cut(f, end, f->len - end, opaque);
}

static int bench_encode_tile(struct bench_file *f, struct bench_tile *t,
			     const struct codec *codec, struct scratch *ws)
{
	const uint8_t *src = f->plain + t->off;
	uint8_t *dst = f->coded + t->pos;
	size_t cap = f->coded_cap - t->pos;

	if (!codec)
		return tile_encode(&t->shape, src, ws, dst, cap, &t->codec_id,
				   &t->coded);

	size_t budget = shape_bytes(&t->shape);
	int r = codec->encode(&t->shape, src, ws, dst, budget, &t->coded);

	t->codec_id = codec->id;
	if (r != -E2BIG)
		return r;
	t->codec_id = CODEC_RAW;
	return codec_by_id(CODEC_RAW)->encode(&t->shape, src, ws, dst, budget,
					      &t->coded);
}

static int bench_encode(struct bench_file *f, struct bench_row *row,
			struct scratch *ws)
{
	double start = bench_now();
	size_t pos = 0;

	for (size_t i = 0; i < f->n_tiles; i++) {
		struct bench_tile *t = &f->tile[i];

		t->pos = pos;

		int r = bench_encode_tile(f, t, row->codec, ws);

		if (r < 0)
			return r;
		for (size_t k = 0; k < N_LAYERS; k++)
			pos += t->coded.len[k];
	}
	bench_best(&row->encode_s, start);
	row->bytes = pos;
	return 0;
}

static int bench_decode(struct bench_file *f, struct bench_row *row,
			struct scratch *ws)
{
	double start = bench_now();

	for (size_t i = 0; i < f->n_tiles; i++) {
		const struct bench_tile *t = &f->tile[i];
		struct coded_view view = { .n_layers = N_LAYERS };
		const uint8_t *p = f->coded + t->pos;

		for (size_t k = 0; k < N_LAYERS; k++) {
			view.layer[k] = p;
			view.len[k] = t->coded.len[k];
			p += t->coded.len[k];
		}

		int r = tile_decode(t->codec_id, &t->shape, &view, ws,
				    f->back + t->off);

		if (r < 0)
			return r;
	}
	bench_best(&row->decode_s, start);
	return memcmp(f->plain, f->back, f->len) == 0 ? 0 : -EBADMSG;
}

static void bench_anchors(struct bench_file *f, struct bench_row *copy,
			  struct bench_row *zstd)
{
	double start = bench_now();

	memcpy(f->back, f->plain, f->len);
	bench_best(&copy->encode_s, start);
	copy->decode_s = copy->encode_s;
	copy->bytes = f->len;

	start = bench_now();
	zstd->bytes = ZSTD_compress(f->coded, f->coded_cap, f->plain, f->len,
				    BENCH_ZSTD_LEVEL);
	bench_best(&zstd->encode_s, start);

	start = bench_now();
	ZSTD_decompress(f->back, f->len, f->coded, zstd->bytes);
	bench_best(&zstd->decode_s, start);
}

static void bench_print(const struct bench_file *f, const struct bench_row *r,
			const struct bench_row *copy,
			const struct bench_row *zstd)
{
	double gb = 1e-9 * (double)f->len;

	printf("%-9s %11zu %6.2f%% | %6.2f %5.2f %6.2f | %6.2f %5.2f %6.2f\n",
	       r->name, r->bytes, 100. * (double)r->bytes / (double)f->len,
	       gb / r->encode_s, copy->encode_s / r->encode_s,
	       zstd->encode_s / r->encode_s, gb / r->decode_s,
	       copy->decode_s / r->decode_s, zstd->decode_s / r->decode_s);
}

static int bench_file(const char *path, struct bench_file *f,
		      struct scratch *ws)
{
	struct bench_row row[] = { { .name = "memcpy" }, { .name = "zstd -3" },
				   { .name = "raw" },    { .name = "lz4" },
				   { .name = "zstd" },   { .name = "split16" },
				   { .name = "chosen" } };
	size_t n = sizeof(row) / sizeof(row[0]);
	int r = bench_load(path, f);

	if (r == 0)
		r = bench_tiles(f, path);
	for (int run = 0; run < BENCH_RUNS && r == 0; run++) {
		bench_anchors(f, &row[0], &row[1]);
		for (size_t i = 2; i < n && r == 0; i++) {
			row[i].codec = codec_by_name(row[i].name);
			r = bench_encode(f, &row[i], ws);
			if (r == 0)
				r = bench_decode(f, &row[i], ws);
		}
	}
	if (r < 0)
		return r;

	printf("%-9s %11s %7s | %6s %5s %6s | %6s %5s %6s\n", "codec", "bytes",
	       "of raw", "enc", "xcpy", "xzstd3", "dec", "xcpy", "xzstd3");
	for (size_t i = 0; i < n; i++)
		bench_print(f, &row[i], &row[0], &row[1]);
	return 0;
}

int main(int argc, char **argv)
{
	struct scratch *ws = scratch_new();
	int worst = ws ? 0 : -ENOMEM;

	for (int i = 1; i < argc && ws; i++) {
		struct bench_file f = { 0 };
		int r = bench_file(argv[i], &f, ws);

		if (r < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
			worst = r;
		}
		free(f.plain);
		free(f.coded);
		free(f.back);
		free(f.tile);
	}
	scratch_free(ws);
	return worst ? 1 : 0;
}
