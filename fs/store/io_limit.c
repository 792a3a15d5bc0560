/* io_limit.c - the backing at a given speed, for experiments */
#include "fs/store/io_limit.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "codec/mem.h"
#include "fs/store/clock.h"

/* Time unused that may be made up for: sleepers wake late. */
#define LIMIT_SLACK_NS 2000000

static struct {
	pthread_mutex_t lock; /* guards the next two */
	uint64_t free_ns;     /* when what was promised so far is through */
	double ns_per_byte;
	dev_t device;
} limit = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct io limit_table;

static bool limit_applies(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == limit.device;
}

/* Takes the device for len bytes.  Returns when it is through with them. */
static uint64_t limit_take(size_t len)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&limit.lock);
	uint64_t since = clock_ns() - LIMIT_SLACK_NS;

	if (limit.free_ns < since)
		limit.free_ns = since;
	limit.free_ns += (uint64_t)((double)len * limit.ns_per_byte);
	return limit.free_ns;
}

static void limit_wait(uint64_t until_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(until_ns / 1000000000),
		.tv_nsec = (long)(until_ns % 1000000000),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
	       EINTR)
		;
}

static ssize_t limit_read(int fd, void *dst, size_t len, uint64_t off)
{
	if (!limit_applies(fd))
		return io_real.read(fd, dst, len, off);

	uint64_t until = limit_take(len);
	ssize_t n = io_real.read(fd, dst, len, off);
	limit_wait(until);
	return n;
}

static int limit_write(int fd, const void *src, size_t len, uint64_t off)
{
	if (!limit_applies(fd))
		return io_real.write(fd, src, len, off);

	uint64_t until = limit_take(len);
	int r = io_real.write(fd, src, len, off);
	limit_wait(until);
	return r;
}

const struct io *io_limit(const char *backing, uint64_t bytes_per_s)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&limit.lock);
	struct stat st;

	if (stat(backing, &st) < 0)
		return NULL;
	limit.device = st.st_dev;
	limit.ns_per_byte = 1e9 / (double)bytes_per_s;
	limit_table = io_real;
	limit_table.read = limit_read;
	limit_table.write = limit_write;
	return &limit_table;
}
