/*
 * grid_decode.c - a prefix of the grid codec's layers to one tile
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"
#include "codec/scratch.h"

struct decode {
	struct grid g;
	const struct kernels *k;
	const struct grid_codes *codes;
	const struct coded_view *in;
	unsigned level; /* enum layer: the last one present */
	int16_t *m;
	struct turner turner;
	struct base_view base;
	struct exact_view exact;
	struct exact_rule rule;
	float *scale; /* of each column */
	struct dequantise d;
	uint8_t *mag;         /* one band */
	uint8_t *digits;      /* R2 * d1 + d2, or what of it is not in planes;
				 NULL: nothing */
	const uint8_t *first; /* refine1's planes */
	struct bit_reader second;
	size_t second_end; /* bits */
	uint16_t *row;     /* where dst cannot take a row */
	uint8_t *tail;     /* the end of the stream of bits, with slack */
	size_t rest_end;   /* bits */
	bool in_tail;
};

/* Bytes of the stream of bits that a row may take, and some. */
static size_t decode_row_bytes(const struct grid *g)
{
	return g->w / 8 * 7 + 16;
}

static size_t decode_room(const struct grid *g, const struct coded_view *in)
{
	size_t each = KERNEL_SLACK + 64;
	size_t room = 2 * g->w + each + turner_room(g) + GRID_ROWS * g->w +
		      each + g->n + 8 + each + 2 * g->w + each +
		      3 * decode_row_bytes(g) + each + grid_shift_room(g) +
		      exact_rule_room(g) + 4 * g->w + each;

	if (in->n_layers > LAYER_BASE)
		room += base_parse_room(g, in->len[LAYER_BASE]);
	if (in->n_layers > LAYER_REFINE1)
		room += in->len[LAYER_REFINE1] + g->w / 8 + each;
	if (in->n_layers > LAYER_EXACT)
		room += exact_parse_room(g, in->len[LAYER_EXACT]);
	return room;
}

static int decode_take(struct decode *s, struct arena *mem)
{
	const struct grid *g = &s->g;

	s->mag = arena_take(mem, GRID_ROWS * g->w + KERNEL_SLACK);
	s->scale = arena_take(mem, g->w * sizeof(*s->scale) + KERNEL_SLACK);
	s->row = arena_take(mem, 2 * g->w + KERNEL_SLACK);
	s->tail = arena_take(mem, 3 * decode_row_bytes(g) + KERNEL_SLACK);
	return s->scale && s->mag && s->row && s->tail ? 0 : -ENOMEM;
}

/* refine1 in planes: the second from a copy with slack behind. */
static int decode_planes(struct decode *s, struct arena *mem)
{
	const uint8_t *p = s->in->layer[LAYER_REFINE1];
	size_t len = s->in->len[LAYER_REFINE1], plane = s->g.n / 8;
	size_t slack = KERNEL_SLACK + s->g.w / 8;

	if (len < plane)
		return -EBADMSG;
	len -= plane;
	uint8_t *copy = arena_take(mem, len + slack);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, p + plane, len);
	memset(copy + len, 0, slack);
	s->first = p;
	s->second.src = copy;
	s->second_end = 8 * len;
	return 0;
}

/* A layer's digits, added to those before: times is 0, or their radix. */
static int decode_digits(struct decode *s, enum layer layer, unsigned radix,
			 unsigned times)
{
	const uint8_t *p = s->in->layer[layer];
	size_t len = grid_digit_bytes(s->g.n, radix);

	if (s->in->len[layer] != len)
		return -EBADMSG;
	if (radix == 3)
		s->k->unpack3(p, len, times, s->digits);
	else
		s->k->unpack4(p, len, times, s->digits);
	return 0;
}

static int decode_refinements(struct decode *s, struct arena *mem)
{
	const struct grid *g = &s->g;
	int r = 0;

	if (s->level < LAYER_REFINE1)
		return 0;
	if (!g->planes || s->level > LAYER_REFINE1) {
		s->digits = arena_take(mem, g->n + 8 + KERNEL_SLACK);
		if (!s->digits)
			return -ENOMEM;
	}
	r = g->planes ? decode_planes(s, mem)
		      : decode_digits(s, LAYER_REFINE1, 3, 0);
	if (!r && s->level > LAYER_REFINE1)
		r = decode_digits(s, LAYER_REFINE2, g->r2,
				  g->planes ? 0 : g->r2);
	return r;
}

static int decode_parse(struct decode *s, struct arena *mem)
{
	const struct coded_view *in = s->in;
	int r = 0;

	if (s->level >= LAYER_BASE)
		r = base_parse(in->layer[LAYER_BASE], in->len[LAYER_BASE],
			       &s->g, s->k, s->codes, mem, &s->base);
	if (!r)
		r = decode_refinements(s, mem);
	if (!r && s->level >= LAYER_EXACT)
		r = exact_parse(in->layer[LAYER_EXACT], in->len[LAYER_EXACT],
				&s->g, s->k, s->codes, mem, &s->exact);
	return r;
}

/* What the sum of a row's parts means at each level: see grid.h. */
static void decode_begin(struct decode *s)
{
	const struct grid *g = &s->g;
	struct dequantise *d = &s->d;
	bool exact = s->level == LAYER_EXACT;
	unsigned half = exact ? 0 : 1; /* sums are in half fine steps */
	int bias = -(int)(g->f / 2 << half);

	d->w = g->w;
	grid_scales(g, 1, (int)half, s->scale);
	d->scale = s->scale;
	d->q_times = s->level == LAYER_BASE ? g->base_times : g->f << half;
	d->first = s->first;
	d->second = s->second;
	d->first_times = g->r2 << half;
	d->digit_times = 1u << half;
	if (s->level == LAYER_HEAD)
		bias = 0;
	else if (s->level == LAYER_BASE)
		bias += (int)g->f;
	else if (s->level == LAYER_REFINE1)
		bias += (int)g->r2;
	else if (s->level == LAYER_REFINE2)
		bias += 1;
	if (s->level == LAYER_REFINE1)
		d->digit_times = 2 * g->r2;
	if (s->first)
		bias += (int)d->first_times; /* kernels have d1 - 1 */
	turner_start(&s->turner, s->m, (int)half, bias);

	d->signs = s->base.signs;
	if (s->level == LAYER_HEAD)
		d->signs.src = s->mag; /* read, not used */
	if (!exact)
		return;
	d->rule = &s->rule;
	d->rest.src = s->exact.rest;
	d->nibbles = s->exact.nibbles;
	d->exponents = s->exact.exponents;
	s->rest_end = 8 * s->exact.rest_len;
}

/*
 * Sees to it that a row's bits can be read without leaving the stream: its
 * last rows are read from a copy with zeros behind.
 */
static int decode_guard_rest(struct decode *s)
{
	struct bit_reader *rest = &s->d.rest;
	size_t row = decode_row_bytes(&s->g);
	size_t left = s->rest_end / 8 - rest->at / 8;

	if (rest->at > s->rest_end)
		return -EBADMSG;
	if (s->in_tail || left >= row)
		return 0;
	memcpy(s->tail, rest->src + rest->at / 8, left);
	memset(s->tail + left, 0, 2 * row);
	s->rest_end -= rest->at & ~(size_t)7;
	rest->src = s->tail;
	rest->at &= 7;
	s->in_tail = true;
	return 0;
}

/* One row to dst, w values. */
static int decode_row(struct decode *s, uint32_t t, uint16_t *dst)
{
	struct dequantise *d = &s->d;

	d->mean = turner_row(&s->turner, t);
	d->mag = s->mag + (size_t)(t % GRID_ROWS) * s->g.w;
	d->digit = s->digits ? s->digits + (size_t)t * s->g.w : NULL;
	if (s->level < LAYER_EXACT) {
		s->k->dequantise[s->g.bf16](d, dst);
	} else {
		int r = decode_guard_rest(s);

		if (r)
			return r;
		s->k->exact[s->g.bf16](d, dst);
	}
	return d->signs.at > s->base.signs_end || d->second.at > s->second_end
		   ? -EBADMSG
		   : 0;
}

/* What must be used up is. */
static int decode_end(const struct decode *s)
{
	if (s->first && align_up(s->d.second.at, 8) != s->second_end)
		return -EBADMSG;
	if (s->level < LAYER_EXACT)
		return 0;
	size_t n_used = (size_t)(s->d.exponents - s->exact.exponents);

	if (s->d.rest.at > s->rest_end ||
	    (grid_top_exponent(&s->g) > 0 && n_used != s->exact.n_exponents))
		return -EBADMSG;
	return 0;
}

static int decode_rows(struct decode *s, uint8_t *dst)
{
	const struct grid *g = &s->g;
	size_t len = 2 * (size_t)g->cols;
	bool direct = g->w == g->cols && !((uintptr_t)dst & 1);

	memset(s->mag, 0, GRID_ROWS * g->w);
	for (uint32_t t = 0; t < g->t; t++, dst += len) {
		uint16_t *row = direct ? (uint16_t *)(void *)dst : s->row;

		if (t % GRID_ROWS == 0 && s->level >= LAYER_BASE)
			base_band(&s->base, s->k, t / GRID_ROWS, s->mag);
		int r = decode_row(s, t, row);

		if (r)
			return r;
		if (!direct)
			memcpy(dst, row, len);
	}
	return decode_end(s);
}

int grid_decode(const struct shape *shape, const struct coded_view *in,
		struct scratch *ws, void *dst)
{
	struct decode s = { .k = dispatch_kernels(),
			    .codes = dispatch_codes(),
			    .in = in };
	const uint8_t *sinks;

	if (!grid_measure(shape, &s.g) || !in->n_layers ||
	    in->n_layers > N_LAYERS)
		return -EBADMSG;
	s.level = in->n_layers - 1;
	if (s.level == LAYER_WINDOW)
		s.level = LAYER_HEAD; /* has nothing of ours */
	size_t room = decode_room(&s.g, in);
	struct arena mem = { .at = scratch_buf(ws, room) };

	if (!mem.at)
		return -ENOMEM;
	mem.end = mem.at + room;
	s.m = arena_take(&mem, 2 * s.g.w + KERNEL_SLACK);
	if (!s.m)
		return -ENOMEM;
	int r = grid_head_parse(in->layer[LAYER_HEAD], in->len[LAYER_HEAD],
				&s.g, &mem, s.m, &sinks);

	if (!r)
		r = turner_init(&s.turner, &s.g, s.k, &mem);
	if (!r)
		r = decode_take(&s, &mem);
	if (!r)
		r = decode_parse(&s, &mem);
	if (!r && s.level == LAYER_EXACT)
		r = exact_rule_init(&s.g, &mem, &s.rule);
	if (r)
		return r;

	size_t sink_len = 2 * (size_t)s.g.n_sink * s.g.cols;

	memcpy(dst, sinks, sink_len);
	decode_begin(&s);
	return decode_rows(&s, (uint8_t *)dst + sink_len);
}
