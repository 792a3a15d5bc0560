/*
 * profile_file.h - reads a profile for the tools
 */
#pragma once

#include "codec/profile.h"

/*
 * Returns 0 with the profile, or -errno after saying on stderr what is wrong
 * and in which line.
 */
int profile_file_load(const char *path, struct profile *ret);
