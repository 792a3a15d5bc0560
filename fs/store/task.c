/* task.c - the curve of one task, from a small text file */
#include "fs/store/task.h"

#include <errno.h>
#include <string.h>

#include "codec/line.h"

#define TASK_VERSION 1

/* What was said so far. */
struct parse {
	struct task t;
	bool version, name, damage, dropped, sensitivity;
};

static const char *task_version(struct parse *s, struct line *l)
{
	uint32_t version;

	if (!line_is(l, "adaptcache-task") ||
	    !line_whole(l, 0, UINT32_MAX, &version) || !line_ends(l))
		return "not a task";
	if (version != TASK_VERSION)
		return "a task of another version";
	s->version = true;
	return NULL;
}

static const char *task_name(struct parse *s, struct line *l)
{
	char word[LINE_MAX_WORD];
	struct setting name;

	if (s->name)
		return "a second line `task`";
	if (!line_word(l, word) || !line_ends(l) ||
	    setting_parse(SETTING_TASK, word, strlen(word), &name) < 0)
		return "not `task NAME`";
	memcpy(s->t.name, name.text, sizeof(s->t.name));
	s->name = true;
	return NULL;
}

static const char *task_damage(struct parse *s, struct line *l)
{
	struct damage *d = &s->t.damage;

	if (s->damage)
		return "a second line `damage`";
	if (!line_number(l, 0, 1e6, &d->k_gain) ||
	    !line_number(l, 0.1, 10, &d->k_power) ||
	    !line_number(l, 0, 1e6, &d->v_gain) ||
	    !line_number(l, 0.1, 10, &d->v_power) || !line_ends(l))
		return "not `damage K_GAIN K_POWER V_GAIN V_POWER`";
	s->damage = true;
	return NULL;
}

static const char *task_dropped(struct parse *s, struct line *l)
{
	struct damage *d = &s->t.damage;

	if (s->dropped)
		return "a second line `dropped`";
	if (!line_number(l, 0, 1e6, &d->dropped_gain) ||
	    !line_number(l, 0.1, 10, &d->dropped_power) || !line_ends(l))
		return "not `dropped GAIN POWER`";
	s->dropped = true;
	return NULL;
}

static const char *task_sensitivity(struct parse *s, struct line *l)
{
	if (s->sensitivity)
		return "a second line `sensitivity`";
	if (!line_number(l, 1e-6, 1e6, &s->t.damage.sensitivity) ||
	    !line_ends(l))
		return "not `sensitivity QUALITY_PER_NAT`";
	s->sensitivity = true;
	return NULL;
}

static const char *task_line(struct parse *s, struct line l)
{
	static const struct {
		const char *word;
		const char *(*parse)(struct parse *s, struct line *l);
	} rows[] = {
		{ "task", task_name },
		{ "damage", task_damage },
		{ "dropped", task_dropped },
		{ "sensitivity", task_sensitivity },
	};
	char word[LINE_MAX_WORD];

	if (line_ends(&l) || *l.at == '#')
		return NULL;
	if (!s->version)
		return task_version(s, &l);
	if (!line_word(&l, word))
		return "a word that is too long";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].word, word))
			return rows[i].parse(s, &l);
	return "neither `task`, `damage`, `dropped` nor `sensitivity`";
}

/* What the text as a whole lacks. */
static const char *task_lacks(const struct parse *s)
{
	if (!s->version)
		return "not a task";
	if (!s->name)
		return "no line `task`";
	if (!s->damage)
		return "no line `damage`";
	return NULL;
}

int task_parse(const char *text, size_t len, struct task *ret,
	       struct task_fault *ret_fault)
{
	struct parse s = { .t.damage = DAMAGE_DEFAULT };
	struct task_fault fault = { .line = 1 };

	if (len > TASK_MAX_BYTES)
		fault.what = "too long for a task";
	for (const char *at = text, *end = text + len;
	     !fault.what && at < end;) {
		struct line l = line_next(&at, end);

		fault.what = task_line(&s, l);
		fault.line += !fault.what && l.end < end;
	}
	if (!fault.what)
		fault.what = task_lacks(&s);
	if (fault.what) {
		*ret_fault = fault;
		return -EINVAL;
	}
	*ret = s.t;
	return 0;
}

void task_print(const struct task *t, FILE *out)
{
	const struct damage *d = &t->damage;

	fprintf(out, "adaptcache-task %d\ntask %s\ndamage %g %g %g %g\n",
		TASK_VERSION, t->name, d->k_gain, d->k_power, d->v_gain,
		d->v_power);
	if (damage_drops(d))
		fprintf(out, "dropped %g %g\n", d->dropped_gain,
			d->dropped_power);
	fprintf(out, "sensitivity %g\n", d->sensitivity);
}

const struct damage *task_built_in(const char *name)
{
	return strcmp(name, "continue") ? NULL : &DAMAGE_CONTINUE;
}
