/*
 * fuzz_settings.c - whatever a client or an owner may say of a mount
 *
 * An input is u8 file size (an index), then records: a name up to a NUL, u8
 * length, the value.  The name "control" or "config" takes lines of options, as
 * a write to .kv/control and a file of config= do; any other is a user.kv.*
 * attribute of one file, an empty value removes it.
 *
 * 1. What is accepted is graphic characters, and prints as a text that means
 *    the same and prints the same.
 * 2. What is refused says -EINVAL and changes nothing.
 * 3. Attributes that declare a tensor agree with the file's size, together.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "codec/codec.h"
#include "codec/layout/declare.h"
#include "codec/mem.h"
#include "fs/config.h"
#include "fs/options.h"
#include "fs/store/setting.h"
#include "policy/registry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint64_t SIZES[] = { 0,    1,        28,         768,
				  4096, 1u << 20, 3ull << 40, DECLARE_NO_SIZE };

struct said {
	uint64_t size;
	struct setting own[N_SETTINGS]; /* text empty: not set */
	struct options options;
};

static void fuzz_must(bool truth)
{
	if (!truth)
		abort();
}

static bool fuzz_is_graphic(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0;
}

/* ---- attributes ---- */

static void fuzz_check_number(enum setting_id id, double n)
{
	static const double most[N_SETTINGS] = {
		[SETTING_QUALITY] = 0x1.fffffffffffffp1023,
		[SETTING_TIER] = SETTING_TIER_SSD,
		[SETTING_PIN] = SETTING_PIN_HARD,
		[SETTING_TTL] = 100 * 365 * 86400.0,
		[SETTING_PRIORITY] = 100,
		[SETTING_QUOTA] = 0x1p53,
	};

	fuzz_must(n >= 0 && n <= most[id]);
	fuzz_must(id != SETTING_QUOTA || n >= 1);
}

static void fuzz_check_setting(enum setting_id id, const struct setting *v)
{
	struct setting again;
	size_t len = strnlen(v->text, sizeof(v->text));

	fuzz_must(len < sizeof(v->text) && fuzz_is_graphic(v->text, len));
	fuzz_must(setting_parse(id, v->text, len, &again) == 0);
	fuzz_must(!strcmp(again.text, v->text) && again.number == v->number);
	fuzz_check_number(id, v->number);
}

/* As the mount puts it together, from what is set. */
static int fuzz_declare(const struct said *s, struct declaration *ret)
{
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (int id = SETTING_DTYPE; r == 0 && id <= SETTING_HEADER; id++) {
		struct declaration was = *ret;
		const char *text = s->own[id].text;

		if (!*text || !strcmp(text, setting_default(id).text))
			continue;
		r = declare_set(ret, setting_name(id), text, strlen(text));
		fuzz_must(r == 0 || r == -EINVAL);
		fuzz_must(r == 0 || !memcmp(ret, &was, sizeof(was)));
	}
	return r;
}

/* A tensor that was let through is all of the file. */
static void fuzz_check_tensor(const struct declaration *d, uint64_t size)
{
	struct axes axes;
	uint64_t elems = 0;
	int r = declare_solve(d, size, &axes);

	if (r == -ENOENT || !size || size == DECLARE_NO_SIZE)
		return;
	fuzz_must(r == 0 && axes_elems(&axes, &elems) == 0);
	fuzz_must(d->header <= size);
	fuzz_must(elems == (size - d->header) / elem_bytes(d->elem));
	fuzz_must((size - d->header) % elem_bytes(d->elem) == 0);
}

static void fuzz_set(struct said *s, enum setting_id id, const char *value,
		     size_t len)
{
	struct setting was = s->own[id], v;
	struct declaration d;

	memset(&v, 0xa5, sizeof(v));
	int r = setting_parse(id, value, len, &v);

	if (r < 0) {
		fuzz_must(r == -EINVAL);
		for (size_t i = 0; i < sizeof(v); i++)
			fuzz_must(((const uint8_t *)&v)[i] == 0xa5);
		return;
	}
	fuzz_must(fuzz_is_graphic(value, len));
	fuzz_check_setting(id, &v);
	s->own[id] = v;
	if (id < SETTING_DTYPE)
		return;
	if (fuzz_declare(s, &d) < 0 || declare_check(&d, s->size) < 0)
		s->own[id] = was;
	else
		fuzz_check_tensor(&d, s->size);
}

static void fuzz_attribute(struct said *s, const char *name, const char *value,
			   size_t len)
{
	enum setting_id id = N_SETTINGS;

	if (!setting_find(name, &id)) {
		fuzz_must(id == N_SETTINGS);
		for (int i = 0; i < N_SETTINGS; i++)
			fuzz_must(strcmp(name, setting_name(i)) != 0);
		return;
	}
	fuzz_must(!strcmp(name, setting_name(id)));
	if (len)
		fuzz_set(s, id, value, len);
	else
		memset(&s->own[id], 0, sizeof(s->own[id]));
}

/* ---- options ---- */

static void fuzz_defaults(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->memory = o->size = 1u << 30;
	o->threads = 2;
	o->high = 100;
	o->alpha = 1;
	o->recompute = 100u << 20;
	o->passthrough = true;
	o->policy = policy_at(0);
}

/* What is shown sets the same and shows the same. */
static void fuzz_check_options(const struct options *o)
{
	char why[CONFIG_WHY];
	struct options again;
	auto_free char *text = config_text(o);

	fuzz_must(text);
	fuzz_defaults(&again);
	fuzz_must(!config_lines(&again, text, strlen(text), true, why));
	auto_free char *twice = config_text(&again);

	fuzz_must(twice && !strcmp(text, twice));
	fuzz_must(again.size == o->size && again.free == o->free);
	fuzz_must(again.alpha == o->alpha && again.policy == o->policy);
	fuzz_must(again.high == o->high);
	fuzz_must(again.low == (o->low ? o->low : o->high));
}

static void fuzz_check_lines(const char *text, size_t len)
{
	static const char path[] = "record="; /* may have any bytes */
	bool any = false;

	for (size_t i = 0; i < len; i++) {
		if (!i || text[i - 1] == '\n')
			any = text[i] == '#' ||
			      (len - i >= strlen(path) &&
			       !memcmp(text + i, path, strlen(path)));
		fuzz_must(any || text[i] == '\n' ||
			  fuzz_is_graphic(text + i, 1));
	}
}

static void fuzz_options(struct options *o, const char *text, size_t len,
			 bool live)
{
	char why[CONFIG_WHY];
	struct options was;

	memcpy(&was, o, sizeof(was)); /* with what lies between */
	memset(why, 0xa5, sizeof(why));
	int r = config_lines(o, text, len, live, why);

	if (r < 0) {
		fuzz_must(r == -EINVAL && !memcmp(&was, o, sizeof(was)));
		fuzz_must(*why && memchr(why, 0, sizeof(why)));
		return;
	}
	fuzz_check_lines(text, len);
	fuzz_check_options(o);
	if (live)
		fuzz_must(o->memory == was.memory &&
			  o->threads == was.threads &&
			  o->floor_nats == was.floor_nats &&
			  o->passthrough == was.passthrough &&
			  o->device_rate == was.device_rate);
}

/* One record from the front: false when none is whole. */
static bool fuzz_record(struct said *s, const uint8_t **data, size_t *left)
{
	const char *name = (const char *)*data;
	const uint8_t *nul = *left ? memchr(*data, 0, *left) : NULL;
	size_t head = nul ? (size_t)(nul - *data) + 2 : 0;

	if (!head || head > *left || nul[1] > *left - head)
		return false;

	/* Of just this size, so that a sanitizer sees its end. */
	size_t len = nul[1];
	auto_free char *value = malloc(len ? len : 1);

	fuzz_must(value);
	memcpy(value, *data + head, len);
	bool live = !strcmp(name, "control");

	if (live || !strcmp(name, "config"))
		fuzz_options(&s->options, value, len, live);
	else
		fuzz_attribute(s, name, value, len);
	*data += head + len;
	*left -= head + len;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct said s;

	memset(&s, 0, sizeof(s));
	fuzz_defaults(&s.options);
	if (!len)
		return 0;
	s.size = SIZES[*data % (sizeof(SIZES) / sizeof(SIZES[0]))];
	data++;
	len--;
	while (fuzz_record(&s, &data, &len))
		;
	return 0;
}
