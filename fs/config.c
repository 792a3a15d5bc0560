/* config.c - options as lines of key=value */
#include "fs/config.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/options.h"
#include "fs/store/setting.h"
#include "policy/registry.h"

#define FILE_MAX    65536 /* of a configuration */
#define MEMORY_MIN  (8u << 20)
#define SIZE_MIN    (1u << 20)
#define THREADS_MAX 256

/* "64M": a whole number and K, M, G, T (powers of 1024) or nothing. */
static int config_bytes(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned shift = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	/* A blank without its bit 5 is 0, which strchr finds, too. */
	int letter = *end & ~32;
	const char *unit = letter ? strchr(units, letter) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (errno || *end || n > UINT64_MAX >> shift)
		return -EINVAL;
	*ret = (uint64_t)n << shift;
	return 0;
}

static int config_memory(struct options *o, const char *text)
{
	uint64_t n;

	if (config_bytes(text, &n) < 0 || n < MEMORY_MIN)
		return -EINVAL;
	o->memory = n;
	return 0;
}

static int config_size(struct options *o, const char *text)
{
	uint64_t n;

	if (config_bytes(text, &n) < 0 || n < SIZE_MIN)
		return -EINVAL;
	o->size = n;
	return 0;
}

static int config_free(struct options *o, const char *text)
{
	return config_bytes(text, &o->free);
}

/* A whole number without a unit, 1 to most. */
static int config_number(const char *text, unsigned most, unsigned *ret)
{
	uint64_t n;
	size_t digits = strspn(text, "0123456789");

	if (text[digits] || config_bytes(text, &n) < 0 || !n || n > most)
		return -EINVAL;
	*ret = (unsigned)n;
	return 0;
}

static int config_threads(struct options *o, const char *text)
{
	return config_number(text, THREADS_MAX, &o->threads);
}

static int config_high(struct options *o, const char *text)
{
	return config_number(text, 100, &o->high);
}

static int config_low(struct options *o, const char *text)
{
	return config_number(text, 100, &o->low);
}

static int config_alpha(struct options *o, const char *text)
{
	char *end;

	/* strtod knows names and hexadecimal numbers, too. */
	if (!*text || strspn(text, "0123456789.eE-+") != strlen(text))
		return -EINVAL;
	double alpha = strtod(text, &end);
	if (*end || !isfinite(alpha) || alpha < 0)
		return -EINVAL;
	o->alpha = alpha;
	return 0;
}

/* Bytes a second, above 0. */
static int config_rate(const char *text, uint64_t *ret)
{
	uint64_t n;

	if (config_bytes(text, &n) < 0 || !n)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int config_recompute(struct options *o, const char *text)
{
	return config_rate(text, &o->recompute);
}

static int config_device_rate(struct options *o, const char *text)
{
	return config_rate(text, &o->device_rate);
}

static int config_record(struct options *o, const char *text)
{
	if (strlen(text) >= sizeof(o->record))
		return -EINVAL;
	strcpy(o->record, text);
	return 0;
}

static int config_quality(struct options *o, const char *text)
{
	struct setting v;
	int r = setting_parse(SETTING_QUALITY, text, strlen(text), &v);

	if (r == 0)
		o->floor_nats = v.number;
	return r;
}

static int config_policy(struct options *o, const char *text)
{
	const struct policy *p = policy_find(text);

	if (!p)
		return -EINVAL;
	o->policy = p;
	return 0;
}

static const struct {
	const char *key; /* with its = */
	int (*set)(struct options *o, const char *text);
	const char *wants;
	bool live;
} KEYS[] = {
	{ "memory=", config_memory, "a size of 8M or more, as 4G", false },
	{ "size=", config_size, "a size of 1M or more, as 400G", true },
	{ "threads=", config_threads, "1 to 256", false },
	{ "policy=", config_policy, "no such policy", true },
	{ "quality=", config_quality,
	  "exact, or what may be lost, as kld:0.005", false },
	{ "alpha=", config_alpha, "a number of seconds, 0 or more", true },
	{ "recompute=", config_recompute, "bytes a second, as 100M", true },
	{ "high=", config_high, "a percentage, 1 to 100", true },
	{ "low=", config_low, "a percentage, 1 to 100", true },
	{ "free=", config_free, "a size, as 10G", true },
	{ "record=", config_record, "a file, or nothing", true },
	{ "device_rate=", config_device_rate, "bytes a second, as 1G", false },
};
#define N_KEYS (sizeof(KEYS) / sizeof(KEYS[0]))

static int config_line(struct options *o, const char *line, bool live,
		       char why[CONFIG_WHY])
{
	const char *wants = "no such option";

	if (!*line || *line == '#')
		return 0;
	if (!live && !strcmp(line, "no_passthrough")) {
		o->passthrough = false;
		return 0;
	}
	for (size_t i = 0; i < N_KEYS; i++) {
		size_t len = strlen(KEYS[i].key);

		if (strncmp(line, KEYS[i].key, len))
			continue;
		if (live && !KEYS[i].live)
			wants = "not while it is mounted";
		else if (KEYS[i].set(o, line + len) == 0)
			return 0;
		else
			wants = KEYS[i].wants;
		break;
	}
	snprintf(why, CONFIG_WHY, "%.60s: %s", line, wants);
	return -EINVAL;
}

int config_lines(struct options *o, const char *text, size_t len, bool live,
		 char why[CONFIG_WHY])
{
	struct options to = *o;
	auto_free char *copy = strndup(text, len);
	char *rest = copy, *line;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	if (strlen(copy) != len) {
		snprintf(why, CONFIG_WHY, "not a text");
		return -EINVAL;
	}
	while (r == 0 && (line = strsep(&rest, "\n")))
		r = config_line(&to, line, live, why);
	if (r == 0)
		*o = to;
	return r;
}

int config_file(struct options *o, const char *path, char why[CONFIG_WHY])
{
	char fault[CONFIG_WHY];
	FILE *in = fopen(path, "re");
	auto_free char *text = malloc(FILE_MAX + 1);

	if (!in || !text) {
		snprintf(why, CONFIG_WHY, "config=%.100s: %s", path,
			 strerror(errno));
		if (in)
			fclose(in);
		return -EINVAL;
	}
	size_t len = fread(text, 1, FILE_MAX + 1, in);
	bool whole = !ferror(in) && len <= FILE_MAX;
	fclose(in);

	snprintf(fault, sizeof(fault), "cannot be read");
	int r = whole ? config_lines(o, text, len, false, fault) : -EINVAL;
	if (r < 0)
		snprintf(why, CONFIG_WHY, "config=%.90s: %.120s", path, fault);
	return r;
}

char *config_text(const struct options *o)
{
	char *text = NULL, alpha[SETTING_NUMBER_MAX];

	setting_write(o->alpha, alpha);
	if (asprintf(&text,
		     "size=%llu\npolicy=%s\nalpha=%s\nrecompute=%llu\n"
		     "high=%u\nlow=%u\nfree=%llu\nrecord=%s\n",
		     (unsigned long long)o->size, o->policy->name, alpha,
		     (unsigned long long)o->recompute, o->high,
		     o->low ? o->low : o->high, (unsigned long long)o->free,
		     o->record) < 0)
		return NULL;
	return text;
}
