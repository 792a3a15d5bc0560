/*
 * setting.h - what an owner may ask for: user.kv.<name>, one value's grammar
 *
 *   quality   exact | kld:N | high | good | fair | low
 *             bit for bit, or the most damage that may be done: the estimated
 *             KL divergence, in nats, of what the model says next.  N > 0; the
 *             words are kld:0.0002, 0.005, 0.03 and 0.09
 *   task      a word: whose curve turns an error into quality
 *   tier      auto | mem | ssd
 *   pin       0 | 1 | soft:TIME   1: never evicted; soft: not while it was used
 *             within TIME, unless nothing else can go
 *   ttl       TIME without a hit, after which it is gone; 0: never
 *   priority  0 to 100; 50 is ordinary
 *   quota     BYTES that a directory may hold, stored
 *   dtype, axes, dims, header   what the files are, where nothing recognises it
 *
 * TIME is a whole number of seconds, or one with s, m, h or d; BYTES one with
 * K, M, G or T (powers of 1024) or without.  Pure; thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum setting_id {
	SETTING_QUALITY,
	SETTING_TASK,
	SETTING_TIER,
	SETTING_PIN,
	SETTING_TTL,
	SETTING_PRIORITY,
	SETTING_QUOTA,
	SETTING_DTYPE,
	SETTING_AXES,
	SETTING_DIMS,
	SETTING_HEADER,
	N_SETTINGS,
};

#define SETTING_TEXT_MAX 64 /* of a value, with the 0 at its end */

/* What the number of a tier or a pin may be. */
enum { SETTING_TIER_AUTO, SETTING_TIER_MEM, SETTING_TIER_SSD };
#define SETTING_PIN_HARD __builtin_inf()

struct setting {
	/*
	 * quality: nats, 0 exact.  tier: as above.  pin: 0, SETTING_PIN_HARD,
	 * or the seconds of a soft one.  ttl: seconds, 0 never.  priority: as
	 * written.  quota: bytes, 0 none.  The rest: 0, the text counts.
	 */
	double number;
	char text[SETTING_TEXT_MAX]; /* canonical: parses to the same value */
};

/* "quality" */
const char *setting_name(enum setting_id id);

/* False: there is no setting of that name. */
bool setting_find(const char *name, enum setting_id *ret);

/* Returns 0, or -EINVAL: text, len bytes without a 0, is no value of it. */
int setting_parse(enum setting_id id, const char *text, size_t len,
		  struct setting *ret);

/* v >= 0 in as few digits as tell it from its neighbours; "0.03", "1e-05". */
#define SETTING_NUMBER_MAX 32 /* bytes, with the 0 at its end */
void setting_write(double v, char ret[SETTING_NUMBER_MAX]);

/* What holds where nobody said anything. */
struct setting setting_default(enum setting_id id);
double setting_initial(enum setting_id id); /* its number */
