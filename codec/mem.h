/*
 * mem.h - what comes back at the end of a scope, and little-endian words
 *
 * The helpers every room uses; nothing here knows what the project is for.
 * All functions are thread-safe: they touch only what they are given.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_unlock(pthread_mutex_t **m)
{
	if (*m)
		pthread_mutex_unlock(*m);
}

static inline void cleanup_rwunlock(pthread_rwlock_t **l)
{
	if (*l)
		pthread_rwlock_unlock(*l);
}

#define auto_free     __attribute__((cleanup(cleanup_free)))
#define auto_close    __attribute__((cleanup(cleanup_close)))
#define auto_unlock   __attribute__((cleanup(cleanup_unlock), unused))
#define auto_rwunlock __attribute__((cleanup(cleanup_rwunlock), unused))

/* Locks, and returns what auto_unlock gives back at the end of the scope. */
static inline pthread_mutex_t *mutex_lock(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}

static inline pthread_rwlock_t *lock_shared(pthread_rwlock_t *l)
{
	pthread_rwlock_rdlock(l);
	return l;
}

static inline pthread_rwlock_t *lock_alone(pthread_rwlock_t *l)
{
	pthread_rwlock_wrlock(l);
	return l;
}

/* Hands a pointer on, so that its auto_free does nothing. */
static inline void *steal_ptr(void *p)
{
	void *was = *(void **)p;

	*(void **)p = NULL;
	return was;
}

static inline int steal_fd(int *fd)
{
	int was = *fd;

	*fd = -1;
	return was;
}

#define HUGE_BYTES (2u << 20)

/*
 * At least len bytes in huge pages, where the kernel has some; free() gives
 * them back.  A disk is told of each run of memory that it shall fill: into
 * pages of 4 KiB a virtual disk reads at half its speed.
 */
static inline void *huge_alloc(size_t len)
{
	size_t all = (len + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	void *p = all < len ? NULL : aligned_alloc(HUGE_BYTES, all);

	if (p)
		madvise(p, all, MADV_HUGEPAGE);
	return p;
}

/* Loads and stores of little-endian words at any alignment. */
static inline uint16_t load16(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t load32(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
	       (uint32_t)b[3] << 24;
}

static inline uint64_t load64(const void *p)
{
	const uint8_t *b = p;

	return load32(b) | (uint64_t)load32(b + 4) << 32;
}

static inline void store16(void *p, uint16_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}

static inline void store32(void *p, uint32_t v)
{
	store16(p, (uint16_t)v);
	store16((uint8_t *)p + 2, (uint16_t)(v >> 16));
}

static inline void store64(void *p, uint64_t v)
{
	store32(p, (uint32_t)v);
	store32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}

/* v rounded up to a multiple of step, a power of two.  Wraps near 2^64. */
static inline uint64_t align_up(uint64_t v, uint64_t step)
{
	return (v + step - 1) & ~(step - 1);
}
