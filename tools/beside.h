/*
 * beside.h - a file written beside its name, and renamed when it is whole
 *
 * Half of it is worse than what was there.
 */
#pragma once

struct beside {
	const char *path; /* borrowed */
	char *tmp;
	int fd; /* to write to */
};

/* Makes the file beside path.  Returns 0 or -errno; after 0, beside_close. */
int beside_open(struct beside *b, const char *path);

/*
 * With r 0 the file takes its name, else it is removed.  Returns r, or the
 * -errno of renaming.
 */
int beside_close(struct beside *b, int r);
