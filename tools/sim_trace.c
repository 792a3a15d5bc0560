/*
 * sim_trace.c - request traces in the Mooncake form, one JSON object a line
 *
 * The lines are flat: known keys with numbers, and one list of numbers.  So
 * the reader knows just that much of JSON, and says what it met instead.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sim_ids.h"
#include "tools/sim_load.h"

static const double BLOCK_TOKENS = 512;

/* Longest list of blocks of one request. */
enum { MAX_BLOCKS = 65536 };

struct trace_line {
	double timestamp_ms;
	double input_length;
	uint64_t *ids; /* MAX_BLOCKS of them */
	uint32_t n_ids;
	bool has_timestamp, has_input, has_ids;
};

static const char *trace_space(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

/* Passes c, or returns NULL. */
static const char *trace_expect(const char *s, char c)
{
	s = trace_space(s);
	return *s == c ? s + 1 : NULL;
}

static const char *trace_number(const char *s, double *ret)
{
	char *end;

	s = trace_space(s);
	if (*s != '-' && !isdigit((unsigned char)*s))
		return NULL;
	*ret = strtod(s, &end);
	return end;
}

static const char *trace_list(const char *s, struct trace_line *line,
			      const char **ret_fault)
{
	double v;

	*ret_fault = "hash_ids is not a list of whole numbers, 0 or more";
	s = trace_expect(s, '[');
	if (!s)
		return NULL;
	for (const char *end; !(end = trace_expect(s, ']'));) {
		if (line->n_ids && !(s = trace_expect(s, ',')))
			return NULL;
		s = trace_number(s, &v);
		if (!s || v < 0 || v >= 0x1p53 || v != (double)(uint64_t)v)
			return NULL;
		if (line->n_ids == MAX_BLOCKS) {
			*ret_fault = "hash_ids has more than 65536 blocks";
			return NULL;
		}
		line->ids[line->n_ids++] = (uint64_t)v;
	}
	line->has_ids = true;
	return trace_expect(s, ']');
}

/* Passes the value of a key. */
static const char *trace_value(const char *s, const char *key, size_t len,
			       struct trace_line *line, const char **ret_fault)
{
	double v;

	if (len == 8 && strncmp(key, "hash_ids", len) == 0)
		return trace_list(s, line, ret_fault);
	*ret_fault = "a value is not a number";
	s = trace_number(s, &v);
	if (!s)
		return NULL;
	if (len == 9 && strncmp(key, "timestamp", len) == 0) {
		line->timestamp_ms = v;
		line->has_timestamp = true;
	}
	if (len == 12 && strncmp(key, "input_length", len) == 0) {
		line->input_length = v;
		line->has_input = true;
	}
	return s;
}

/* NULL, or what is wrong with the line. */
static const char *trace_parse(const char *s, struct trace_line *line)
{
	const char *fault = "not a JSON object";

	s = trace_expect(s, '{');
	for (bool more = true; s && more;) {
		const char *key = trace_expect(s, '"');
		const char *end = key ? strchr(key, '"') : NULL;

		if (!end)
			return "a key in double quotes is missing";
		s = trace_expect(end + 1, ':');
		if (!s)
			return "a ':' is missing";
		s = trace_value(s, key, (size_t)(end - key), line, &fault);
		if (!s)
			return fault;
		fault = "the object does not end in '}'";
		more = trace_expect(s, ',') != NULL;
		s = trace_expect(s, more ? ',' : '}');
	}
	if (!s)
		return fault;
	if (*trace_space(s))
		return "there is something after the object";
	if (!line->has_timestamp || line->timestamp_ms < 0)
		return "timestamp is missing or below 0";
	if (!line->has_input || line->input_length < 1)
		return "input_length is missing or below 1";
	return line->has_ids ? NULL : "hash_ids is missing";
}

/* Adds the line's blocks; a new block is of its conversation's task. */
static int trace_add(struct sim_load *l, struct sim_ids *t,
		     const struct trace_line *line, uint64_t *seed)
{
	int task = sim_load_task(seed);

	for (uint32_t i = 0; i < line->n_ids; i++) {
		uint32_t number;

		if (sim_ids_number(t, line->ids[i], &number) < 0)
			return -ENOMEM;
		if (number < l->n_names && i > 0) {
			float was = l->names[number].task;
			task = was < 1 ? 0 : was < 2 ? 1 : 2;
		} else if (number == l->n_names) {
			struct sim_name name =
			    sim_load_draw(BLOCK_TOKENS, task, seed);

			if (sim_load_name(l, &name) < 0)
				return -ENOMEM;
		}
		if (sim_load_ref(l, number) < 0)
			return -ENOMEM;
	}
	if (!line->n_ids)
		return 0;

	double filled = line->n_ids * BLOCK_TOKENS;
	return sim_load_request(l, line->timestamp_ms / 1e3, line->n_ids,
				line->input_length < filled);
}

static int trace_lines(struct sim_load *l, FILE *f, const char *path,
		       FILE *errors, struct trace_line *line)
{
	struct sim_ids ids = { 0 };
	char *text = NULL;
	size_t cap = 0;
	uint64_t seed = 1;
	double last_ms = 0;
	int r = 0;

	for (unsigned long n = 1; r == 0 && getline(&text, &cap, f) >= 0; n++) {
		const char *fault;

		if (!*trace_space(text))
			continue;
		*line = (struct trace_line){ .ids = line->ids };
		fault = trace_parse(text, line);
		if (!fault && line->timestamp_ms < last_ms)
			fault = "timestamp is before that of an earlier line";
		if (fault) {
			fprintf(errors, "%s:%lu: %s\n", path, n, fault);
			r = -EINVAL;
			break;
		}
		last_ms = line->timestamp_ms;
		r = trace_add(l, &ids, line, &seed);
	}
	free(text);
	sim_ids_done(&ids);
	return r;
}

int sim_load_trace(struct sim_load *l, const char *path, FILE *errors)
{
	struct trace_line line = { 0 };
	FILE *f = fopen(path, "r");
	int r = f ? 0 : -errno;

	if (!f) {
		fprintf(errors, "%s: %s\n", path, strerror(-r));
		return r;
	}
	line.ids = calloc(MAX_BLOCKS, sizeof *line.ids);
	r = line.ids ? trace_lines(l, f, path, errors, &line) : -ENOMEM;
	free(line.ids);
	fclose(f);
	if (r == 0 && !l->n_requests) {
		fprintf(errors, "%s: no request in it\n", path);
		return -EINVAL;
	}
	return r;
}
