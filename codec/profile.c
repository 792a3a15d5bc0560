/* profile.c - how finely each layer of one model wants its K and V */
#include "codec/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec/head.h"
#include "codec/line.h"

struct parse {
	struct profile p;
	uint32_t n_layers; /* so far */
	uint32_t version;  /* 0: not said yet */
	bool model, damage;
};

static const char *parse_version(struct parse *s, struct line *l)
{
	uint32_t version;

	if (!line_is(l, "adaptcache-profile") ||
	    !line_whole(l, 0, UINT32_MAX, &version) || !line_ends(l))
		return "not a profile";
	if (version < 1 || version > PROFILE_VERSION)
		return "a profile of another version";
	s->version = version;
	return NULL;
}

static const char *parse_model(struct parse *s, struct line *l)
{
	if (s->model)
		return "a second line `model`";
	if (!line_whole(l, 1, PROFILE_MAX_LAYERS, &s->p.n_layers) ||
	    !line_whole(l, 1, UINT32_MAX, &s->p.k_cols) ||
	    !line_whole(l, 1, UINT32_MAX, &s->p.v_cols) || !line_ends(l))
		return "not `model N_LAYERS K_COLS V_COLS`";
	s->model = true;
	return NULL;
}

static const char *parse_damage(struct parse *s, struct line *l)
{
	struct profile *p = &s->p;

	if (s->damage)
		return "a second line `damage`";
	if (!line_number(l, 0, 1e6, &p->k_gain) ||
	    !line_number(l, 0.1, 10, &p->k_power) ||
	    !line_number(l, 0, 1e6, &p->v_gain) ||
	    !line_number(l, 0.1, 10, &p->v_power) || !line_ends(l))
		return "not `damage K_GAIN K_POWER V_GAIN V_POWER`";
	s->damage = true;
	return NULL;
}

static bool parse_part(struct line *l, const char *name,
		       struct profile_part *ret)
{
	double step, weight;

	if (!line_is(l, name) || !line_number(l, 1.0 / 64, 64, &step) ||
	    !line_number(l, 0, 1e6, &weight))
		return false;
	ret->step = (float)step;
	ret->weight = (float)weight;
	return true;
}

static const char *parse_layer(struct parse *s, struct line *l)
{
	struct profile_layer layer;
	uint32_t n;

	if (!s->model)
		return "a layer before the line `model`";
	if (!line_whole(l, 0, UINT32_MAX, &n) ||
	    !parse_part(l, "k", &layer.k) || !parse_part(l, "v", &layer.v) ||
	    !line_ends(l))
		return "not `layer N k STEP WEIGHT v STEP WEIGHT`";
	if (n != s->n_layers)
		return "not the next layer";
	if (n >= s->p.n_layers)
		return "more layers than the model has";
	s->p.layer[s->n_layers++] = layer;
	return NULL;
}

/* Room for all layers' shifts, as if none had been said. */
static bool parse_shifts_room(struct profile *p)
{
	size_t len = (size_t)p->n_layers * p->k_cols;

	if (!p->shifts && len <= PROFILE_MAX_BYTES) {
		p->shifts = malloc(len);
		if (p->shifts)
			memset(p->shifts, SHAPE_SHIFT, len);
	}
	return p->shifts;
}

static const char *parse_shifts(struct parse *s, struct line *l)
{
	static const char usage[] = "not `shifts N DIGITS`, K_COLS of 0 to 3";
	struct profile *p = &s->p;
	uint32_t n;

	if (!s->model)
		return "shifts before the line `model`";
	if (s->version < 2)
		return "shifts, which version 1 has not";
	if (!line_whole(l, 0, p->n_layers - 1, &n))
		return usage;
	line_ends(l); /* past the blanks */
	if ((size_t)(l->end - l->at) < p->k_cols)
		return usage;
	if (!parse_shifts_room(p))
		return "more shifts than fit into a profile";
	for (uint32_t c = 0; c < p->k_cols; c++, l->at++) {
		if (*l->at < '0' || *l->at > '0' + SHAPE_SHIFT_MAX)
			return usage;
		p->shifts[(size_t)n * p->k_cols + c] = (uint8_t)(*l->at - '0');
	}
	return line_ends(l) ? NULL : usage;
}

static const char *parse_line(struct parse *s, struct line l)
{
	char word[LINE_MAX_WORD];

	if (line_ends(&l) || *l.at == '#')
		return NULL;
	if (!s->version)
		return parse_version(s, &l);
	if (!line_word(&l, word))
		return "a word that is too long";
	if (!strcmp(word, "model"))
		return parse_model(s, &l);
	if (!strcmp(word, "damage"))
		return parse_damage(s, &l);
	if (!strcmp(word, "layer"))
		return parse_layer(s, &l);
	if (!strcmp(word, "shifts"))
		return parse_shifts(s, &l);
	return "neither `model`, `damage`, `layer` nor `shifts`";
}

/* What the text as a whole lacks. */
static const char *parse_lacks(const struct parse *s)
{
	if (!s->version)
		return "not a profile";
	if (!s->model)
		return "no line `model`";
	if (!s->damage)
		return "no line `damage`";
	if (s->n_layers != s->p.n_layers)
		return "fewer layers than the model has";
	return NULL;
}

int profile_parse(const char *text, size_t len, struct profile *ret,
		  struct profile_fault *ret_fault)
{
	struct parse s = { 0 };
	struct profile_fault fault = { .line = 1 };

	if (len > PROFILE_MAX_BYTES)
		fault.what = "too long for a profile";
	for (const char *at = text, *end = text + len;
	     !fault.what && at < end;) {
		struct line l = line_next(&at, end);

		fault.what = parse_line(&s, l);
		fault.line += !fault.what && l.end < end;
	}
	if (!fault.what)
		fault.what = parse_lacks(&s);
	if (fault.what) {
		profile_done(&s.p);
		*ret_fault = fault;
		return -EINVAL;
	}
	*ret = s.p;
	return 0;
}

bool profile_matches(const struct profile *p, const struct head_extent *at,
		     size_t n)
{
	uint32_t n_layers = 0;

	for (const struct head_extent *e = at; e < at + n; e++) {
		if (e->elem == ELEM_U8)
			continue;
		if (e->role != ROLE_K && e->role != ROLE_V)
			return false;
		if (e->cols != (e->role == ROLE_K ? p->k_cols : p->v_cols))
			return false;
		if (e->model_layer >= n_layers)
			n_layers = e->model_layer + 1u;
	}
	return n_layers == p->n_layers;
}

void profile_shape(const struct profile *p, uint16_t model_layer,
		   float base_step, struct shape *shape)
{
	bool is_k = shape->role == ROLE_K;

	shape->step = base_step;
	shape->shift = NULL;
	if (model_layer >= p->n_layers || (!is_k && shape->role != ROLE_V))
		return;
	const struct profile_layer *l = &p->layer[model_layer];
	float step = base_step * (is_k ? l->k.step : l->v.step);

	shape->step = step < SHAPE_STEP_MIN   ? SHAPE_STEP_MIN
		      : step > SHAPE_STEP_MAX ? SHAPE_STEP_MAX
					      : step;
	if (is_k && p->shifts && shape->cols == p->k_cols)
		shape->shift = p->shifts + (size_t)model_layer * p->k_cols;
}

void profile_done(struct profile *p)
{
	free(p->shifts);
	p->shifts = NULL;
}
