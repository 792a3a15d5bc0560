/*
 * profile_file.h - reads a profile, or a file like it, for the tools
 */
#pragma once

#include <stddef.h>

#include "codec/profile.h"

/*
 * The text of a file, malloc'ed, and its length, at most one more than cap; or
 * NULL after saying on stderr what is wrong.
 */
char *profile_file_text(const char *path, size_t cap, size_t *ret_len);

/*
 * Returns 0 with the profile, or -errno after saying on stderr what is wrong
 * and in which line.
 */
int profile_file_load(const char *path, struct profile *ret);
