/* clock.h - the time that spans are measured with */
#pragma once

#include <stdint.h>
#include <time.h>

/* Nanoseconds that never fall, since some moment before. */
static inline uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
