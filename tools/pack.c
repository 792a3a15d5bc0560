/* pack.c - a file into a container, without a mount */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "codec/mem.h"
#include "codec/scratch.h"
#include "codec/tile.h"
#include "fs/store/cut.h"
#include "fs/store/io.h"
#include "tools/beside.h"
#include "tools/coding.h"
#include "tools/profile_file.h"
#include "tools/verbs.h"

static const char USAGE[] =
    "usage: adaptcache pack FILE CONTAINER [options]\n"
    "  --codec NAME   of tensors of 16 bits: grid, in layers; split16; or\n"
    "                 auto, as a mount stores them (auto)\n"
    "  --step S       base step of grid in rms deviations (1.08)\n"
    "  --profile P    and of each layer of the model as this file says\n"
    "  --window       the base of recent tokens before that of older ones\n";

/* The bytes of one layer, of all tiles so far. */
struct section {
	uint8_t *at;
	size_t len, cap;
};

struct pack {
	const char *from, *to;
	const struct codec *codec; /* NULL: what suits */
	float step;                /* 0: the codec's own */
	bool window;               /* recent tiles have their base first */
	const char *profile_path;  /* NULL: all layers alike */
	struct profile *profile;   /* what it says */
	int in;
	struct head head;
	struct scratch *ws;
	uint8_t *plain, *coded, *back; /* of one tile */
	struct section section[N_LAYERS];
	double error[N_LAYERS]; /* of the extent, times its values so far */
};

static const struct option LONG_OPTIONS[] = {
	{ "codec", required_argument, NULL, 'c' },
	{ "step", required_argument, NULL, 's' },
	{ "profile", required_argument, NULL, 'p' },
	{ "window", no_argument, NULL, 'w' },
	{ 0 },
};

static int pack_usage(void)
{
	fputs(USAGE, stderr);
	return -EINVAL;
}

static int pack_codec(struct pack *p, const char *name)
{
	p->codec = codec_by_name(name);
	if (!strcmp(name, "auto") || !strcmp(name, "grid") ||
	    !strcmp(name, "split16"))
		return 0;
	return pack_usage();
}

static int pack_step(struct pack *p, const char *text)
{
	char *end;

	p->step = strtof(text, &end);
	if (end == text || *end ||
	    !(p->step >= SHAPE_STEP_MIN && p->step <= SHAPE_STEP_MAX))
		return pack_usage();
	return 0;
}

static int pack_options(struct pack *p, int argc, char **argv)
{
	int c, r = 0;

	optind = 1;
	while (r == 0 &&
	       (c = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1)
		r = c == 'c'   ? pack_codec(p, optarg)
		    : c == 's' ? pack_step(p, optarg)
		    : c == 'p' ? (p->profile_path = optarg, 0)
		    : c == 'w' ? (p->window = true, 0)
			       : pack_usage();
	if (r == 0 && argc - optind != 2)
		r = pack_usage();
	if (r < 0)
		return r;
	p->from = argv[optind];
	p->to = argv[optind + 1];
	return 0;
}

static int pack_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct pack *p = ctx;
	ssize_t n = io_real.read(p->in, dst, len, off);

	if (n < 0)
		return (int)n;
	return n == (ssize_t)len ? 0 : -EIO; /* truncated meanwhile */
}

/* Opens the file, cuts it, and makes the memory that a tile takes. */
static int pack_begin(struct pack *p)
{
	struct stat st;

	p->in = open(p->from, O_RDONLY | O_CLOEXEC);
	if (p->in < 0 || fstat(p->in, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	p->head.logical_size = (uint64_t)st.st_size;
	p->head.entry_id = st.st_ino;
	p->ws = scratch_new();
	p->plain = malloc(TILE_MAX_BYTES);
	p->coded = malloc(TILE_MAX_BYTES);
	p->back = malloc(TILE_MAX_BYTES);
	if (!p->ws || !p->plain || !p->coded || !p->back)
		return -ENOMEM;

	struct source src = { .size = p->head.logical_size,
			      .read = pack_read,
			      .ctx = p };
	int r = cut_extents(&src, &p->head);

	if (r == 0 && p->profile &&
	    !profile_matches(p->profile, p->head.extents, p->head.n_extents))
		return -EDOM;
	p->window = r == 0 && p->window && head_halve(&p->head) > 0;
	return r == 0 ? head_cut(&p->head) : r;
}

/* Whether what was coded decodes to what it came from. */
static bool pack_verifies(struct pack *p, uint8_t codec,
			  const struct shape *shape, const struct coded *coded)
{
	struct coded_view in = coding_view(coded, p->coded, N_LAYERS);

	for (unsigned l = 0; l < N_LAYERS; l++)
		if (!isfinite(coded->error[l]))
			return false;
	return tile_decode(codec, shape, &in, p->ws, p->back) == 0 &&
	       !memcmp(p->back, p->plain, shape_bytes(shape));
}

/* The tile at p->plain to p->coded. */
static int pack_encode(struct pack *p, const struct shape *shape,
		       uint8_t *ret_codec, struct coded *ret)
{
	const struct codec *raw = codec_by_id(CODEC_RAW);
	int r = coding_encode(p->codec, shape, p->plain, p->ws, p->coded,
			      TILE_MAX_BYTES, ret_codec, ret);

	if (r < 0 || pack_verifies(p, *ret_codec, shape, ret))
		return r;
	*ret_codec = CODEC_RAW;
	return raw->encode(shape, p->plain, p->ws, p->coded, TILE_MAX_BYTES,
			   ret);
}

static int section_add(struct section *s, const uint8_t *bytes, size_t len)
{
	if (!len)
		return 0;
	if (s->cap - s->len < len) {
		size_t cap = 2 * s->cap + TILE_MAX_BYTES;
		uint8_t *at = realloc(s->at, cap);

		if (!at)
			return -ENOMEM;
		s->at = at;
		s->cap = cap;
	}
	memcpy(s->at + s->len, bytes, len);
	s->len += len;
	return 0;
}

/* Adds the tile's error; after the extent's last tile it is the mean. */
static void pack_error(struct pack *p, uint32_t tile, const struct shape *shape,
		       const struct coded *coded)
{
	struct head *h = &p->head;
	struct head_extent *e = &h->extents[h->tiles[tile].extent];
	double values = (double)shape->rows * shape->cols;
	double all = (double)(e->len / elem_bytes(e->elem));

	if (tile == e->first_tile)
		memset(p->error, 0, sizeof(p->error));
	for (unsigned l = 0; l < N_LAYERS; l++) {
		p->error[l] += (double)coded->error[l] * values;
		e->error[l] = (float)(p->error[l] / all);
	}
}

static struct shape pack_shape(const struct pack *p, uint32_t tile)
{
	struct shape shape = head_shape(&p->head, tile);
	const struct head_extent *e =
	    &p->head.extents[p->head.tiles[tile].extent];

	/* A row of no role may be no token: such stays exact. */
	if (shape.role == ROLE_NONE)
		return shape;
	shape.step = p->step;
	if (p->profile)
		profile_shape(p->profile, e->model_layer,
			      p->step > 0 ? p->step : (float)SHAPE_STEP,
			      &shape);
	return shape;
}

/* What may be cut off must leave a tile that reads. */
static void pack_place(const struct pack *p, uint32_t tile, struct coded *coded)
{
	const struct head_tile *t = &p->head.tiles[tile];
	const struct head_extent *e = &p->head.extents[t->extent];

	if ((p->codec && p->codec->layered) || p->step > 0)
		tile_keep(t->codec, coded);
	if (p->window && tile - e->first_tile >= head_recent(e))
		tile_recent(t->codec, coded);
}

static int pack_tile(struct pack *p, uint32_t tile)
{
	struct head_tile *t = &p->head.tiles[tile];
	struct shape shape = pack_shape(p, tile);
	const uint8_t *at = p->coded;
	struct coded coded;

	int r = pack_read(p, head_tile_off(&p->head, tile), p->plain,
			  shape_bytes(&shape));

	if (r == 0)
		r = pack_encode(p, &shape, &t->codec, &coded);
	if (r == 0)
		pack_place(p, tile, &coded);
	for (unsigned l = 0; r == 0 && l < N_LAYERS; l++) {
		t->len[l] = coded.len[l];
		t->sum[l] = XXH3_64bits(at, coded.len[l]);
		r = section_add(&p->section[l], at, coded.len[l]);
		at += coded.len[l];
	}
	if (r == 0)
		pack_error(p, tile, &shape, &coded);
	return r;
}

static int pack_write(struct pack *p, int out)
{
	struct head *h = &p->head;

	head_place(h);
	size_t len = head_bytes(h);
	auto_free void *head = malloc(len);
	int r = head ? 0 : -ENOMEM;

	if (r == 0) {
		head_pack(h, head);
		r = io_real.write(out, head, len, 0);
	}
	for (unsigned l = 0; r == 0 && l < N_LAYERS; l++)
		r = io_real.write(out, p->section[l].at, p->section[l].len,
				  h->section[l].off);
	return r;
}

static void pack_done(struct pack *p)
{
	if (p->in >= 0)
		close(p->in);
	for (unsigned l = 0; l < N_LAYERS; l++)
		free(p->section[l].at);
	free(p->plain);
	free(p->coded);
	free(p->back);
	if (p->profile)
		profile_done(p->profile);
	free(p->profile);
	scratch_free(p->ws);
	head_done(&p->head);
}

/* Says what is wrong, if anything. */
static int pack_profile(struct pack *p)
{
	p->profile = malloc(sizeof(*p->profile));
	if (!p->profile)
		return -ENOMEM;
	return profile_file_load(p->profile_path, p->profile);
}

int verb_pack(int argc, char **argv)
{
	struct pack p = { .in = -1 };
	struct beside out;

	if (pack_options(&p, argc, argv) < 0)
		return 2;
	if (p.profile_path && pack_profile(&p) < 0) {
		free(p.profile);
		return 1;
	}
	const char *at = p.from;
	int r = pack_begin(&p);

	for (uint32_t t = 0; r == 0 && t < p.head.n_tiles; t++)
		r = pack_tile(&p, t);
	if (r == 0) {
		at = p.to;
		r = beside_open(&out, p.to);
		if (r == 0)
			r = beside_close(&out, pack_write(&p, out.fd));
	}
	if (r < 0)
		fprintf(stderr, "adaptcache: %s: %s\n", at,
			r == -EDOM ? "not a cache of the profile's model"
				   : strerror(-r));
	pack_done(&p);
	return r < 0;
}
