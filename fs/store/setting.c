/* setting.c - what an owner may ask for: user.kv.<name>, one value's grammar */
#include "fs/store/setting.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX (100ull * 365 * 86400)
#define BYTES_MAX   (1ull << 53) /* a double counts them exactly */

struct word {
	const char *text;
	double number;
};

/* A row of words ends with a NULL. */
static int setting_word(const struct word *words, const char *text,
			struct setting *ret)
{
	for (; words->text; words++)
		if (!strcmp(words->text, text)) {
			ret->number = words->number;
			snprintf(ret->text, sizeof(ret->text), "%s", text);
			return 0;
		}
	return -EINVAL;
}

/* Digits only; *ret_end is what follows them. */
static int setting_digits(const char *text, uint64_t most, uint64_t *ret,
			  const char **ret_end)
{
	uint64_t n = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (n > (UINT64_MAX - 9) / 10)
			return -EINVAL;
		n = 10 * n + (uint64_t)(*text - '0');
	}
	if (n > most)
		return -EINVAL;
	*ret = n;
	*ret_end = text;
	return 0;
}

struct unit {
	char letter;
	uint64_t of;
};

static const struct unit TIMES[] = {
	{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 }, { 0, 1 },
};
static const struct unit BYTES[] = {
	{ 'T', 1ull << 40 },
	{ 'G', 1ull << 30 },
	{ 'M', 1ull << 20 },
	{ 'K', 1ull << 10 },
	{ 0, 1 },
};

/* A number with a unit; canonical is the largest that leaves it whole. */
static int setting_measure(const struct unit *units, uint64_t most,
			   const char *text, struct setting *ret)
{
	const char *end;
	uint64_t n;
	const struct unit *u = units;

	if (setting_digits(text, most, &n, &end) < 0)
		return -EINVAL;
	while (u->letter && (u->letter | 32) != (*end | 32))
		u++;
	if ((*end && (!u->letter || end[1])) || n > most / u->of)
		return -EINVAL;
	n *= u->of;
	for (u = units; u->letter && (!n || n % u->of);)
		u++;
	ret->number = (double)n;
	snprintf(ret->text, sizeof(ret->text), "%llu%.1s",
		 (unsigned long long)(n / u->of), &u->letter);
	return 0;
}

/* ---- one function per kind of value ---- */

static const struct word QUALITIES[] = {
	{ "exact", 0 },   { "high", 0.0002 }, { "good", 0.005 },
	{ "fair", 0.03 }, { "low", 0.09 },    { NULL, 0 },
};

void setting_write(double v, char ret[SETTING_NUMBER_MAX])
{
	int digits = 6;

	do
		snprintf(ret, SETTING_NUMBER_MAX, "%.*g", digits, v);
	while (digits++ < 17 && strtod(ret, NULL) != v);
}

static int setting_quality(const char *text, struct setting *ret)
{
	char number[SETTING_NUMBER_MAX];
	char *end;

	if (setting_word(QUALITIES, text, ret) == 0) {
		if (ret->number > 0)
			snprintf(ret->text, sizeof(ret->text), "kld:%g",
				 ret->number);
		return 0;
	}
	/* strtod knows more than we want to: signs, blanks, hex and names. */
	if (strncmp(text, "kld:", 4) || text[4] < '0' || text[4] > '9' ||
	    strspn(text + 4, "0123456789.eE+-") != strlen(text + 4))
		return -EINVAL;
	ret->number = strtod(text + 4, &end);
	if (*end || !isfinite(ret->number) || ret->number <= 0)
		return -EINVAL;
	setting_write(ret->number, number);
	snprintf(ret->text, sizeof(ret->text), "kld:%s", number);
	return 0;
}

static int setting_tier(const char *text, struct setting *ret)
{
	static const struct word words[] = {
		{ "auto", SETTING_TIER_AUTO },
		{ "mem", SETTING_TIER_MEM },
		{ "ssd", SETTING_TIER_SSD },
		{ NULL, 0 },
	};

	return setting_word(words, text, ret);
}

static int setting_ttl(const char *text, struct setting *ret)
{
	return setting_measure(TIMES, SECONDS_MAX, text, ret);
}

static int setting_pin(const char *text, struct setting *ret)
{
	static const struct word words[] = {
		{ "0", 0 },
		{ "1", SETTING_PIN_HARD },
		{ NULL, 0 },
	};
	struct setting time;

	if (setting_word(words, text, ret) == 0)
		return 0;
	if (strncmp(text, "soft:", 5) || setting_ttl(text + 5, &time) < 0 ||
	    time.number <= 0)
		return -EINVAL;
	ret->number = time.number;
	snprintf(ret->text, sizeof(ret->text), "soft:%.50s", time.text);
	return 0;
}

static int setting_priority(const char *text, struct setting *ret)
{
	const char *end;
	uint64_t n;

	if (setting_digits(text, 100, &n, &end) < 0 || *end)
		return -EINVAL;
	ret->number = (double)n;
	snprintf(ret->text, sizeof(ret->text), "%u", (unsigned)n);
	return 0;
}

/* 0 would let nothing in: whoever wants no quota removes it. */
static int setting_quota(const char *text, struct setting *ret)
{
	int r = setting_measure(BYTES, BYTES_MAX, text, ret);

	return r == 0 && ret->number > 0 ? 0 : -EINVAL;
}

/* A name: letters, digits, and what joins them. */
static int setting_name_value(const char *text, struct setting *ret)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-.";

	if (strspn(text, allowed) != strlen(text))
		return -EINVAL;
	ret->number = 0;
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	return 0;
}

/* Of a declared layout: graphic characters. */
static int setting_graphic(const char *text, struct setting *ret)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			return -EINVAL;
	ret->number = 0;
	snprintf(ret->text, sizeof(ret->text), "%s", text);
	return 0;
}

/* Text is 1 to SETTING_TEXT_MAX - 1 bytes; *ret is filled on success only. */
static const struct {
	const char *name, *initial;
	double initial_number;
	int (*parse)(const char *text, struct setting *ret);
} ROWS[N_SETTINGS] = {
	[SETTING_QUALITY] = { "quality", "exact", 0, setting_quality },
	[SETTING_TASK] = { "task", "none", 0, setting_name_value },
	[SETTING_TIER] = { "tier", "auto", SETTING_TIER_AUTO, setting_tier },
	[SETTING_PIN] = { "pin", "0", 0, setting_pin },
	[SETTING_TTL] = { "ttl", "0", 0, setting_ttl },
	[SETTING_PRIORITY] = { "priority", "50", 50, setting_priority },
	[SETTING_QUOTA] = { "quota", "none", 0, setting_quota },
	/* Whether a file can be what they say: known_check. */
	[SETTING_DTYPE] = { "dtype", "none", 0, setting_graphic },
	[SETTING_AXES] = { "axes", "none", 0, setting_graphic },
	[SETTING_DIMS] = { "dims", "none", 0, setting_graphic },
	[SETTING_HEADER] = { "header", "none", 0, setting_graphic },
};

const char *setting_name(enum setting_id id)
{
	return ROWS[id].name;
}

bool setting_find(const char *name, enum setting_id *ret)
{
	for (int i = 0; i < N_SETTINGS; i++)
		if (!strcmp(ROWS[i].name, name)) {
			*ret = (enum setting_id)i;
			return true;
		}
	return false;
}

int setting_parse(enum setting_id id, const char *text, size_t len,
		  struct setting *ret)
{
	char line[SETTING_TEXT_MAX];
	struct setting value;

	if (!len || len >= sizeof(line) || memchr(text, 0, len))
		return -EINVAL;
	memcpy(line, text, len);
	line[len] = 0;
	int r = ROWS[id].parse(line, &value);
	if (r == 0)
		*ret = value;
	return r;
}

double setting_initial(enum setting_id id)
{
	return ROWS[id].initial_number;
}

struct setting setting_default(enum setting_id id)
{
	struct setting value = { .number = ROWS[id].initial_number };

	snprintf(value.text, sizeof(value.text), "%s", ROWS[id].initial);
	return value;
}
