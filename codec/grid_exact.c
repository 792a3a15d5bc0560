/*
 * grid_exact.c - the exact layer: the bits that the grid cut off
 */
#include <errno.h>
#include <string.h>

#include "codec/grid_layers.h"
#include "codec/mem.h"

/* n_gaps, n_listed, table, four lengths. */
#define EXACT_HEAD 28

static const unsigned EXACT_ZERO_GAP = 14;
static const unsigned EXACT_LISTED_GAP = 13;

/* Bits cut off a value with this j (at most 255), if its column allows. */
static int exact_width(const struct grid *g, unsigned j)
{
	int m = grid_mantissa(g);

	return j ? m - (31 - __builtin_clz(j)) : m;
}

/* What a column allows: no more bits than its finest step has. */
static int exact_most(const struct grid *g, uint32_t column)
{
	int m = grid_mantissa(g);
	int most = grid_k(g, column) + m + grid_bias(g) - 1;

	most = most < m ? most : m;
	return most > 0 ? most : 0;
}

static uint8_t exact_mask(int n_bits)
{
	return (uint8_t)((1 << n_bits) - 1);
}

size_t exact_rule_room(const struct grid *g)
{
	return 2 * (g->w + 64);
}

int exact_rule_init(const struct grid *g, struct arena *mem,
		    struct exact_rule *ret)
{
	int in_nibble = g->bf16 ? 0 : 4;
	uint8_t *low = arena_take(mem, g->w), *rest = arena_take(mem, g->w);

	if (!low || !rest)
		return -ENOMEM;
	for (uint32_t c = 0; c < g->w; c++) {
		int most = exact_most(g, c);
		int in_low = most < in_nibble ? most : in_nibble;

		low[c] = exact_mask(in_low);
		rest[c] = exact_mask(most - in_low);
	}
	ret->low_most = low;
	ret->rest_most = rest;

	for (unsigned i = 0; i < 16; i++) {
		int lo = exact_width(g, i), hi = exact_width(g, i << 4);
		int lo_low = lo < in_nibble ? lo : in_nibble;
		int hi_low = hi < in_nibble ? hi : in_nibble;

		ret->low_lo[i] = exact_mask(lo_low);
		ret->rest_lo[i] = exact_mask(lo - lo_low);
		ret->low_hi[i] = i ? exact_mask(hi_low) : 255;
		ret->rest_hi[i] = i ? exact_mask(hi - hi_low) : 255;
	}
	return 0;
}

static uint32_t exact_listed_cap(const struct grid *g)
{
	return g->n / 16 + 64;
}

size_t exact_encode_room(const struct grid *g)
{
	return g->n + exact_listed_cap(g) * sizeof(struct grid_escape) +
	       (size_t)g->n * PREFIX_BITS / 16 + 4 * 32 +
	       4 * (KERNEL_SLACK + 64);
}

struct exact_work {
	const struct exact_job *job;
	uint8_t *pairs;
	size_t n_pairs;
	unsigned table; /* GRID_TABLES or the next */
	uint8_t *lanes;
	struct grid_escapes listed;
};

static unsigned exact_gap(unsigned top, unsigned exponent)
{
	if (!exponent)
		return EXACT_ZERO_GAP;
	return top - exponent < EXACT_LISTED_GAP ? top - exponent
						 : EXACT_LISTED_GAP;
}

static void exact_make_pairs(struct exact_work *s)
{
	const uint8_t *from = s->job->exponents;
	unsigned top = (unsigned)grid_top_exponent(s->job->g);
	size_t n = s->job->n_exponents;
	uint8_t gap[256];

	for (unsigned e = 0; e < 256; e++)
		gap[e] = (uint8_t)exact_gap(top, e);
	for (size_t i = 0; i < n / 2; i++)
		s->pairs[i] =
		    (uint8_t)(gap[from[2 * i]] | gap[from[2 * i + 1]] << 4);
	if (n % 2)
		s->pairs[n / 2] = gap[from[n - 1]];
	s->n_pairs = (n + 1) / 2;
}

/* The table that takes fewer bits; a rare pair is listed, twice perhaps. */
static unsigned exact_choose_table(const struct exact_work *s)
{
	const struct prefix_encoder *code =
	    &s->job->codes->encoder[GRID_TABLES];
	uint64_t price[256], sum = 0;

	/* both prices side by side */
	for (unsigned i = 0; i < 256; i++) {
		uint32_t a = code[0].at[i], b = code[1].at[i];

		a = prefix_bits(a) + (a & PREFIX_RARE ? 48 : 0);
		b = prefix_bits(b) + (b & PREFIX_RARE ? 48 : 0);
		price[i] = a | (uint64_t)b << 32;
	}
	for (size_t i = 0; i < s->n_pairs; i++)
		sum += price[s->pairs[i]];
	return (uint32_t)sum <= sum >> 32 ? GRID_TABLES : GRID_TABLES + 1;
}

/* Lists the exponent if its gap's code does not give it. */
static void exact_list_one(struct exact_work *s, size_t i, unsigned said)
{
	int e = grid_top_exponent(s->job->g) - (int)said;

	if (i >= s->job->n_exponents)
		return;
	if (said == EXACT_ZERO_GAP || e < 0)
		e = 0;
	if (e != s->job->exponents[i])
		escapes_add(&s->listed, (uint32_t)i, s->job->exponents[i]);
}

static void exact_list(struct exact_work *s)
{
	const uint8_t *in = s->job->codes->encoder[s->table].stand_in;
	bool plain[256];

	/* pairs that always say what they mean */
	for (unsigned i = 0; i < 256; i++)
		plain[i] = in[i] == i && (i & 15) != EXACT_LISTED_GAP &&
			   i >> 4 != EXACT_LISTED_GAP;
	for (size_t i = 0; i < s->n_pairs; i++) {
		unsigned pair = s->pairs[i];

		if (plain[pair])
			continue;
		exact_list_one(s, 2 * i, in[pair] & 15);
		exact_list_one(s, 2 * i + 1, in[pair] >> 4);
	}
}

static uint8_t *exact_put_lanes(struct exact_work *s, uint8_t *lens)
{
	uint8_t *dst = s->lanes;

	for (unsigned l = 0; l < 4; l++) {
		struct bit_writer b = { .dst = dst };
		size_t from = lane_cut(s->n_pairs, l);

		prefix_put(&s->job->codes->encoder[s->table], s->pairs + from,
			   lane_cut(s->n_pairs, l + 1) - from, &b);
		store32(lens + 4 * l, (uint32_t)(bits_end(&b) - dst));
		dst = bits_end(&b);
	}
	return dst;
}

static void exact_put_listed(const struct exact_work *s, struct out *out)
{
	for (uint32_t i = 0; i < s->listed.n; i++) {
		uint8_t entry[5];

		store32(entry, s->listed.at[i].at);
		entry[4] = (uint8_t)s->listed.at[i].value;
		out_put(out, entry, 5);
	}
}

int exact_encode(const struct exact_job *job, struct arena *mem,
		 struct out *out)
{
	const struct grid *g = job->g;
	struct exact_work s = { .job = job };
	uint8_t head[EXACT_HEAD] = { 0 };

	s.listed.cap = exact_listed_cap(g);
	s.listed.at =
	    arena_take(mem, s.listed.cap * sizeof(struct grid_escape));
	s.pairs = arena_take(mem, g->n / 2 + KERNEL_SLACK);
	s.lanes = arena_take(mem, (size_t)g->n * PREFIX_BITS / 16 + 4 * 32);
	if (!s.listed.at || !s.pairs || !s.lanes)
		return -ENOMEM;

	uint8_t *end = s.lanes;

	if (grid_top_exponent(g) > 0) {
		exact_make_pairs(&s);
		s.table = exact_choose_table(&s);
		exact_list(&s);
		end = exact_put_lanes(&s, head + 12);
		store32(head, (uint32_t)job->n_exponents);
		store32(head + 4, s.listed.n);
		store32(head + 8, s.table - GRID_TABLES);
	}
	if (s.listed.n > s.listed.cap)
		return -E2BIG;
	out_put(out, head, EXACT_HEAD);
	out_put(out, s.lanes, (size_t)(end - s.lanes));
	exact_put_listed(&s, out);
	if (!g->bf16)
		out_put(out, job->nibbles, g->n / 2);
	out_put(out, job->rest, job->rest_len);
	return 0;
}

size_t exact_parse_room(const struct grid *g, size_t len)
{
	return (size_t)g->n * 2 + len + 8 * (KERNEL_SLACK + 64);
}

/* Gaps to exponents; the buffer has room for one too many. */
static void exact_from_pairs(const struct grid *g, const uint8_t *pairs,
			     struct exact_view *ret)
{
	int top = grid_top_exponent(g);
	uint8_t exponent[16];

	for (int i = 0; i < 16; i++)
		exponent[i] = (uint8_t)(top > i ? top - i : 0);
	exponent[EXACT_ZERO_GAP] = 0;
	for (size_t i = 0; i < (ret->n_exponents + 1) / 2; i++) {
		ret->exponents[2 * i] = exponent[pairs[i] & 15];
		ret->exponents[2 * i + 1] = exponent[pairs[i] >> 4];
	}
}

static int exact_patch(const uint8_t *p, uint32_t n, struct exact_view *ret)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = load32(p + 5 * (size_t)i);

		if (at >= ret->n_exponents)
			return -EBADMSG;
		ret->exponents[at] = p[5 * (size_t)i + 4];
	}
	return 0;
}

/* Copies of the lanes, decoded one behind the other. */
static int exact_decode_lanes(struct lane lane[4], size_t lanes_len,
			      const struct kernels *k,
			      const struct prefix_decoder *code,
			      struct arena *mem, size_t n_pairs, uint8_t *pairs)
{
	uint8_t *copy = arena_take(mem, lanes_len + KERNEL_SLACK);
	uint8_t *apart = arena_take(mem, n_pairs + 4 * KERNEL_SLACK);
	const uint8_t *src = lane[0].src;

	if (!copy || !apart)
		return -ENOMEM;
	memcpy(copy, src, lanes_len);
	memset(copy + lanes_len, 0, KERNEL_SLACK);
	for (unsigned l = 0; l < 4; l++) {
		lane[l].src = copy + (lane[l].src - src);
		lane[l].n = lane_cut(n_pairs, l + 1) - lane_cut(n_pairs, l);
		lane[l].dst = apart;
		apart += lane[l].n + KERNEL_SLACK;
	}
	k->prefix_decode(code, lane);
	for (unsigned l = 0; l < 4; l++) {
		memcpy(pairs, lane[l].dst, lane[l].n);
		pairs += lane[l].n;
	}
	return 0;
}

/* The nibble plane and the stream: the end of the layer. */
static int exact_parse_planes(const uint8_t *p, const uint8_t *end,
			      const struct grid *g, struct exact_view *ret)
{
	size_t plane = g->bf16 ? 0 : g->n / 2;

	if ((size_t)(end - p) < plane)
		return -EBADMSG;
	ret->nibbles = p;
	ret->rest = p + plane;
	ret->rest_len = (size_t)(end - ret->rest);
	return 0;
}

int exact_parse(const uint8_t *p, size_t len, const struct grid *g,
		const struct kernels *k, const struct grid_codes *codes,
		struct arena *mem, struct exact_view *ret)
{
	const uint8_t *end = p + len;
	struct lane lane[4];

	if (len < EXACT_HEAD || load32(p) > g->n || load32(p + 8) > 1)
		return -EBADMSG;
	size_t lanes_len =
	    lanes_parse(p + 12, p + EXACT_HEAD, len - EXACT_HEAD, lane);
	uint32_t n_listed = load32(p + 4);
	size_t n_pairs = (load32(p) + 1) / 2;

	if (lanes_len == SIZE_MAX ||
	    (len - EXACT_HEAD - lanes_len) / 5 < n_listed)
		return -EBADMSG;
	ret->n_exponents = load32(p);
	ret->exponents = arena_take(mem, g->n + 2 + KERNEL_SLACK);
	uint8_t *pairs = arena_take(mem, n_pairs + KERNEL_SLACK);

	if (!ret->exponents || !pairs)
		return -ENOMEM;
	if (grid_top_exponent(g) <= 0)
		memset(ret->exponents, 0, g->n);
	int r = exact_decode_lanes(lane, lanes_len, k,
				   &codes->decoder[GRID_TABLES + load32(p + 8)],
				   mem, n_pairs, pairs);

	if (r)
		return r;
	exact_from_pairs(g, pairs, ret);
	p += EXACT_HEAD + lanes_len;
	r = exact_patch(p, n_listed, ret);
	return r ? r
		 : exact_parse_planes(p + 5 * (size_t)n_listed, end, g, ret);
}
