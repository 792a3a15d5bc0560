/*
 * publish.h - a synced temporary becomes the entry's container
 */
#pragma once

#include <stdint.h>

struct container;
struct entry;

/*
 * Gives the container, whose file is BACKING/.tmp/tmp_name, the entry's names,
 * owner, mode, times and xattrs, and makes the entry clean, if its change
 * count is still `change`.  Takes c on success.  Returns 0, -EAGAIN (it was
 * written to meanwhile), -ESTALE (it has no name any more), -EDQUOT (room must
 * be made as quota.h says) or -errno.
 */
int publish(struct entry *e, const char *tmp_name, struct container *c,
	    uint64_t change);

/*
 * The staged bytes will never be published, because of error: the entry is
 * what it was before, or gone.  Counted and logged.
 */
void publish_give_up(struct entry *e, int error);
