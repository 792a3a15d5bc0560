/* refquant.c - the reference schemes: by name, over a matrix */
#include "tools/refquant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ref_schemes.h"

static const struct ref_scheme *const SCHEMES[] = {
	&ref_q8_0,  &ref_q5_0,  &ref_q4_0,     &ref_q4_0_had,
	&ref_kivi4, &ref_kivi2, &ref_cachegen, &ref_window,
};
#define N_SCHEMES (sizeof(SCHEMES) / sizeof(SCHEMES[0]))

const struct ref_scheme *ref_scheme_at(unsigned i)
{
	return i < N_SCHEMES ? SCHEMES[i] : NULL;
}

/* What stands behind the name: [:X][+sinks]. */
static int ref_parse_rest(const char *rest, struct ref_how *how)
{
	char *end;

	if (*rest == ':') {
		how->x = strtod(rest + 1, &end);
		if (end == rest + 1 ||
		    !(how->x >= 0 && how->x <= how->scheme->x_max) ||
		    how->scheme->x_max == 0)
			return -EINVAL;
		rest = end;
	}
	if (!strcmp(rest, "+sinks")) {
		how->sinks = true;
		return 0;
	}
	return *rest ? -EINVAL : 0;
}

int ref_parse(const char *text, struct ref_how *ret)
{
	size_t len = strcspn(text, ":+");

	for (size_t i = 0; i < N_SCHEMES; i++) {
		const struct ref_scheme *s = SCHEMES[i];

		if (strlen(s->name) != len || memcmp(s->name, text, len))
			continue;
		*ret = (struct ref_how){ s, s->x, s->sinks };
		return ref_parse_rest(text + len, ret);
	}
	return -EINVAL;
}

struct ref_code *ref_code_new(uint32_t rows, uint32_t cols)
{
	struct ref_code *c = calloc(1, sizeof(*c));
	size_t n = (size_t)rows * cols;
	/* Of tokens of a channel, and of channels of a token; and one. */
	size_t groups = (size_t)(rows / REF_GROUP + 1) * cols +
			(size_t)rows * (cols / REF_GROUP + 1) + 1;

	if (!c)
		return NULL;
	c->v = calloc(n + 1, sizeof(*c->v));
	c->q = calloc(n + 1, sizeof(*c->q));
	c->scale = calloc(groups, sizeof(*c->scale));
	c->zero = calloc(groups, sizeof(*c->zero));
	if (!c->v || !c->q || !c->scale || !c->zero)
		return ref_code_free(c);
	return c;
}

struct ref_code *ref_code_free(struct ref_code *c)
{
	if (!c)
		return NULL;
	free(c->v);
	free(c->q);
	free(c->scale);
	free(c->zero);
	free(c);
	return NULL;
}

/* The rows that are coded; before them lie *ret_first exact ones. */
static struct ref_part ref_part(const struct ref_how *how,
				const struct ref_matrix *m, uint32_t *ret_first)
{
	uint32_t first = how->sinks ? REF_SINKS : 0;

	if (first > m->rows)
		first = m->rows;
	uint32_t left = m->rows - first;
	uint32_t tail =
	    how->scheme->tail ? how->scheme->tail(m->rows, how->x) : 0;

	*ret_first = first;
	return (struct ref_part){ m, tail < left ? left - tail : 0, how->x };
}

void ref_encode(const struct ref_how *how, const struct ref_matrix *m,
		struct ref_code *c)
{
	uint32_t first;
	struct ref_part p = ref_part(how, m, &first);
	size_t n = (size_t)p.rows * m->cols;

	c->bits = 16 * (uint64_t)(m->rows - p.rows) * m->cols;
	if (!n)
		return;
	ref_to_float(m->elem, m->src + 2 * (size_t)first * m->cols, n, c->v);
	how->scheme->encode(&p, c);
}

void ref_decode(const struct ref_how *how, const struct ref_matrix *m,
		struct ref_code *c, void *dst)
{
	uint32_t first;
	struct ref_part p = ref_part(how, m, &first);
	size_t row = 2 * (size_t)m->cols;
	size_t from = first * row, end = from + p.rows * row;
	uint8_t *at = dst;

	memcpy(at, m->src, from);
	if (p.rows) {
		how->scheme->decode(&p, c);
		ref_from_float(m->elem, c->v, (size_t)p.rows * m->cols,
			       at + from);
	}
	memcpy(at + end, m->src + end, m->rows * row - end);
}

int ref_quantise(const struct ref_how *how, const struct ref_matrix *m,
		 void *dst, uint64_t *ret_bits)
{
	struct ref_code *c = ref_code_new(m->rows, m->cols);

	if (!c)
		return -ENOMEM;
	ref_encode(how, m, c);
	ref_decode(how, m, c, dst);
	*ret_bits = c->bits;
	ref_code_free(c);
	return 0;
}
