/* short_name.c - a file's name in fewer bytes */
#include "fs/store/short_name.h"

#include <string.h>

static const char DIGITS[] = "0123456789abcdef";

/* 0 to 15, or -1: upper case would come back as lower. */
static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The longest run of pairs of digits: where it begins; *ret_pairs of them. */
static size_t short_name_run(const char *name, size_t len, size_t *ret_pairs)
{
	size_t best = 0, from = 0;

	*ret_pairs = 0;
	for (size_t i = 0; i <= len; i++) {
		if (i < len && digit_of(name[i]) >= 0)
			continue;
		if ((i - from) / 2 > *ret_pairs) {
			best = from;
			*ret_pairs = (i - from) / 2;
		}
		from = i + 1;
	}
	return best;
}

void short_name_pack(const char *name, struct short_name *ret)
{
	size_t len = strnlen(name, SHORT_NAME_MOST), pairs;
	size_t before = short_name_run(name, len, &pairs);
	const char *run = name + before;
	uint8_t *to = ret->bytes;

	*to++ = (uint8_t)before;
	*to++ = (uint8_t)pairs;
	memcpy(to, name, before);
	to += before;
	for (size_t i = 0; i < pairs; i++)
		*to++ = (uint8_t)(digit_of(run[2 * i]) << 4 |
				  digit_of(run[2 * i + 1]));
	size_t rest = len - before - 2 * pairs;
	memcpy(to, run + 2 * pairs, rest);
	to[rest] = 0;
	ret->len = (size_t)(to + rest + 1 - ret->bytes);
}

void short_name_unpack(const uint8_t *packed, char *ret)
{
	size_t before = packed[0], pairs = packed[1];
	const uint8_t *from = packed + 2;

	memcpy(ret, from, before);
	ret += before;
	from += before;
	for (size_t i = 0; i < pairs; i++) {
		*ret++ = DIGITS[from[i] >> 4];
		*ret++ = DIGITS[from[i] & 15];
	}
	strcpy(ret, (const char *)from + pairs);
}

bool short_name_is(const struct short_name *name, const uint8_t *packed)
{
	const uint8_t *own = name->bytes;
	size_t fixed = (size_t)own[0] + own[1];

	return own[0] == packed[0] && own[1] == packed[1] &&
	       !memcmp(own + 2, packed + 2, fixed) &&
	       !strcmp((const char *)own + 2 + fixed,
		       (const char *)packed + 2 + fixed);
}
