/*
 * io_limit.h - the backing at a given speed, for experiments
 *
 * As io_real, but what is read from and written to the backing's device takes
 * as long as at so many bytes a second, over all threads and both directions;
 * the device's own time counts towards it.  Plain copies in DRAM go at full
 * speed.  A thread that is early sleeps.  One limit a process.  Thread-safe.
 */
#pragma once

#include "fs/store/io.h"

/*
 * The table, from now on at bytes_per_s (> 0) for files on the device that
 * the directory `backing` is on.  NULL: it cannot be looked at.
 */
const struct io *io_limit(const char *backing, uint64_t bytes_per_s);
