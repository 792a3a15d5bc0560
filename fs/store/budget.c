/* budget.c - what may be filled: bytes of DRAM, bytes on the backing */
#include "fs/store/budget.h"

#include <time.h>

#include "codec/mem.h"

#define WAIT_NS 20000000 /* of a writer that is held back */

void budget_init(struct budget *b, uint64_t memory, uint64_t disk)
{
	*b = (struct budget){
		.memory_limit = memory,
		/* The other half stays for what readers ask for. */
		.dirty_limit = memory / 2,
		.disk_limit = disk,
	};
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
}

void budget_done(struct budget *b)
{
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->changed);
}

struct budget_view budget_look(struct budget *b)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	return (struct budget_view){
		.memory_limit = b->memory_limit,
		.dirty_limit = b->dirty_limit,
		.disk_limit = b->disk_limit,
		.dirty = b->dirty,
		.clean = b->clean,
		.disk_used = b->disk_used,
		.disk_promised = b->disk_promised,
	};
}

void budget_limit_disk(struct budget *b, uint64_t limit)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	b->disk_limit = limit;
	b->change++;
	pthread_cond_broadcast(&b->changed);
}

/* Caller holds the lock. */
static bool budget_fits(const struct budget *b, uint64_t n)
{
	uint64_t used = b->dirty + b->clean;

	return used <= b->memory_limit && n <= b->memory_limit - used;
}

bool budget_take_dirty(struct budget *b, uint64_t n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	if (b->dirty > b->dirty_limit || n > b->dirty_limit - b->dirty ||
	    !budget_fits(b, n))
		return false;
	b->dirty += n;
	return true;
}

bool budget_take_clean(struct budget *b, uint64_t n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	if (!budget_fits(b, n))
		return false;
	b->clean += n;
	return true;
}

/* Caller holds the lock. */
static void budget_move(struct budget *b, uint64_t *what, uint64_t was,
			uint64_t now)
{
	*what = *what - was + now;
	if (now < was) {
		b->change++;
		pthread_cond_broadcast(&b->changed);
	}
}

void budget_set_dirty(struct budget *b, uint64_t was, uint64_t now)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	budget_move(b, &b->dirty, was, now);
}

void budget_set_clean(struct budget *b, uint64_t was, uint64_t now)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	budget_move(b, &b->clean, was, now);
}

void budget_wash(struct budget *b, uint64_t n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	b->clean += n;
	budget_move(b, &b->dirty, n, 0);
}

void budget_soil(struct budget *b, uint64_t n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	b->dirty += n;
	budget_move(b, &b->clean, n, 0);
}

bool budget_promise(struct budget *b, uint64_t n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);
	uint64_t used = b->disk_used + b->disk_promised;

	if (used > b->disk_limit || n > b->disk_limit - used)
		return false;
	b->disk_promised += n;
	return true;
}

void budget_unpromise(struct budget *b, uint64_t n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	budget_move(b, &b->disk_promised, n, 0);
}

void budget_fulfil(struct budget *b, uint64_t promised, uint64_t stored)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	b->disk_used += stored;
	budget_move(b, &b->disk_promised, promised, 0);
}

void budget_set_disk(struct budget *b, uint64_t was, uint64_t now)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	budget_move(b, &b->disk_used, was, now);
}

uint64_t budget_change(struct budget *b)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	return b->change;
}

void budget_wait(struct budget *b, uint64_t change)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);
	struct timespec until;

	/* What frees room may end without changing anything: look again. */
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += WAIT_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (b->change == change)
		if (pthread_cond_timedwait(&b->changed, &b->lock, &until))
			break;
}

void budget_kick(struct budget *b)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&b->lock);

	b->change++;
	pthread_cond_broadcast(&b->changed);
}
