/* record.c - a run's events and answers as lines of text */
#include "policy/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line being written; len runs on past cap. */
struct line {
	char *dst;
	size_t cap, len;
};

__attribute__((format(printf, 2, 3))) static void
record_add(struct line *l, const char *format, ...)
{
	size_t room = l->len < l->cap ? l->cap - l->len : 0;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(room ? l->dst + l->len : NULL, room, format, args);
	va_end(args);
	l->len += n > 0 ? (size_t)n : l->cap;
}

static void record_add_world(struct line *l, const struct world *w)
{
	for (int t = 0; t < N_TIERS; t++)
		record_add(l, " %" PRIu64 " %a %a", w->limit_bytes[t],
			   w->bytes_per_s[t], w->latency_s[t]);
	for (int k = 0; k < N_RUNGS; k++)
		record_add(l, " %a", w->decode_bytes_per_s[k]);
	record_add(l, " %a %a %d %d", w->alpha, w->ssd_write_bytes_per_s,
		   w->inclusive, w->whole);
}

static void record_add_facts(struct line *l, const struct facts *f)
{
	record_add(l, " %" PRIx64 " %" PRIu64 " %a", f->name, f->raw_bytes,
		   f->recompute_s);
	for (int k = 0; k < N_RUNGS; k++)
		record_add(l, " %" PRIu64 " %a", f->layer_bytes[k],
			   (double)f->loss[k]);
	record_add(l, " %u %u %u %u %u %u %u", f->floor_rung, f->pin,
		   f->priority, f->dead, f->burst_files, f->burst_hits,
		   f->burst_tail);
}

static void record_add_place(struct line *l, const struct place *p)
{
	record_add(l, " %u %u %u %u", p->top, p->ram, p->ssd, p->plain);
}

/* What follows the letter, and the time where there is one. */
static int record_add_rest(struct line *l, const struct record *r)
{
	switch (r->event) {
	case RECORD_START:
	case RECORD_JOIN:
		record_add(l, " %s %" PRIu64, r->policy, r->count);
		record_add_world(l, &r->world);
		return 0;
	case RECORD_WORLD:
		record_add_world(l, &r->world);
		return 0;
	case RECORD_KNOWN:
	case RECORD_ENTER:
	case RECORD_REVISE:
		record_add(l, " %" PRIu64, r->id);
		record_add_facts(l, &r->facts);
		break;
	case RECORD_PRESS:
		record_add(l, " %u %" PRIu64 " %u", r->any, r->id, r->tier);
		break;
	case RECORD_TICK:
		record_add(l, " %" PRIu64 " %u", r->count, r->any);
		return 0;
	case RECORD_HIT:
	case RECORD_MOVED:
	case RECORD_FORGET:
		record_add(l, " %" PRIu64, r->id);
		break;
	default:
		return -EINVAL;
	}
	if (r->event != RECORD_REVISE && r->event != RECORD_FORGET)
		record_add_place(l, &r->place);
	if (r->event == RECORD_ENTER || r->event == RECORD_HIT)
		record_add(l, " %u", r->read_layers);
	return 0;
}

static bool record_has_time(char event)
{
	return !strchr("SJWF", event);
}

int record_format(const struct record *r, char *dst, size_t cap,
		  size_t *ret_len)
{
	struct line l = { .dst = dst, .cap = cap };

	record_add(&l, "%c", r->event);
	if (record_has_time(r->event))
		record_add(&l, " %a", r->now_s);
	if (record_add_rest(&l, r) < 0)
		return -EINVAL;
	record_add(&l, "\n");
	if (l.len >= cap)
		return -E2BIG;
	*ret_len = l.len;
	return 0;
}

/* A line being read; `bad` once a number is missing or out of range. */
struct reader {
	const char *at;
	bool bad;
};

/* The next word, at most 63 bytes; empty and bad at the end. */
static void record_word(struct reader *s, char word[64])
{
	size_t skip = strspn(s->at, " \n");
	size_t len = strcspn(s->at + skip, " \n");

	word[0] = 0;
	if (len == 0 || len > 63) {
		s->bad = true;
		return;
	}
	memcpy(word, s->at + skip, len);
	word[len] = 0;
	s->at += skip + len;
}

static uint64_t record_whole(struct reader *s, int base, uint64_t most)
{
	char word[64], *end;

	record_word(s, word);
	errno = 0;
	uint64_t v = strtoumax(word, &end, base);
	if (*end || word[0] == '-' || errno || v > most)
		s->bad = true;
	return v;
}

static double record_fraction(struct reader *s)
{
	char word[64], *end;

	record_word(s, word);
	double v = strtod(word, &end);
	if (*end || !(v >= 0))
		s->bad = true;
	return v;
}

static uint8_t record_small(struct reader *s, uint8_t most)
{
	return (uint8_t)record_whole(s, 10, most);
}

static void record_read_world(struct reader *s, struct world *w)
{
	for (int t = 0; t < N_TIERS; t++) {
		w->limit_bytes[t] = record_whole(s, 10, UINT64_MAX);
		w->bytes_per_s[t] = record_fraction(s);
		w->latency_s[t] = record_fraction(s);
	}
	for (int k = 0; k < N_RUNGS; k++)
		w->decode_bytes_per_s[k] = record_fraction(s);
	w->alpha = record_fraction(s);
	w->ssd_write_bytes_per_s = record_fraction(s);
	w->inclusive = record_small(s, 1);
	w->whole = record_small(s, 1);
}

static void record_read_facts(struct reader *s, struct facts *f)
{
	f->name = record_whole(s, 16, UINT64_MAX);
	f->raw_bytes = record_whole(s, 10, UINT64_MAX);
	f->recompute_s = record_fraction(s);
	s->bad |= f->raw_bytes == 0;
	for (int k = 0; k < N_RUNGS; k++) {
		f->layer_bytes[k] = record_whole(s, 10, UINT64_MAX);
		f->loss[k] = (float)record_fraction(s);
	}
	f->floor_rung = record_small(s, N_RUNGS - 1);
	f->pin = record_small(s, PIN_RAM);
	f->priority = record_small(s, 100);
	f->dead = record_small(s, 1);
	f->burst_files = (uint16_t)record_whole(s, 10, UINT16_MAX);
	f->burst_hits = (uint16_t)record_whole(s, 10, UINT16_MAX);
	f->burst_tail = record_small(s, 1);
}

static void record_read_place(struct reader *s, struct place *p)
{
	p->top = record_small(s, N_RUNGS);
	p->ram = record_small(s, p->top);
	p->ssd = record_small(s, (uint8_t)((1u << p->top) - 1));
	p->plain = record_small(s, (1u << N_TIERS) - 1);
}

static void record_read_start(struct reader *s, struct record *ret)
{
	char word[64];

	record_word(s, word);
	if (strlen(word) >= sizeof ret->policy)
		s->bad = true;
	else
		memcpy(ret->policy, word, strlen(word) + 1);
	ret->count = record_whole(s, 10, UINT64_MAX);
	record_read_world(s, &ret->world);
}

static void record_read_rest(struct reader *s, struct record *ret)
{
	char event = ret->event;

	if (event == RECORD_TICK) {
		ret->count = record_whole(s, 10, UINT64_MAX);
		ret->any = record_small(s, 1);
		return;
	}
	if (event == RECORD_PRESS)
		ret->any = record_small(s, 1);
	ret->id = record_whole(s, 10, UINT64_MAX);
	if (event == RECORD_PRESS)
		ret->tier = record_small(s, N_TIERS - 1);
	if (strchr("KER", event))
		record_read_facts(s, &ret->facts);
	if (event != RECORD_REVISE && event != RECORD_FORGET)
		record_read_place(s, &ret->place);
	if (event == RECORD_ENTER || event == RECORD_HIT)
		ret->read_layers = record_small(s, N_RUNGS);
}

const char *record_parse(const char *line, struct record *ret)
{
	struct reader s = { .at = line + (*line ? 1 : 0) };

	*ret = (struct record){ .event = *line };
	if (!*line || !strchr("SJKWEHPTRMF", *line))
		return "unknown event";
	if (record_has_time(ret->event))
		ret->now_s = record_fraction(&s);
	if (ret->event == RECORD_START || ret->event == RECORD_JOIN)
		record_read_start(&s, ret);
	else if (ret->event == RECORD_WORLD)
		record_read_world(&s, &ret->world);
	else
		record_read_rest(&s, ret);
	if (s.bad)
		return "a number is missing or out of range";
	return s.at[strspn(s.at, " \n")] ? "more than the event has" : NULL;
}
