/*
 * short_name.h - a file's name in fewer bytes, for as many as there are
 *
 * Who names by a digest writes hexadecimal digits: the longest run of them is
 * kept two to a byte.  Packed: u8 characters before the run, u8 bytes of the
 * run, these characters, these bytes, what follows with its final 0.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHORT_NAME_MOST 255 /* of a name, without its final 0 */

struct short_name {
	size_t len;
	uint8_t bytes[SHORT_NAME_MOST + 3];
};

/* What is longer than SHORT_NAME_MOST is cut; no such name has a file. */
void short_name_pack(const char *name, struct short_name *ret);

/* ret has room for SHORT_NAME_MOST and a 0. */
void short_name_unpack(const uint8_t *packed, char *ret);

/* Whether packed is the bytes of that name. */
bool short_name_is(const struct short_name *name, const uint8_t *packed);
